"""The storage of searches: begun with a case and a purpose or not at all, taken up where they were, ended once."""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row, func, insert, select, text, update

from api.institutions.caller import Caller
from api.institutions.institutions import within
from api.storage.database import Database
from api.storage.errors import SealBroken
from api.storage.keys import Keys
from api.storage.recordkeys.texts import open_text, seal_text
from api.storage.tables import duplicate_searches, feed_head

_log = logging.getLogger(__name__)

_LOCK = text("SELECT pg_try_advisory_lock(hashtextextended('duplicates', 0))")
_UNLOCK = text("SELECT pg_advisory_unlock(hashtextextended('duplicates', 0))")


class SearchRunning(Exception):
    """Another process searches the register."""

    def __init__(self) -> None:
        super().__init__("查重正由另一进程进行。 Another search for duplicates is running.")


class SearchMoved(Exception):
    """Another process went on with the same search meanwhile."""

    def __init__(self) -> None:
        super().__init__("本次查重已由另一进程继续。 Another process went on with this search.")


@dataclass(frozen=True)
class Terms:
    """What two runs have to have in common to be one search."""

    face_engine: str
    finger_engine: str
    false_per_1000: float


@dataclass(frozen=True)
class Beginning:
    """What is noted of a search at its beginning."""

    purpose: str
    case_reference: str
    case_index: bytes
    terms: Terms
    fmr: float
    people: int
    left_out: int


@contextmanager
def alone(database: Database) -> Iterator[None]:
    """Be the one process that searches this register. Raises `SearchRunning`, `DatabaseUnavailable`."""
    # Held by the session and not by a transaction, which would last as long as the search.
    with database.single() as connection:
        if not connection.execute(_LOCK).scalar_one():
            raise SearchRunning
        try:
            yield
        finally:
            connection.execute(_UNLOCK)


def running(connection: Connection, caller: Caller, purpose: str, case_index: bytes) -> Row[Any] | None:
    """The search of this case that was broken off, None where there is none."""
    return connection.execute(
        select(duplicate_searches).where(
            duplicate_searches.c.state == "running",
            duplicate_searches.c.institution_id == caller.institution_id,
            duplicate_searches.c.purpose == purpose,
            duplicate_searches.c.case_index == case_index,
        )
    ).first()


def begin(connection: Connection, keys: Keys, caller: Caller, beginning: Beginning) -> Row[Any]:
    """Write down a new search; gives its row."""
    search_id = uuid4()
    return connection.execute(
        insert(duplicate_searches)
        .values(
            id=search_id,
            state="running",
            institution_id=caller.institution_id,
            begun_by=caller.principal_id,
            begun_at=func.clock_timestamp(),
            purpose=beginning.purpose,
            case_sealed=seal_text(keys, beginning.case_reference.encode(), case_context(search_id)),
            case_index=beginning.case_index,
            face_engine=beginning.terms.face_engine,
            finger_engine=beginning.terms.finger_engine,
            false_per_1000=beginning.terms.false_per_1000,
            fmr=beginning.fmr,
            register_seq=select(feed_head.c.seq).scalar_subquery(),
            people=beginning.people,
            left_out=beginning.left_out,
        )
        .returning(duplicate_searches)
    ).one()


def case_context(search_id: UUID) -> str:
    """The record for which a search's case reference is sealed."""
    return f"duplicates:{search_id}:case"


def terms_of(search: Row[Any]) -> Terms:
    """The terms of a search that was begun."""
    return Terms(search.face_engine, search.finger_engine, search.false_per_1000)


def end(connection: Connection, search_id: UUID, state: str, **counts: int) -> Row[Any]:
    """End a search; gives its row. Raises `SearchMoved` where it has ended."""
    return change(connection, search_id, state=state, ended_at=func.clock_timestamp(), **counts)


def change(connection: Connection, search_id: UUID, **values: Any) -> Row[Any]:
    """Change a search that runs; gives its row. Raises `SearchMoved` where it has ended."""
    still = (duplicate_searches.c.id == search_id) & (duplicate_searches.c.state == "running")
    row = connection.execute(
        update(duplicate_searches).where(still).values(**values).returning(duplicate_searches)
    ).first()
    if row is None:
        raise SearchMoved
    return row


def of_ids(connection: Connection, caller: Caller, search_ids: Collection[UUID]) -> dict[UUID, Row[Any]]:
    """Searches, each with `own`: whether the caller's institution made it, or a branch of it."""
    own = within(duplicate_searches.c.institution_id, caller.institution_id).label("own")
    statement = select(duplicate_searches, own).where(duplicate_searches.c.id.in_(search_ids))
    return {row.id: row for row in connection.execute(statement)}


def case_of(keys: Keys, search: Any) -> str | None:
    """A search's case reference as it was given; None where its time is over, and, with a line in the log, where it
    does not open."""
    if search.case_sealed is None:
        return None
    try:
        return open_text(keys, search.case_sealed, case_context(search.id)).decode()
    except SealBroken:
        _log.error("the case of the search %s does not open", search.id)
        return None


def begun(search: Any) -> dict[str, Any]:
    """What the evidence tells of a search's beginning; the case by its keyed hash."""
    return {
        "purpose": search.purpose,
        "case": bytes(search.case_index).hex(),
        "face_engine": search.face_engine,
        "finger_engine": search.finger_engine,
        "false_per_1000": search.false_per_1000,
        "fmr": search.fmr,
        "register_seq": search.register_seq,
        "people": search.people,
        "left_out": search.left_out,
    }


def finished(search: Any) -> dict[str, Any]:
    """What the evidence tells of its end."""
    return {
        "register": bytes(search.register_digest).hex(),
        "blocks": search.blocks,
        "damaged": search.damaged,
        "opened": search.opened,
        "changed": search.changed,
    }
