"""What a terminal holds: the feed's key, a verified snapshot, the deltas after it, and how fresh all that is.

In the folder:

| file | what | how it changes |
|---|---|---|
| `key` | the feed's key, 32 bytes | replaced as a whole |
| `ID.snapshot` | the snapshot under the key ID | replaced as a whole, after it was verified |
| `ID.deltas` | the changes after it (see `journal`) | appended; rewritten without those that a snapshot covers |
| `standing.json` | the last word on how new that is (see `clock`), and what `trouble` there is | replaced as a whole |

Any two of them may be of different moments, whatever dies in between: deltas that the snapshot covers are passed over,
and behind a gap nothing counts. A new key takes effect when `key` is replaced, after its snapshot lies there.
"""

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from . import files, naming
from .clock import Clock, Standing, SystemClock, is_ahead, told
from .journal import Delta, Journal
from .lock import FolderLock
from .parameters import STANDING_EVERY_S
from .snapshot import Head, Snapshot, SnapshotRefused, open_head, open_snapshot
from .trouble import Trouble

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class View:
    """What is known at one moment; `overlay` grows, and is replaced with its snapshot."""

    key: bytes
    snapshot: Snapshot
    overlay: dict[bytes, Delta] = field(default_factory=dict)

    def look_up(self, tag: bytes) -> Delta | bool:
        """The newest change of a card after the snapshot; else whether the filter has it, or errs."""
        changed = self.overlay.get(tag)
        return changed if changed is not None else tag in self.snapshot.filter


