"""Leaves whose texts were archived: read from their files where those are at hand, in step with the places."""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from api.evidence import archives
from api.evidence.archives import ArchiveDamaged, Stretch
from api.evidence.fsck.report import Report
from api.storage.tables import acts, evidence_archives


@dataclass(frozen=True)
class Archived:
    """An archived leaf; all None where its file is not at hand, or damaged."""

    place: int = -1
    text: str | None = None
    signature: bytes = b""
    key_id: str = ""


class Archives:
    """The recorded stretches, and the file that is being read."""

    def __init__(self, connection: Connection, folder: Path | None, report: Report) -> None:
        self._folder = folder
        self._report = report
        statement = select(evidence_archives).order_by(evidence_archives.c.first)
        self._stretches = [Stretch(row.first, row.last, row.file, row.sha256) for row in connection.execute(statement)]
        self._at = -1
        self._leaves: Iterator[dict[str, Any]] | None = None
        self._check_records(connection)

    def find(self, place: int | None) -> Archived | None:
        """The leaf at a place, asked for in their order; None where no archive is recorded."""
        if place is None:
            return None
        while self._at + 1 < len(self._stretches) and self._stretches[self._at + 1].first <= place:
            self._at += 1
            self._leaves = self._opened(self._stretches[self._at])
        if self._at < 0 or place > self._stretches[self._at].last:
            return None
        self._report.archived += 1
        found = self._next()
        # A leaf that is missing in the log is one too many in the file.
        while found is not None and found.place < place:
            found = self._next()
        if found is None:
            self._report.not_at_hand += 1
        return found or Archived()

    def close(self) -> None:
        """Read the last file to its end."""
        while self._next() is not None:
            pass

    def _opened(self, stretch: Stretch) -> Iterator[dict[str, Any]] | None:
        self.close()
        path = None if self._folder is None else self._folder / Path(stretch.file).name
        if path is None:
            return None
        if not path.exists():
            self._report.add(f"archive {stretch.file}: it is not in the folder")
            return None
        return archives.read(path, stretch)

    def _next(self) -> Archived | None:
        if self._leaves is None:
            return None
        try:
            leaf = next(self._leaves, None)
            if leaf is not None:
                signature = base64.b64decode(leaf["signature"], validate=True)
                return Archived(leaf["place"], str(leaf["leaf"]), signature, str(leaf["key_id"]))
        except (ArchiveDamaged, KeyError, TypeError, binascii.Error) as error:
            why = error if isinstance(error, ArchiveDamaged) else "a leaf in it is not whole"
            self._report.add(f"archive {self._stretches[self._at].file}: {why}")
        self._leaves = None
        return None

    def _check_records(self, connection: Connection) -> None:
        """Whoever takes texts away could call them archived: every record has its act."""
        told = connection.execute(select(acts.c.details).where(acts.c.act == archives.ACT)).scalars().all()
        end = 0
        for stretch in self._stretches:
            if archives.details(stretch) not in told:
                self._report.add(f"archive {stretch.file}: no act tells of it")
            if not end <= stretch.first <= stretch.last:
                self._report.add(f"archive {stretch.file}: its places are those of another")
            end = stretch.last + 1
