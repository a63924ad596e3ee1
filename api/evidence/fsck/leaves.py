"""Leaves one by one: text, hash, signature, and that the act they tell of is recorded as they say."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Connection, Row, Uuid, bindparam, func, select

from api.evidence import leaves
from api.evidence.fsck import acts
from api.evidence.fsck.acts import _TABLES as ACT_TABLES
from api.evidence.fsck.archives import Archives
from api.evidence.fsck.report import Report
from api.storage.keys import Keys, public_id


@dataclass(frozen=True)
class Told:
    """What a sound leaf tells: where it stands, its text and what is in it."""

    where: str
    kind: str
    subject_id: str
    text: str
    signature: str
    include_by: str | None
    body: dict[str, Any]


class LeafChecker:
    """Checks leaves as they come, some thousand at a time."""

    def __init__(self, connection: Connection, keys: Keys, archives: Archives, report: Report) -> None:
        self._connection = connection
        self._keys = {public_id(key): key.public_bytes_raw() for key in keys.trusted}
        self._archives = archives
        self._report = report
        self._unread: list[tuple[str, str, UUID]] = []

    def check(self, rows: Sequence[Row[Any]]) -> None:
        """Check leaves, placed ones in their order."""
        told = [found for row in rows if (found := self._read(row)) is not None]
        acts.compare(self._connection, told, self._report)
        self._find_acts_of_unread()

    def _read(self, row: Row[Any]) -> Told | None:
        where = f"leaf {row.place}" if row.place is not None else f"waiting leaf {row.seq}"
        text, signature, key_id = row.leaf, row.signature, row.signing_key_id
        archived = self._archives.find(row.place)
        if text is None:
            if archived is None:
                self._report.add(f"{where}: its text is missing")
            if archived is not None and archived.text is None:
                self._unread.append((where, row.kind, row.subject_id))
            if archived is None or archived.text is None:
                return None
            text, signature, key_id = archived.text, archived.signature, archived.key_id
        if leaves.leaf_hash(text) != row.leaf_hash:
            self._report.add(f"{where}: its text is not what was hashed")
            return None
        if key_id not in self._keys:
            self._report.add(f"{where}: it is signed with a key that is none of this deployment's")
        elif not leaves.verify(self._keys[key_id], text, leaves.promise_text(row.include_by), signature):
            self._report.add(f"{where}: its receipt's signature is not the service's")
        return self._parsed(where, row, text, signature)

    def _find_acts_of_unread(self) -> None:
        """What an archived leaf tells is not at hand, but which act it is of stands beside its hash."""
        for kind, table in ACT_TABLES.items():
            unread = [(where, subject_id) for where, of, subject_id in self._unread if of == kind]
            wanted = table.c.id == func.any(bindparam("ids", [one for _, one in unread], ARRAY(Uuid)))
            there = set(self._connection.execute(select(table.c.id).where(wanted)).scalars()) if unread else set()
            for where, subject_id in unread:
                if subject_id not in there:
                    self._report.add(f"{where}: it tells of a {kind} that is not there: {subject_id}")
        self._unread.clear()

    def _parsed(self, where: str, row: Row[Any], text: str, signature: bytes) -> Told | None:
        try:
            body = json.loads(text)
            kind, subject_id = body["kind"], body["id"]
        except (ValueError, KeyError, TypeError):
            self._report.add(f"{where}: its text is no leaf")
            return None
        if (kind, subject_id) != (row.kind, str(row.subject_id)):
            self._report.add(f"{where}: it tells of another act than its row")
        promised = leaves.promise_text(row.include_by)
        return Told(where, kind, subject_id, text, base64.b64encode(signature).decode(), promised, body)