class Holding:
    """The state of one folder. One thread of one process writes (`writing`), any others look things up."""

    def __init__(
        self, folder: Path, signers: Sequence[Ed25519PublicKey], *, writing: bool, clock: Clock | None = None
    ) -> None:
        """Read what is there; what is damaged or not signed by one of `signers` is as if it were not there.

        Raises `FolderInUse` where it is to be written and another process does.
        """
        self._folder, self._signers, self._writing = folder, tuple(signers), writing
        self.clock: Clock = SystemClock() if clock is None else clock
        self._lock: FolderLock | None = None
        if writing:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if files.others_can_write(folder):
                _log.warning("others can write to the folder of the list, and could replace what lies there")
            self._lock = FolderLock(folder / "lock")
        self.view: View | None = None
        self.seq: int | None = None
        # The change of the number held; None where that is the snapshot's own.
        self.last: Delta | None = None
        self.standing: Standing | None = None
        self.key: bytes | None = None
        self.fault: str | None = None
        self.trouble = Trouble()
        self._saved_at = float("-inf")
        self.reload()

    def close(self) -> None:
        """Put the last word on the disk and let others write."""
        if self._lock is not None:
            self._save_standing()
            self._lock.release()
            self._lock = None

    def reload(self) -> None:
        """Read the folder again."""
        self.key = _read(self._folder / "key", naming.KEY_BYTES)
        self.standing, self.trouble = self._read_standing()
        if self.key is None:
            self.view, self.seq, self.last = None, None, None
            return
        try:
            raw = self._snapshot_path(self.key).read_bytes()
            snapshot = open_snapshot(raw, self._signers)
            self._require_key(snapshot.head, self.key)
        except FileNotFoundError:
            self.view, self.seq, self.last = None, None, None
        except SnapshotRefused as refused:
            self.view, self.seq, self.last, self.fault = None, None, None, refused.reason
        else:
            self.fault = None
            self._adopt(self.key, snapshot, self._journal(self.key).load(mend=self._writing))

    @property
    def as_of(self) -> datetime | None:
        """Up to when everything is known, by the service's clock."""
        if self.view is None or self.seq is None:
            return None
        head, standing = self.view.snapshot.head, self.standing
        # A word on more than is held, after a loss on the disk, is no word on this.
        if standing is None or standing.seq > self.seq:
            return head.as_of
        # A snapshot made while the service's clock was ahead; what was said since holds, and has an age.
        if standing.seq >= head.seq and is_ahead(head.as_of, standing.service_time(self.clock)):
            return standing.as_of
        return max(head.as_of, standing.as_of)

    def service_time(self) -> datetime | None:
        """What the service's clock shows at most; None where that cannot be known."""
        if self.standing is not None:
            return self.standing.service_time(self.clock)
        wall = self.clock.wall()
        as_of = self.as_of
        return None if as_of is None or wall < as_of else wall

    @property
    def deltas(self) -> int:
        """How many cards changed since the snapshot."""
        return 0 if self.view is None else len(self.view.overlay)

    @property
    def invalid_since(self) -> int:
        """How many of them are invalid now; the snapshot may have some of these too."""
        # The list is made at once, while the thread that follows adds.
        return 0 if self.view is None else sum(one.invalid for one in list(self.view.overlay.values()))

    def take(self, raw: bytes, key: bytes | None = None) -> None:
        """Use a snapshot from now on; with a `key`, that key too. Raises `SnapshotRefused`: what is held stays."""
        if self._lock is None:
            raise SnapshotRefused("read_only", "this process does not write the folder")
        snapshot = open_snapshot(raw, self._signers)
        used = self._wanted(snapshot.head, key)
        files.replace(self._snapshot_path(used), raw)
        changed = used != self.key
        if changed:
            files.replace(self._folder / "key", used)
        self._adopt(used, snapshot, self._journal(used).load(mend=True))
        # Last: were it the new one beside the old view, changes under it would be taken in where nobody finds them.
        self.key, self.fault = used, None
        if changed:
            self._forget_other_keys(used)

    def judge(self, raw: bytes, key: bytes | None = None) -> None:
        """Whether `take` would use a snapshot with this head (`HEAD_BYTES`), unless its filter is damaged.

        Raises `SnapshotRefused` as `take` does.
        """
        self._wanted(open_head(raw, self._signers), key)

    def apply(self, deltas: Iterable[Delta]) -> int:
        """Add what the feed told, as far as it follows on without a gap; gives how many were new.

        They are on the disk before they count. What is known already is passed over; behind a gap nothing is taken,
        and the caller asks again after `seq`.
        """
        if self.view is None or self.seq is None or self._lock is None:
            return 0
        new = _following(deltas, self.seq)
        if new:
            self._journal(self.view.key).append(new)
            self.view.overlay.update((one.tag, one) for one in new)
            self.seq, self.last = new[-1].seq, new[-1]
        return len(new)

    def confirm(self, seq: int, as_of: datetime, asked: float, wall: datetime | None = None) -> None:
        """The service said at `as_of` that `seq` was the newest; asked for at the ticks `asked`, and the calendar clock
        `wall` where it was asked and did not say so by itself. It is noted where that is what is held."""
        if seq != self.seq or self._lock is None:
            return
        self.standing = told(self.clock, seq, as_of, asked, wall, self.standing)
        if self.clock.ticks() - self._saved_at >= STANDING_EVERY_S:
            self._save_standing()

    def note(self, trouble: Trouble) -> None:
        """Put what went wrong, or that nothing does any more, where other processes see it. Raises OSError."""
        self.trouble = trouble
        if self._lock is not None:
            self._save_standing()

    def _adopt(self, key: bytes, snapshot: Snapshot, recorded: list[Delta]) -> None:
        kept = _following(recorded, snapshot.head.seq)
        if self._writing and len(kept) != len(recorded):
            self._journal(key).rewrite(kept)
        self.view = View(key, snapshot, {one.tag: one for one in kept})
        self.last = kept[-1] if kept else None
        self.seq = snapshot.head.seq if self.last is None else self.last.seq

    def _wanted(self, offered: Head, key: bytes | None) -> bytes:
        """The key under which a snapshot is to be used. Raises `SnapshotRefused`."""
        used = key or self.key
        if used is None:
            raise SnapshotRefused("other_key", "there is no key of the feed yet")
        self._require_key(offered, used)
        self._require_newer(offered, used)
        return used

    def _require_key(self, offered: Head, key: bytes) -> None:
        if offered.key_id != naming.key_id(key):
            raise SnapshotRefused("other_key", f"the snapshot is under another key of the feed: {offered.key_id}")

    def _require_newer(self, offered: Head, key: bytes) -> None:
        if self.view is None:
            return
        held = self.view.snapshot.head
        if offered.deployment != held.deployment:
            raise SnapshotRefused("other_deployment", f"the snapshot is of another deployment: {offered.deployment}")
        if key == self.view.key:
            # One of the same number is older by its time, unless the held one's time was never right.
            wrong = offered.seq == held.seq and is_ahead(held.as_of, self.service_time())
            if not wrong and (offered.seq, offered.as_of) < (held.seq, held.as_of):
                raise SnapshotRefused("older", f"the snapshot ends at {offered.seq}, the held one at {held.seq}")
            return
        # A register that was restored to an earlier point has a new key and lower numbers; what is replayed is older.
        if offered.seq < (self.seq or 0) and offered.as_of <= (self.as_of or held.as_of):
            raise SnapshotRefused("older", f"the snapshot ends at {offered.seq}, and {self.seq} is known")

    def _snapshot_path(self, key: bytes) -> Path:
        return self._folder / f"{naming.key_id(key)}.snapshot"

    def _journal(self, key: bytes) -> Journal:
        return Journal(self._folder / f"{naming.key_id(key)}.deltas")

    def _forget_other_keys(self, key: bytes) -> None:
        for path in [*self._folder.glob("*.snapshot"), *self._folder.glob("*.deltas")]:
            if path.stem != naming.key_id(key):
                path.unlink(missing_ok=True)

    def _read_standing(self) -> tuple[Standing | None, Trouble]:
        try:
            written = json.loads((self._folder / "standing.json").read_bytes())
            trouble = Trouble.from_json(written.get("trouble"))
        except (OSError, AttributeError, ValueError):
            return None, Trouble()
        try:
            return Standing.from_json(written), trouble
        except (KeyError, TypeError, ValueError):
            return None, trouble

    def _save_standing(self) -> None:
        trouble = self.trouble.as_json()
        if self.standing is None and trouble is None and not (self._folder / "standing.json").exists():
            return
        written = {**({} if self.standing is None else self.standing.as_json()), "trouble": trouble}
        files.replace(self._folder / "standing.json", json.dumps(written).encode())
        self._saved_at = self.clock.ticks()


def _following(deltas: Iterable[Delta], seq: int) -> list[Delta]:
    """Those that follow on `seq` one by one."""
    kept: list[Delta] = []
    for one in deltas:
        if one.seq == seq + 1:
            kept.append(one)
            seq = one.seq
        elif one.seq > seq + 1:
            break
    return kept


def _read(path: Path, size: int) -> bytes | None:
    try:
        raw = path.read_bytes()
    except OSError:
        return None
    return raw if len(raw) == size else None
