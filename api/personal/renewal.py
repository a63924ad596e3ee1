"""Renewing faces (ISO/IEC 24745): all that are stored come under a new transform, while everything goes on.

Who renews makes the transform; from then on what is new is stored under it. Then the others are opened, turned and
sealed again, a batch to a transaction. Every template names the transform that it is under, so that each is compared
rightly at any moment, before it was renewed and after. A run that is killed has done whole batches, and the next goes
on with what is left. When nothing is under the former transform any more its key is deleted: what was stolen before is
worth nothing then, not even to who has the master key.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update

from api.cards.templates import context as of_card
from api.institutions import acts
from api.matching import transforms
from api.personal.finishing import finish
from api.personal.rotation import reseal
from api.screening.templates import context as of_entry
from api.storage.database import Database
from api.storage.errors import SealBroken
from api.storage.keys import Keys
from api.storage.recordkeys import notes
from api.storage.recordkeys.envelopes import keys_of, open_sealed
from api.storage.recordkeys.store import FoundKeys
from api.storage.sealing import record_key_of, seal_under
from api.storage.statements import Statement
from api.storage.tables import face_transforms, impostor_templates, templates
from biometrics.errors import BiometricError
from biometrics.face import Transform

ACT = "templates_renewed"
BATCH = 500
PAUSE_S = 0.05
Progress = Callable[[int], None]
_FIRST = UUID(int=0)
_UNHURRIED = text("SET LOCAL statement_timeout = 0")
# Nothing new comes under a former one: who made another waited for whoever stored something.
_UNUSED = text(
    """
    SELECT id FROM face_transforms AS former WHERE superseded_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM key_erasures WHERE key_id = former.id)
    AND NOT EXISTS (SELECT FROM templates WHERE transform_id = former.id)
    AND NOT EXISTS (SELECT FROM impostor_templates WHERE transform_id = former.id)
    """
)


# Two that made a transform each would turn each other's faces to and fro.
_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtextextended('renewal of faces', 0))")
_IS_CURRENT = select(face_transforms.c.superseded_at.is_(None))


class RenewedElsewhere(Exception):
    """Another process renews them, or another transform came after this run's: what is left goes with the next run."""


@dataclass(frozen=True)
class Renewed:
    """`templates` were brought under the transform `name`; `left` do not open, or are of no form that can be turned,
    and stay as they are; of `deleted` former transforms the keys were deleted."""

    name: UUID
    templates: int
    left: int
    deleted: int


@dataclass(frozen=True)
class _Place:
    """A table of templates, and the name that one has there when it is sealed."""

    table: str
    column: str
    context: Callable[[UUID, UUID], str]

    @property
    def batch(self) -> Statement:
        """Faces that are not under `transform` after an identifier. Who changes one meanwhile is not waited for: it is
        found again in the next round, if it is still there."""
        return Statement(
            f"""
            SELECT id, {self.column} AS record_id, template_sealed FROM {self.table}
            WHERE modality = 'face' AND transform_id IS DISTINCT FROM %(transform)s AND id > %(after)s
            ORDER BY id LIMIT %(rows)s FOR UPDATE SKIP LOCKED
            """  # noqa: S608 - our own names
        )

    @property
    def remaining(self) -> Statement:
        """How many faces are not under `transform`."""
        return Statement(
            f"""
            SELECT count(*) AS remaining FROM {self.table}
            WHERE modality = 'face' AND transform_id IS DISTINCT FROM %(transform)s
            """  # noqa: S608 - our own names
        )

    @property
    def write(self) -> Statement:
        """Templates as they are now."""
        return Statement(
            f"""
            UPDATE {self.table} SET template_sealed = one.sealed, transform_id = %(transform)s
            FROM unnest(%(ids)s::uuid[], %(sealed)s::bytea[]) AS one (id, sealed) WHERE {self.table}.id = one.id
            """  # noqa: S608 - our own names
        )


_PLACES = (_Place("templates", "card_id", of_card), _Place("impostor_templates", "impostor_id", of_entry))


def renew(
    database: Database,
    keys: Keys,
    progress: Progress = lambda _: None,
    *,
    keep_former: bool = False,
    rows_at_once: int = BATCH,
) -> Renewed:
    """Renew all faces, or go on with a renewal that was broken off.

    `progress` is told how many more templates were looked at. `keep_former`: former transforms' keys stay, so that
    backups of the data from before can be used. Raises `RenewedElsewhere`, `DatabaseUnavailable`,
    `MasterKeyUnavailable`.
    """
    with _alone(database):
        return _all(database, keys, progress, keep_former=keep_former, rows_at_once=rows_at_once)


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """The lock is held on a connection that does nothing else, for the whole run."""
    with database.begin() as holder:
        if not holder.execute(_ALONE).scalar_one():
            raise RenewedElsewhere
        yield


