"""Every flipped bit, deletion, insertion, reordering and forked history is found by the check on the database.

The fast tests draw examples; the long ones flip every bit that there is. Exports: `test_export_properties.py`.
"""

import itertools
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from api.evidence import fsck, log
from api.evidence.fsck import Kept
from api.service import Service
from api.storage.keys import Keys
from tests.api.databases import own_database
from tests.api.evidence.conftest import write
from tests.api.evidence.flipping import flipped

BATCHES = (3, 2, 2)


PLACED = sum(BATCHES)


# What is flipped: the table, the column that names a row, and the column whose bits are flipped.
BYTES = [
    ("evidence", "seq", "leaf_hash"),
    ("evidence_texts", "seq", "signature"),
    ("evidence_tiles", "level", "hashes"),
    ("evidence_checkpoints", "size", "root"),
]


TEXTS = [
    ("evidence_texts", "seq", "leaf"),
    ("evidence_texts", "seq", "signing_key_id"),
    ("evidence", "seq", "kind"),
    ("evidence_checkpoints", "size", "note"),
]


@pytest.fixture(scope="module")
def logged(service: Service, migrated: str) -> Iterator[Connection]:
    """A connection to a small log of three batches, with a leaf that waits; never committed to."""
    with own_database(service, migrated, pool_size=1, timeout_s=30) as database:
        for count in BATCHES:
            write(database, service.keys, count)
            with database.begin() as connection:
                log.sequence(connection, service.keys)
        write(database, service.keys, 1)
        with database.engine.connect() as connection:
            yield connection


def damages(logged: Connection, keys: Keys, damage: Callable[[], None], kept: tuple[Kept, ...] = ()) -> int:
    """How many damages the check finds after one, which is undone."""
    with logged.begin_nested() as savepoint:
        damage()
        found = fsck.check(logged, keys, kept)
        savepoint.rollback()
    return found.damages


def flip_bytes(logged: Connection, where: tuple[str, str, str], row: int, bit: int) -> Callable[[], None]:
    """Flip a bit of a column of bytes; numbers beyond the ends count from the start again."""
    table, key, column = where

    def damage() -> None:
        rows = logged.execute(sa.text(f"SELECT {key}, {column} FROM {table} ORDER BY {key}")).all()
        name, content = rows[row % len(rows)]
        damaged = flipped(bytes(content), bit)
        logged.execute(sa.text(f"UPDATE {table} SET {column} = :new WHERE {key} = :key"), {"new": damaged, "key": name})

    return damage


def flip_text(logged: Connection, where: tuple[str, str, str], row: int, bit: int) -> Callable[[], None] | None:
    """Flip a bit of a column of text; None where the database could not store what comes out."""
    table, key, column = where
    rows = logged.execute(sa.text(f"SELECT {key}, {column} FROM {table} ORDER BY {key}")).all()
    name, content = rows[row % len(rows)]
    try:
        damaged = flipped(content.encode(), bit).decode()
    except UnicodeDecodeError:
        return None
    if "\0" in damaged:
        return None
    statement = sa.text(f"UPDATE {table} SET {column} = :new WHERE {key} = :key")

    def damage() -> None:
        logged.execute(statement, {"new": damaged, "key": name})

    return damage


def test_the_log_is_sound_before(logged: Connection, keys: Keys) -> None:
    assert damages(logged, keys, lambda: None) == 0


in_the_database = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("where", BYTES, ids=lambda where: f"{where[0]}.{where[2]}")
@in_the_database
@given(row=st.integers(0, 100), bit=st.integers(0, 1 << 16))
def test_a_flipped_bit_is_found(
    logged: Connection, keys: Keys, where: tuple[str, str, str], row: int, bit: int
) -> None:
    assert damages(logged, keys, flip_bytes(logged, where, row, bit)) > 0


@pytest.mark.parametrize("where", TEXTS, ids=lambda where: f"{where[0]}.{where[2]}")
@in_the_database
@given(row=st.integers(0, 100), bit=st.integers(0, 1 << 16))
def test_a_flipped_bit_of_text_is_found(
    logged: Connection, keys: Keys, where: tuple[str, str, str], row: int, bit: int
) -> None:
    damage = flip_text(logged, where, row, bit)
    assume(damage is not None)
    assert damage is not None
    assert damages(logged, keys, damage) > 0


@pytest.mark.long
@pytest.mark.parametrize("where", [*BYTES, *TEXTS], ids=lambda where: f"{where[0]}.{where[2]}")
@pytest.mark.timeout(1800)
def test_every_flipped_bit_is_found(logged: Connection, keys: Keys, where: tuple[str, str, str]) -> None:
    """All of them: in the first and the last rows of each kind, which stand for those between."""
    table, key, column = where
    contents = logged.execute(sa.text(f"SELECT {column} FROM {table} ORDER BY {key}")).scalars().all()
    tried = 0
    for row in {0, len(contents) - 1}:
        content = contents[row]
        for bit in range(8 * len(content.encode() if isinstance(content, str) else content)):
            damage = (flip_text if where in TEXTS else flip_bytes)(logged, where, row, bit)
            if damage is not None:
                assert damages(logged, keys, damage) > 0, (row, bit)
                tried += 1
    assert tried > 64


