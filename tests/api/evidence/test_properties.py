"""Every flipped bit, deletion, insertion, reordering, truncation and forked history is found.

By the check on the database, and by the independent verifier on what was exported and kept. The fast tests draw
examples; the long ones flip every bit that there is.
"""

import base64
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

import api
from api.evidence import fsck, leaves, log, merkle
from api.evidence.checkpoints import Checkpoint, sign, verifier_key
from api.evidence.fsck import Kept
from api.evidence.parameters import ORIGIN
from api.service import Service
from api.storage.keys import Keys, public_id
from tests.api.databases import own_database
from tests.api.evidence.conftest import write

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


def flipped(content: bytes, bit: int) -> bytes:
    damaged = bytearray(content)
    place, within = divmod(bit % (8 * len(damaged)), 8)
    damaged[place] ^= 1 << within
    return bytes(damaged)


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


# The independent verifier, on what was exported and kept.

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture(scope="module")
def verifier() -> ModuleType:
    """The program's functions, asked thousands of times without a process each."""
    path = Path(api.__file__).parents[1] / "deploy" / "verifier" / "verify.py"
    module = ModuleType("verify")
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), module.__dict__)
    return module


def exported(count: int, history: str = "") -> list[dict[str, Any]]:
    """Leaves as they are read over HTTP."""
    found: list[dict[str, Any]] = []
    for place in range(count):
        leaf = f'{{"id":"{UUID(int=place)}","kind":"card_event","more":"存证{history}{place}","v":2}}'
        digest = leaves.leaf_hash(leaf)
        include_by = "2026-03-01T08:00:00+00:00"
        signature = KEY.sign(leaves.signed_message(digest, include_by))
        found.append(
            {
                "place": place,
                "leaf_hash": digest.hex(),
                "leaf": leaf,
                "include_by": include_by,
                "signature": base64.b64encode(signature).decode(),
                "key_id": public_id(KEY.public_key()),
            }
        )
    return found


def frontier(lines: list[dict[str, Any]]) -> merkle.Frontier:
    made = merkle.Frontier()
    for leaf in lines:
        made.add(bytes.fromhex(leaf["leaf_hash"]))
    return made


def note_over(lines: list[dict[str, Any]]) -> str:
    return sign(Checkpoint(ORIGIN, len(lines), frontier(lines).root(), 0), KEY)


@pytest.fixture
def holds(verifier: ModuleType, tmp_path: Path) -> Callable[[bytes, str], bool]:
    """Whether the verifier takes exported leaves for those that a note signs."""
    keys = [verifier.LogKey(verifier_key(ORIGIN, KEY.public_key()))]
    path = tmp_path / "leaves.jsonl"

    def run(content: bytes, note: str) -> bool:
        path.write_bytes(content)
        try:
            verifier.check_log([path], note, keys)
        except (verifier.Refuted, OSError, ValueError, LookupError, TypeError, AttributeError):
            return False
        return True

    return run


def as_lines(lines: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(leaf, ensure_ascii=False) + "\n" for leaf in lines).encode()


on_exports = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
Holds = Callable[[bytes, str], bool]
EXPORTED = exported(19)


def says_the_same(content: bytes, sizes: int) -> bool:
    """Whether a damaged file still reads as the same leaves: a letter of a hash in capitals."""
    try:
        read = [json.loads(line) for line in content.split(b"\n") if line]
        normal = [{**leaf, "leaf_hash": bytes.fromhex(leaf["leaf_hash"]).hex()} for leaf in read]
    except (ValueError, KeyError, TypeError):
        return False
    return normal == EXPORTED[:sizes]


@on_exports
@given(size=st.integers(1, 19), bit=st.integers(0, 1 << 20))
def test_a_flipped_bit_in_an_export_is_found(holds: Holds, size: int, bit: int) -> None:
    content = as_lines(EXPORTED[:size])
    assert holds(content, note_over(EXPORTED[:size]))
    damaged = flipped(content, bit)
    assert not holds(damaged, note_over(EXPORTED[:size])) or says_the_same(damaged, size)


@pytest.mark.long
def test_every_flipped_bit_in_an_export_is_found(holds: Holds) -> None:
    content, note = as_lines(EXPORTED[:3]), note_over(EXPORTED[:3])
    harmless = 0
    for bit in range(8 * len(content)):
        damaged = flipped(content, bit)
        if holds(damaged, note):
            assert says_the_same(damaged, 3), bit
            harmless += 1
    assert harmless < len(content) / 10, "capitals in three hashes, and little else"


