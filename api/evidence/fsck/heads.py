"""Checkpoints, stored ones and those that were kept outside, compared with the tree of their size."""

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from api.evidence.checkpoints import Checkpoint, CheckpointInvalid, open_note
from api.evidence.fsck.report import Kept, Report
from api.evidence.fsck.tree import Tree
from api.evidence.parameters import ORIGIN, ROWS
from api.storage.keys import Keys
from api.storage.tables import evidence_checkpoints


class Heads:
    """Stored checkpoints in their order, read as the tree grows; kept ones by their size."""

    def __init__(self, connection: Connection, keys: Keys, kept: Sequence[Kept], report: Report) -> None:
        self._keys = keys
        self._report = report
        self.covered = self._covered(connection)
        self._kept = self._opened(kept)
        self._stored = self._read(connection)
        self._previous = 0
        self._wrong: list[int] = []
        self._awaited: Row[Any] | None = None
        self._next()

    def is_late(self, include_by: datetime | None) -> bool:
        """Whether the leaf that comes next got its place after the promised time."""
        return include_by is not None and self._awaited is not None and include_by < self._awaited.created_at

    def compare(self, tree: Tree) -> None:
        """Compare the checkpoints of the tree as large as it is now."""
        stored = self._awaited is not None and self._awaited.size == tree.size
        for name, checkpoint in self._kept.pop(tree.size, ()):
            if checkpoint.root != tree.root():
                self._report.add(f"{name}: the log of its {tree.size} leaves was another, it was rewritten since")
            elif not stored:
                self._report.add(f"{name}: its checkpoint {tree.size} is not stored any more")
        if self._awaited is not None and stored:
            if self._awaited.root != tree.root():
                self._wrong.append(tree.size)
            self._next()

    def finish(self, tree: Tree) -> None:
        """What is left belongs to a longer log, which was cut."""
        if self._wrong:
            more = f" (and {len(self._wrong) - 1} after it)" if len(self._wrong) > 1 else ""
            self._report.add(f"checkpoint {self._wrong[0]}{more}: the root is not that of the leaves")
        while self._awaited is not None:
            self._report.add(f"checkpoint {self._awaited.size}: the log has only {tree.size} leaves")
            self._next()
        for size, kept in sorted(self._kept.items()):
            for name, _ in kept:
                self._report.add(f"{name}: the log had {size} leaves and has {tree.size}, it was cut")

    def _opened(self, kept: Sequence[Kept]) -> dict[int, list[tuple[str, Checkpoint]]]:
        found: dict[int, list[tuple[str, Checkpoint]]] = defaultdict(list)
        for one in kept:
            self._report.kept += 1
            try:
                checkpoint = open_note(one.note, ORIGIN, self._keys.trusted)
            except CheckpointInvalid:
                self._report.add(f"{one.name}: it is not signed with a key of this deployment")
            else:
                found[checkpoint.size].append((one.name, checkpoint))
        return found

    def _covered(self, connection: Connection) -> int:
        """The size that the newest well-signed checkpoint tells: places from there on are nobody's promise."""
        statement = select(evidence_checkpoints.c.note).order_by(evidence_checkpoints.c.size.desc())
        with connection.execute(statement, execution_options={"yield_per": 1}) as notes:
            for note in notes.scalars():
                with contextlib.suppress(CheckpointInvalid):
                    return open_note(note, ORIGIN, self._keys.trusted, alone=True).size
        return 0

    def _read(self, connection: Connection) -> Iterator[Row[Any]]:
        statement = select(evidence_checkpoints).order_by(evidence_checkpoints.c.size)
        with connection.execute(statement, execution_options={"yield_per": ROWS}) as rows:
            yield from rows

    def _next(self) -> None:
        """Go on to the next stored checkpoint, after its note was checked."""
        self._previous = self._previous if self._awaited is None else self._awaited.size
        self._awaited = next(self._stored, None)
        if self._awaited is None:
            return
        self._report.checkpoints += 1
        size = self._awaited.size
        if size <= 0:
            self._report.add(f"checkpoint {size}: there is no tree of that size")
        try:
            signed = open_note(self._awaited.note, ORIGIN, self._keys.trusted, alone=True)
        except CheckpointInvalid:
            self._report.add(f"checkpoint {size}: it is not signed by the log")
            return
        if (signed.size, signed.root) != (size, self._awaited.root):
            self._report.add(f"checkpoint {size}: the signed note says something else")
        if signed.previous != self._previous:
            self._report.add(f"checkpoint {size}: the one before it, {signed.previous}, is missing")