def _all(database: Database, keys: Keys, progress: Progress, *, keep_former: bool, rows_at_once: int) -> Renewed:
    reseal(database, keys)
    transform = _begun(database, keys)
    name = UUID(hex=transform.name)
    done = left = 0
    for place in _PLACES:
        renewed, broken = _renew(database, keys, place, transform, progress, rows_at_once)
        done, left = done + renewed, left + broken
    former = [] if keep_former else _unused(database)
    with database.begin() as connection:
        ended = update(face_transforms).where(face_transforms.c.id == name, face_transforms.c.renewed_at.is_(None))
        if connection.execute(ended.values(renewed_at=func.clock_timestamp())).rowcount:
            details = {"transform": str(name), "templates": done, "left": left, "former": sorted(map(str, former))}
            acts.record(connection, keys, ACT, actor_id=None, institution_id=None, subject_id=None, details=details)
        notes.note_ids(connection, former)
    finish(database, keys)
    return Renewed(name, done, left, len(former))


def count(database: Database) -> int:
    """How many faces there are. Raises `DatabaseUnavailable`."""
    with database.begin() as connection:
        connection.execute(_UNHURRIED)
        held = (select(func.count()).where(one.c.modality == "face") for one in (templates, impostor_templates))
        return sum(connection.execute(one).scalar_one() for one in held)


def _unused(database: Database) -> list[UUID]:
    """Former transforms that nothing is under."""
    with database.begin() as connection:
        connection.execute(_UNHURRIED)
        return list(connection.execute(_UNUSED).scalars())


def _begun(database: Database, keys: Keys) -> Transform:
    """The transform of a renewal that did not end, or of a new one."""
    with database.begin() as connection:
        unfinished = select(face_transforms.c.id).where(
            face_transforms.c.superseded_at.is_(None), face_transforms.c.renewed_at.is_(None)
        )
        found = connection.execute(unfinished).scalar_one_or_none()
        if found is not None:
            try:
                return transforms.named(keys, found.hex)
            except SealBroken:
                pass  # its key was lost with the store: another one
        return transforms.supersede(connection, keys)


def _renew(
    database: Database, keys: Keys, place: _Place, transform: Transform, progress: Progress, rows_at_once: int
) -> tuple[int, int]:
    """All faces of a table; how many were renewed, and how many cannot be."""
    done = 0
    while True:
        renewed = broken = 0
        for more, bad in _round(database, keys, place, transform, rows_at_once):
            progress(more)
            renewed, broken = renewed + more, broken + bad
        done += renewed
        if not renewed:
            if _remaining(database, place, transform) <= broken:
                return done, broken
            time.sleep(PAUSE_S)  # somebody holds what is left


def _remaining(database: Database, place: _Place, transform: Transform) -> int:
    with database.begin() as connection:
        connection.execute(_UNHURRIED)
        row = place.remaining.run(connection, transform=UUID(hex=transform.name)).fetchone()
        assert row is not None
        return int(row.remaining)


def _round(
    database: Database, keys: Keys, place: _Place, transform: Transform, rows_at_once: int
) -> Iterator[tuple[int, int]]:
    """Once through the table: batch by batch how many were renewed, and how many cannot be."""
    after, name = _FIRST, UUID(hex=transform.name)
    batch, write = place.batch, place.write
    while True:
        with database.begin() as connection:
            connection.execute(_UNHURRIED)
            if connection.execute(_IS_CURRENT.where(face_transforms.c.id == name)).scalar_one_or_none() is not True:
                raise RenewedElsewhere
            rows = batch.run(connection, transform=name, after=after, rows=rows_at_once).fetchall()
            if not rows:
                return
            found = keys_of(keys, (row.template_sealed for row in rows))
            sealed = {row.id: again for row in rows if (again := _again(keys, place, transform, row, found))}
            if sealed:
                write.run(connection, transform=name, ids=list(sealed), sealed=list(sealed.values()))
        yield len(sealed), len(rows) - len(sealed)
        after = rows[-1].id


def _again(keys: Keys, place: _Place, transform: Transform, row: Any, found: FoundKeys) -> bytes | None:
    """The envelope of a face under the new transform, sealed under the key that it has; None where it does not open."""
    context = place.context(row.id, row.record_id)
    key_id = record_key_of(row.template_sealed)
    key = None if key_id is None else found.get(key_id)
    if key_id is None or key is None:
        return None
    try:
        stored = open_sealed(keys, row.template_sealed, context, found)
        content, _ = transforms.under(transform, transforms.original(keys, stored))
    except (SealBroken, BiometricError):
        return None
    return seal_under(key_id, key, content, context)