@on_exports
@given(size=st.integers(2, 19), data=st.data())
def test_another_selection_or_order_of_leaves_is_found(holds: Holds, size: int, data: st.DataObject) -> None:
    """Deletions, repetitions, reorderings and truncations, with the places as they were or numbered anew."""
    chosen = data.draw(st.lists(st.integers(0, size - 1), max_size=size + 3))
    assume(chosen[:size] != list(range(size)))
    lines = [dict(EXPORTED[number]) for number in chosen]
    if data.draw(st.booleans()):
        lines = [{**leaf, "place": place} for place, leaf in enumerate(lines)]
    assert not holds(as_lines(lines), note_over(EXPORTED[:size]))


@on_exports
@given(size=st.integers(1, 19), place=st.integers(0, 18))
def test_a_leaf_of_another_history_is_found(holds: Holds, size: int, place: int) -> None:
    assume(place < size)
    lines = [*EXPORTED[:place], exported(place + 1, "other")[place], *EXPORTED[place + 1 : size]]
    assert holds(as_lines(lines), note_over(lines)), "well signed, and in its own tree"
    assert not holds(as_lines(lines), note_over(EXPORTED[:size]))


@on_exports
@given(size=st.integers(1, 19), bit=st.integers(0, 1 << 16))
def test_a_flipped_bit_in_a_note_is_found(verifier: ModuleType, size: int, bit: int) -> None:
    keys = [verifier.LogKey(verifier_key(ORIGIN, KEY.public_key()))]
    note = note_over(EXPORTED[:size])
    assert verifier.open_checkpoint(note, keys) == (size, frontier(EXPORTED[:size]).root())
    with pytest.raises((verifier.Refuted, ValueError)):
        verifier.open_checkpoint(flipped(note.encode(), bit).decode(), keys)


def proof_between(lines: list[dict[str, Any]], old: int) -> list[str]:
    def subtree(level: int, index: int) -> bytes:
        return frontier(lines[index << level : (index + 1) << level]).root()

    return [node.hex() for node in merkle.consistency_proof(old, len(lines), subtree)]


@on_exports
@given(old=st.integers(1, 12), more=st.integers(0, 7), forked_at=st.integers(0, 11), bit=st.integers(0, 1 << 14))
def test_kept_checkpoints_find_every_fork(verifier: ModuleType, old: int, more: int, forked_at: int, bit: int) -> None:
    """No proof joins a kept checkpoint with a history that differs before it: not its own, not the true one's."""
    keys = [verifier.LogKey(verifier_key(ORIGIN, KEY.public_key()))]
    true, size = EXPORTED[: old + more], old + more
    kept, newest = note_over(true[:old]), note_over(true)
    proof = proof_between(true, old)
    assert verifier.check_consistency(kept, newest, {"proof": proof}, keys)
    if proof:
        node, *rest = proof
        damaged = [flipped(bytes.fromhex(node), bit).hex(), *rest]
        with pytest.raises(verifier.Refuted):
            verifier.check_consistency(kept, newest, {"proof": damaged}, keys)
        with pytest.raises(verifier.Refuted):
            verifier.check_consistency(kept, newest, {"proof": rest}, keys)
    with pytest.raises(verifier.Refuted):
        verifier.check_consistency(kept, newest, {"proof": [*proof, "00" * 32]}, keys)
    assume(forked_at < old)
    fork = true[:forked_at] + exported(size, "other")[forked_at:]
    for forged in (proof, proof_between(fork, old)):
        with pytest.raises(verifier.Refuted):
            verifier.check_consistency(kept, note_over(fork), {"proof": forged}, keys)


@on_exports
@given(size=st.integers(1, 19), index=st.integers(0, 18), bit=st.integers(0, 1 << 20))
def test_a_flipped_bit_in_a_receipt_is_found(verifier: ModuleType, size: int, index: int, bit: int) -> None:
    """In the text that was kept; what still reads as the same receipt may hold."""
    assume(index < size)
    keys = [verifier.LogKey(verifier_key(ORIGIN, KEY.public_key()))]

    def subtree(level: int, at: int) -> bytes:
        return frontier(EXPORTED[at << level : (at + 1) << level]).root()

    path = merkle.inclusion_proof(index, size, subtree)
    leaf = {name: value for name, value in EXPORTED[index].items() if name != "place"}
    shown = {"index": index, "size": size, "proof": [node.hex() for node in path]}
    receipt = {"algorithm": "Ed25519", **leaf, "inclusion": {**shown, "checkpoint": note_over(EXPORTED[:size])}}
    text = json.dumps(receipt, ensure_ascii=False)
    assert verifier.check_receipt(json.loads(text), keys)[0] == 0
    try:
        damaged = json.loads(flipped(text.encode(), bit))
        code, _ = verifier.check_receipt(damaged, keys)
    except (verifier.Refuted, ValueError, LookupError, TypeError, AttributeError):
        return
    if code == 0:
        damaged["inclusion"]["proof"] = [bytes.fromhex(node).hex() for node in damaged["inclusion"]["proof"]]
        assert damaged == receipt
    else:
        assert "inclusion" not in damaged, "a promise, and told as such"
