"""The terminal's client in one object: what is held, what keeps it fresh, and the answers."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .answer import Answer
from .card import Card
from .checking import check
from .clock import Clock, age_s, is_stale, sound_limit
from .follower import Follower
from .holding import Holding
from .parameters import LOOK_EVERY_S, STALE_AFTER_S
from .remote import Remote
from .signers import Signer, public_keys


class Terminal:
    """Answers from memory, in microseconds. With `remote` it keeps the folder fresh, else another process does."""

    def __init__(
        self,
        folder: str | Path,
        signers: Sequence[Signer],
        *,
        remote: Remote | None = None,
        stale_after_s: float = STALE_AFTER_S,
        stream: bool = True,
        clock: Clock | None = None,
    ) -> None:
        """`signers`: the service's public keys, as `GET /v1/keys` gives them, compared on a second way: keys, their 32
        bytes, or texts in base64 or PEM.

        Raises `FolderInUse` where another process keeps the folder fresh, OSError where it cannot be read, and
        TypeError or ValueError for what is no folder, no key or no number of seconds.
        """
        self._folder, self._stale_after_s = Path(folder), sound_limit(stale_after_s)
        self.holding = Holding(self._folder, public_keys(signers), writing=remote is not None, clock=clock)
        self.follower = None if remote is None else Follower(self.holding, remote, self._folder, stream=stream)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._looked_at, self._seen = time.monotonic(), self._signs()

    def start(self) -> None:
        """Keep the folder fresh in a thread of its own; a no-op when it runs, or without `remote`."""
        if self.follower is not None and self._thread is None:
            self._stop.clear()
            self._thread = threading.Thread(target=self.follower.run, args=(self._stop,), name="feed", daemon=True)
            self._thread.start()

    def check(self, card: Card) -> Answer:
        """What can be said of a card now."""
        if self.follower is None and time.monotonic() - self._looked_at >= LOOK_EVERY_S:
            self._look()
        return check(self.holding, card, self._stale_after_s)

    def status(self) -> dict[str, Any]:
        """How things stand, for people and monitoring; the names are those of an answer."""
        if self.follower is None:
            self._look()
        holding = self.holding
        as_of, now, view = holding.as_of, holding.service_time(), holding.view
        age = age_s(as_of, now)
        head = None if view is None else view.snapshot.head
        trouble = holding.trouble
        return {
            "as_of_seq": holding.seq,
            "as_of_time": None if as_of is None else as_of.isoformat(),
            "age_s": age,
            "stale": is_stale(age, self._stale_after_s),
            "snapshot_seq": None if head is None else head.seq,
            "snapshot_as_of": None if head is None else head.as_of.isoformat(),
            "invalid_cards_in_snapshot": None if head is None else head.count,
            "deltas": holding.deltas,
            "invalid_since": holding.invalid_since,
            "deployment": None if head is None else str(head.deployment),
            "key_id": None if head is None else head.key_id,
            "trouble": trouble.reason or holding.fault,
            "trouble_since": None if trouble.since is None else trouble.since.isoformat(),
        }

    def close(self) -> None:
        """Stop following, as soon as the service's next word or silence allows."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=1.0)
        self.holding.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _look(self) -> None:
        """Read the folder again where another process changed it."""
        self._looked_at = time.monotonic()
        signs = self._signs()
        if signs != self._seen:
            self._seen = signs
            self.holding.reload()

    def _signs(self) -> list[tuple[str, int, int]]:
        if self.follower is not None:
            return []
        paths = [path for path in self._folder.glob("*") if path.suffix in {".snapshot", ".deltas", ".json"}]
        found = []
        for path in sorted([*paths, self._folder / "key"]):
            try:
                known = path.stat()
            except OSError:
                continue
            found.append((path.name, known.st_mtime_ns, known.st_size))
        return found
