"""Keeps a holding fresh: the key, a snapshot, the deltas after it; and goes on by itself after whatever went wrong."""

import logging
import threading
import time
from pathlib import Path
from random import SystemRandom

from .clock import is_ahead
from .holding import Holding
from .journal import Delta
from .naming import key_id
from .parameters import (
    FAR_BEHIND,
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    LONGEST_RETRY_AFTER_S,
    MOST_DELTAS,
    PAGE_EVENTS,
    POLL_S,
    SNAPSHOT_AGE_S,
    SNAPSHOT_PAUSE_S,
)
from .remote import Remote, RemoteFailed, Told
from .snapshot import SnapshotRefused
from .trouble import Trouble

_log = logging.getLogger(__name__)

RESTORED = "feed_position_unknown"
"""The service's code for a number that it has not reached."""


class Follower:
    """`run` goes on until it is told to stop; `catch_up` is one round."""

    def __init__(self, holding: Holding, remote: Remote, folder: Path, *, stream: bool = True) -> None:
        """`folder` takes a download that broke off. Without `stream` the service is asked every few seconds."""
        self._holding, self._remote, self._stream = holding, remote, stream
        self._part = folder / "snapshot.part"
        self._etag: str | None = None
        self._asked_at = float("-inf")

    @property
    def trouble(self) -> Trouble:
        """What went wrong last; it lies in the folder too."""
        return self._holding.trouble

    def once(self) -> None:
        """One round, and how it went noted for others. Raises what `catch_up` does."""
        try:
            self.catch_up()
        except Exception as error:
            self._told(error, 1)
            raise
        self._well()

    def run(self, stop: threading.Event) -> None:
        """Follow until `stop` is set. What goes wrong is told in `trouble` and the log, and tried again."""
        failures = 0
        while not stop.is_set():
            try:
                self.catch_up()
                failures = 0
                self._well()
                if self._stream:
                    self._follow_stream(stop)
                else:
                    stop.wait(POLL_S)
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever one round meets
                failures += 1
                stop.wait(self._told(error, failures))

    def catch_up(self) -> None:
        """Get what is missing, up to the service's newest number. Raises `RemoteFailed` and `SnapshotRefused`.

        Where a snapshot is held and a new one is refused, the deltas go on.
        """
        if self._holding.view is None:
            self._fetch_first()
        elif self._is_due():
            self._try_snapshot()
        while self._take_page():
            pass

    def _take_page(self) -> bool:
        """Take what follows; whether there is more."""
        asked, wall = self._holding.clock.ticks(), self._holding.clock.wall()
        seq, last = self._holding.seq or 0, self._holding.last
        try:
            # From the change that is held on: a register that was restored has another one under its number.
            page = self._remote.page(seq if last is None else seq - 1, PAGE_EVENTS)
            if page.key_id == self._held_key():
                _require_same(page, seq, last)
        except RemoteFailed as failed:
            if failed.code != RESTORED or not self._begin_again():
                raise
            return True
        if page.key_id != self._held_key():
            self._change_key(page.key_id)
            return True
        if page.head - seq > FAR_BEHIND and self._may_ask():
            self._try_snapshot()
            return True
        taken = self._holding.apply(page.deltas)
        if taken == 0 and page.head != seq:
            raise RemoteFailed("gap", f"the service does not tell what follows on {seq}")
        if page.as_of is not None:
            self._holding.confirm(page.head, page.as_of, asked, wall)
        return page.more and taken > 0

    def _follow_stream(self, stop: threading.Event) -> None:
        """Take changes as they come; returns at a gap, when the key changed, or for a new snapshot."""
        for told in self._remote.stream(self._holding.seq or 0):
            if stop.is_set() or not self._take(told) or (self._is_due() and self._may_ask()):
                return

    def _take(self, told: Told) -> bool:
        """Whether the stream can be gone on with."""
        if not told.deltas:
            if told.key_id and told.key_id != self._held_key():
                return False
            standing = self._holding.standing
            if standing is not None and standing.is_outrun(self._holding.clock):
                # A machine that was saved and resumed may read here what was said before: it has to ask.
                return False
            if told.as_of is not None:
                self._holding.confirm(told.head, told.as_of, self._holding.clock.ticks())
            return True
        (delta,) = told.deltas
        if delta.seq <= (self._holding.seq or 0):
            return True
        return self._holding.apply(told.deltas) == 1

    def _fetch_first(self) -> None:
        key = self._holding.key or self._remote.feed_key()
        try:
            self._take_snapshot(key)
        except SnapshotRefused as refused:
            if refused.reason != "other_key":
                raise
            # The key was replaced before there was a snapshot under it.
            self._take_snapshot(self._remote.feed_key())

    def _begin_again(self) -> bool:
        """After the register was restored to an earlier point: with a new key, and only then, all begins anew."""
        key = self._remote.feed_key()
        if key == self._holding.key:
            return False
        self._etag = None
        self._take_snapshot(key)
        return True

    def _change_key(self, needed: str) -> None:
        key = self._remote.feed_key()
        if key_id(key) != needed:
            raise RemoteFailed("other_key", "the service's replicas have different keys of the feed")
        self._etag = None
        self._take_snapshot(key)

    def _try_snapshot(self) -> None:
        """A new snapshot where there is one; trouble with it stops nothing."""
        self._asked_at = time.monotonic()
        try:
            self._take_snapshot(None)
        except (RemoteFailed, SnapshotRefused) as error:
            self._told(error, 1, of_snapshot=isinstance(error, SnapshotRefused))

    def _take_snapshot(self, key: bytes | None) -> None:
        got = self._remote.snapshot(self._part, self._etag, lambda head: self._holding.judge(head, key))
        if got is None:
            if key is None and self._etag is not None:
                return
            self._etag = None
            raise RemoteFailed("malformed", "the service says that a snapshot is known which was never named")
        raw, tag = got
        self._holding.take(raw, key)
        self._etag = tag if tag.startswith('"') else None
        self._well(of_snapshot=True)

    def _is_due(self) -> bool:
        view, now = self._holding.view, self._holding.service_time()
        if view is None:
            return True
        made = view.snapshot.head.as_of
        age_s = 0.0 if now is None else (now - made).total_seconds()
        old = age_s > SNAPSHOT_AGE_S or is_ahead(made, now)
        return (self._holding.deltas > MOST_DELTAS or old) and self._may_ask()

    def _may_ask(self) -> bool:
        return time.monotonic() - self._asked_at > SNAPSHOT_PAUSE_S

    def _held_key(self) -> str:
        return "" if self._holding.key is None else key_id(self._holding.key)

    def _well(self, *, of_snapshot: bool = False) -> None:
        """No trouble any more; that of a refused snapshot ends with a snapshot only."""
        if self.trouble.reason is None or self.trouble.of_snapshot != of_snapshot:
            return
        _log.info("a new snapshot is taken again" if of_snapshot else "the feed is followed again")
        self._note(Trouble())

    def _note(self, trouble: Trouble) -> None:
        try:
            self._holding.note(trouble)
        except OSError as error:
            # Trouble with the disk is what it may be: this process knows it all the same.
            _log.warning("what went wrong cannot be written down: %s", type(error).__name__)

    def _told(self, error: Exception, failures: int, *, of_snapshot: bool = False) -> float:
        """Note what went wrong; gives how long to wait: twice as long after every failure, and never all at once."""
        reason, text = _named(error)
        if self.trouble.reason != reason or (self.trouble.of_snapshot and not of_snapshot):
            _log.warning("%s", text)
            self._note(Trouble(reason, text, self._holding.clock.wall(), of_snapshot))
        pause = min(FIRST_PAUSE_S * 2.0 ** min(failures - 1, 16), LONGEST_PAUSE_S) * SystemRandom().uniform(0.5, 1.0)
        asked = getattr(error, "retry_after_s", None)
        return pause if asked is None else max(pause, min(float(asked), LONGEST_RETRY_AFTER_S))


def _require_same(page: Told, seq: int, last: Delta | None) -> None:
    """Raises `RemoteFailed` where the service has not the change `last`, or not reached its number `seq`."""
    if page.head < seq:
        raise RemoteFailed(RESTORED, f"the service is at {page.head}, behind {seq}, which is held")
    found = next((one for one in page.deltas if last is not None and one.seq == seq), None)
    if last is not None and found is None:
        raise RemoteFailed("gap", f"the service does not tell the change {seq}, which is held")
    # As records: of a status of a newer service the disk has kept the kind alone.
    if last is not None and found is not None and found.packed() != last.packed():
        raise RemoteFailed(RESTORED, f"the service has another change under the number {seq}: it was restored")


def _named(error: Exception) -> tuple[str, str]:
    """The word and the text for what went wrong; of what nobody foresaw the kind alone."""
    if isinstance(error, SnapshotRefused):
        return error.reason, str(error)
    if isinstance(error, RemoteFailed):
        return error.code, str(error)
    if isinstance(error, OSError):
        return "disk", f"the folder cannot be written: {type(error).__name__}"
    return "internal", f"something nobody foresaw: {type(error).__name__}"