ORDERS = st.permutations(range(PLACED)).filter(lambda order: order != sorted(order))


@in_the_database
@given(order=ORDERS)
def test_every_other_order_is_found(logged: Connection, keys: Keys, order: list[int]) -> None:
    def damage() -> None:
        logged.execute(sa.text("UPDATE evidence SET place = -place - 1 WHERE place IS NOT NULL"))
        for before, after in enumerate(order):
            moved = {"after": after, "before": -before - 1}
            logged.execute(sa.text("UPDATE evidence SET place = :after WHERE place = :before"), moved)

    assert damages(logged, keys, damage) > 0


@in_the_database
@given(
    gone=st.sets(st.integers(0, PLACED), min_size=1),
    texts=st.booleans(),
    acts=st.booleans(),
    closed=st.booleans(),
)
def test_every_deletion_is_found(
    logged: Connection, keys: Keys, gone: set[int], texts: bool, acts: bool, closed: bool
) -> None:
    """Of any leaves, truncation among them; with texts and acts or without, the gaps left open or closed."""
    numbers = {"numbers": [number + 1 for number in gone]}

    def damage() -> None:
        if acts:
            subjects = "SELECT subject_id FROM evidence WHERE seq = ANY(:numbers)"
            logged.execute(sa.text(f"DELETE FROM acts WHERE id IN ({subjects})"), numbers)
        if texts:
            logged.execute(sa.text("DELETE FROM evidence_texts WHERE seq = ANY(:numbers)"), numbers)
        logged.execute(sa.text("DELETE FROM evidence WHERE seq = ANY(:numbers)"), numbers)
        if closed:
            ranks = "SELECT seq, row_number() OVER (ORDER BY seq) - 1 AS rank FROM evidence WHERE place IS NOT NULL"
            logged.execute(sa.text(f"UPDATE evidence SET place = rank FROM ({ranks}) r WHERE r.seq = evidence.seq"))

    # Nothing is promised of a leaf that waits and of its act when both are taken away together, with the text.
    assume(gone != {PLACED} or not (acts and texts))
    assert damages(logged, keys, damage) > 0


@in_the_database
@given(place=st.integers(0, PLACED))
def test_every_insertion_is_found(logged: Connection, keys: Keys, place: int) -> None:
    """The leaf that waits, with its act and its good signature, is put in anywhere."""

    def damage() -> None:
        logged.execute(sa.text("UPDATE evidence SET place = -place - 2 WHERE place >= :at"), {"at": place})
        logged.execute(sa.text("UPDATE evidence SET place = -place - 1 WHERE place < 0"))
        logged.execute(sa.text("UPDATE evidence SET place = :at WHERE seq = :seq"), {"at": place, "seq": PLACED + 1})

    assert damages(logged, keys, damage) > 0


@in_the_database
@given(
    gone=st.sets(st.integers(0, PLACED - 1)),
    order=st.permutations(range(PLACED + 1)),
    batches=st.lists(st.integers(1, 4), min_size=1, max_size=9),
    kept_at=st.sampled_from(list(itertools.accumulate(BATCHES))),
)
def test_every_forked_history_is_found_with_one_checkpoint_from_outside(
    logged: Connection, keys: Keys, gone: set[int], order: list[int], batches: list[int], kept_at: int
) -> None:
    """Whoever holds the key and the database writes another history, sound in itself."""
    remaining = [number for number in order if number not in gone]
    assume(remaining[:kept_at] != list(range(kept_at)))
    note = logged.execute(sa.text("SELECT note FROM evidence_checkpoints WHERE size = :size"), {"size": kept_at})
    kept = (Kept("kept.note", note.scalar_one()),)

    def damage() -> None:
        numbers = {"numbers": [number + 1 for number in gone]}
        subjects = "SELECT subject_id FROM evidence WHERE seq = ANY(:numbers)"
        logged.execute(sa.text(f"DELETE FROM acts WHERE id IN ({subjects})"), numbers)
        for table in ("evidence_texts", "evidence"):
            logged.execute(sa.text(f"DELETE FROM {table} WHERE seq = ANY(:numbers)"), numbers)
        logged.execute(sa.text("DELETE FROM evidence_tiles"))
        logged.execute(sa.text("DELETE FROM evidence_checkpoints"))
        logged.execute(sa.text("UPDATE evidence SET place = NULL"))
        tip, start = log.Tip(), 0
        for count in [*batches, PLACED]:
            batch = remaining[start : start + count]
            hashes = []
            for place, number in enumerate(batch, start):
                moved = {"place": place, "seq": number + 1}
                statement = "UPDATE evidence SET place = :place WHERE seq = :seq RETURNING leaf_hash"
                hashes.append(logged.execute(sa.text(statement), moved).scalar_one())
            if batch:
                tip = log.grow(logged, keys, tip, hashes).tip
            start += len(batch)

    assert damages(logged, keys, damage) == 0, "the forgery is sound in itself"
    assert damages(logged, keys, damage, kept) > 0
