"""Texts from versions before there was a texts' key, sealed anew under it, so that the first master key can be retired.

A batch is a transaction: rows that somebody holds are passed over and found in the next round. A run that is broken off
goes on with what is left.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from api.accountability import explanations
from api.accountability.holders import disputes
from api.accountability.overrides import rules as overrides
from api.accountability.transactions import references
from api.cards import number, reasons
from api.duplicates.searches import case_context as of_search
from api.feed.webhooks.subscriptions import sealed_as as of_webhook
from api.personal.holds import words as holds
from api.screening import cases
from api.storage.database import Database
from api.storage.errors import SealBroken
from api.storage.keys import Keys
from api.storage.recordkeys.texts import open_text, seal_text
from api.storage.statements import Statement

BATCH = 200
PAUSE_S = 0.05
_FIRST = UUID(int=0)
_UNHURRIED = text("SET LOCAL statement_timeout = 0")


@dataclass(frozen=True)
class SealedText:
    """A column of texts, and the name that one has there when it is sealed."""

    table: str
    column: str
    context: Callable[[UUID], str]

    @property
    def old(self) -> Statement:
        """Texts after an identifier that are sealed as they were before. Nobody is waited for."""
        return Statement(
            f"""
            SELECT id, {self.column} AS sealed FROM {self.table}
            WHERE get_byte({self.column}, 0) = 1 AND id > %(after)s
            ORDER BY id LIMIT %(rows)s FOR NO KEY UPDATE SKIP LOCKED
            """  # noqa: S608 - our own names
        )

    @property
    def write(self) -> Statement:
        """Texts as they are sealed now."""
        return Statement(
            f"""
            UPDATE {self.table} SET {self.column} = one.sealed
            FROM unnest(%(ids)s::uuid[], %(sealed)s::bytea[]) AS one (id, sealed) WHERE {self.table}.id = one.id
            """  # noqa: S608 - our own names
        )

    @property
    def count(self) -> Statement:
        """How many are sealed as they were before."""
        return Statement(
            f"SELECT count(*) AS left FROM {self.table} WHERE get_byte({self.column}, 0) = 1"  # noqa: S608 - our own names
        )


TEXTS = (
    SealedText("cards", "number_sealed", number.sealed_as),
    SealedText("card_events", "reason_sealed", lambda one: explanations.context(reasons.ABOUT, one)),
    SealedText("impostors", "case_sealed", cases.context),
    SealedText("transactions", "reference_sealed", references.context),
    SealedText("overrides", "text_sealed", lambda one: explanations.context(overrides.ABOUT, one)),
    SealedText("check_disputes", "text_sealed", lambda one: explanations.context(disputes.ABOUT, one)),
    SealedText("check_disputes", "note_sealed", lambda one: explanations.context(disputes.NOTE, one)),
    SealedText("webhooks", "secret_sealed", of_webhook),
    SealedText("duplicate_searches", "case_sealed", of_search),
    SealedText("holds", "reference_sealed", lambda one: explanations.context(holds.ABOUT, one)),
)


def reseal_texts(
    database: Database, keys: Keys, progress: Callable[[int], None] = lambda _: None, *, rows_at_once: int = BATCH
) -> tuple[int, int]:
    """Seal what is left anew; gives how many texts, and how many do not open and stay as they are.

    Raises `DatabaseUnavailable`, `MasterKeyUnavailable`.
    """
    done = left = 0
    for texts in TEXTS:
        more, broken = _reseal(database, keys, texts, progress, rows_at_once)
        done, left = done + more, left + broken
    return done, left


def under_first(database: Database) -> int:
    """How many texts and templates are sealed under keys that the first master key wraps, beside them."""
    with database.begin() as connection:
        connection.execute(_UNHURRIED)
        counts = [one.count.run(connection).fetchone() for one in TEXTS]
        templates = connection.execute(_OLD_TEMPLATES).scalar_one()
    return int(templates) + sum(int(row.left) for row in counts if row is not None)


_OLD_TEMPLATES = text(
    """
    SELECT (SELECT count(*) FROM templates WHERE get_byte(template_sealed, 0) = 1)
        + (SELECT count(*) FROM impostor_templates WHERE get_byte(template_sealed, 0) = 1)
    """
)


def _reseal(
    database: Database, keys: Keys, texts: SealedText, progress: Callable[[int], None], rows_at_once: int
) -> tuple[int, int]:
    done = 0
    while True:
        more, broken = _round(database, keys, texts, progress, rows_at_once)
        done += more
        if more:
            continue
        with database.begin() as connection:
            connection.execute(_UNHURRIED)
            row = texts.count.run(connection).fetchone()
        if row is None or row.left <= broken:
            return done, broken
        time.sleep(PAUSE_S)  # somebody holds what is left


def _round(
    database: Database, keys: Keys, texts: SealedText, progress: Callable[[int], None], rows_at_once: int
) -> tuple[int, int]:
    old, write, after = texts.old, texts.write, _FIRST
    done = broken = 0
    while True:
        with database.begin() as connection:
            connection.execute(_UNHURRIED)
            rows = old.run(connection, after=after, rows=rows_at_once).fetchall()
            if not rows:
                return done, broken
            sealed = {row.id: again for row in rows if (again := _again(keys, texts, row.id, row.sealed))}
            if sealed:
                write.run(connection, ids=list(sealed), sealed=list(sealed.values()))
        progress(len(sealed))
        done, broken, after = done + len(sealed), broken + len(rows) - len(sealed), rows[-1].id


def _again(keys: Keys, texts: SealedText, subject_id: UUID, envelope: bytes) -> bytes | None:
    context = texts.context(subject_id)
    try:
        return seal_text(keys, open_text(keys, envelope, context), context)
    except SealBroken:
        return None
