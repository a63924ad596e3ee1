"""The log in the database: batches, what is believed of the stored tree, and proofs."""

from dataclasses import replace
from uuid import uuid4

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select

from api.evidence import fsck, log, merkle, proofs
from api.evidence.checkpoints import Checkpoint, open_note, sign
from api.evidence.log import LogDamaged
from api.evidence.parameters import ORIGIN
from api.evidence.proofs import ProofImpossible
from api.evidence.sequencer import drain
from api.institutions import acts
from api.storage.database import Database
from api.storage.keys import Keys
from api.storage.tables import evidence, evidence_checkpoints
from tests.api.evidence.conftest import newest, write
from tests.api.watching import watching


def test_every_leaf_gets_one_place_and_a_proof(database: Database, keys: Keys) -> None:
    hashes = write(database, keys, 300)
    with database.begin() as connection:
        with pytest.raises(ProofImpossible):
            proofs.inclusion(connection, hashes[0])
        for limit, size in ((1, 1), (7, 8), (1000, 300)):
            batch = log.sequence(connection, keys, limit=limit)
            assert batch is not None
            assert (batch.tip.size, batch.placed, batch.late) == (size, min(limit, 292), 0)
        placed = connection.execute(select(evidence.c.leaf_hash).order_by(evidence.c.place)).scalars().all()
        assert placed == hashes
        for place, digest in enumerate(hashes):
            shown = proofs.inclusion(connection, digest, 300)
            assert shown.index == place
            root = open_note(shown.checkpoint, ORIGIN, keys.trusted).root
            assert merkle.verify_inclusion(digest, place, 300, shown.proof, root)
        roots = dict(connection.execute(select(evidence_checkpoints.c.size, evidence_checkpoints.c.root)).all())
        for old, new in ((1, 8), (8, 300), (1, 300), (77, 300), (300, 300)):
            between = proofs.consistency(connection, old, new)
            path = [bytes.fromhex(node) for node in between["proof"]]
            older = merkle.root(old, log.TileReader(connection).subtree)
            assert roots.get(old, older) == older
            assert merkle.verify_consistency(old, new, path, older, roots[new])
        for asked in ((2, 301), (0, 300), (301, None), (1, 9)):
            with pytest.raises(ProofImpossible):
                proofs.consistency(connection, *asked)


def test_a_row_without_a_text_is_never_signed(database: Database, keys: Keys) -> None:
    write(database, keys, 1)
    with database.begin() as connection:
        connection.execute(
            sa.insert(evidence).values(kind="administration", subject_id=uuid4(), leaf_hash=b"\x07" * 32)
        )
    write(database, keys, 2)
    assert drain(database, keys) == 3
    with database.begin() as connection:
        assert log.standing(connection).waiting == 1
        found = fsck.check(connection, keys)
    assert "waiting leaf 2: its text is missing" in found.findings


def test_the_first_checkpoint_that_covers_a_leaf_proves_it_for_good(database: Database, keys: Keys) -> None:
    first = write(database, keys, 3)
    drain(database, keys)
    with database.begin() as connection:
        before = [proofs.inclusion(connection, digest) for digest in first]
    assert [shown.size for shown in before] == [3, 3, 3]
    write(database, keys, 600)
    drain(database, keys)
    with database.begin() as connection:
        assert [proofs.inclusion(connection, digest) for digest in first] == before


def test_what_is_known_of_the_end_saves_reading_and_changes_nothing(database: Database, keys: Keys) -> None:
    """Batches around every border of a tile, with the known end, without it and with one that is out of date."""
    tip = old = None
    for turn, count in enumerate([1, 254, 1, 1, 255, 257, 512, 3]):
        write(database, keys, count)
        with database.begin() as connection:
            batch = log.sequence(connection, keys, [tip, None, old][turn % 3])
        assert batch is not None
        old, tip = tip, batch.tip
        with database.begin() as connection:
            signed = connection.execute(
                select(evidence_checkpoints).order_by(evidence_checkpoints.c.size.desc())
            ).first()
            read = log._tip(connection, keys, None, signed)
        assert (read.size, read.root, dict(read.tiles)) == (tip.size, tip.root, dict(tip.tiles))
    assert newest(database, keys).size == 1284


def test_nothing_is_placed_while_another_process_is_at_it(database: Database, keys: Keys) -> None:
    write(database, keys, 2)
    with database.begin() as holder:
        assert log.sequence(holder, keys) is not None
        with database.begin() as connection:
            assert log.sequence(connection, keys) is None
    with database.begin() as connection:
        batch = log.sequence(connection, keys)
    assert batch is not None
    assert (batch.placed, batch.tip.size) == (0, 2)


def test_a_batch_that_dies_leaves_the_tree_and_the_leaves(database: Database, keys: Keys) -> None:
    """The batch is one transaction: an error after any of its statements is the same as never having begun."""
    write(database, keys, 10)
    drain(database, keys)
    write(database, keys, 600)
    before = newest(database, keys)

    def dies_after(statements: int) -> bool:
        seen = 0

        def dying(_: str) -> None:
            nonlocal seen
            seen += 1
            if seen == statements:
                raise ConnectionAbortedError

        with watching(database, after=dying):
            try:
                with database.begin() as connection:
                    log.sequence(connection, keys)
            except ConnectionAbortedError:
                return True
        return False

    statements = 1
    while dies_after(statements):
        assert newest(database, keys) == before
        statements += 1
    assert statements >= 5, "it died after every statement of a batch"
    assert newest(database, keys).size == 610
    with database.begin() as connection:
        assert connection.execute(select(func.count(evidence.c.place.distinct()))).scalar_one() == 610


def test_what_a_lost_batch_computed_is_forgotten(database: Database, keys: Keys) -> None:
    """A leaf written before those of the batch, and committed after it was lost, gets the first of their places."""
    first = write(database, keys, 2)
    with database.begin() as connection:
        begun = log.sequence(connection, keys)
    assert begun is not None
    with database.begin() as early:
        receipt = acts.record(
            early, keys, "tested", actor_id=None, institution_id=None, subject_id=uuid4(), details={"number": 0}
        )
        late = write(database, keys, 2)
        with database.engine.connect() as connection:  # left open: the pool rolls it back
            log.sequence(connection, keys, begun.tip)
    with database.begin() as connection:
        batch = log.sequence(connection, keys, begun.tip)
    assert batch is not None
    whole = merkle.Frontier()
    for leaf_hash in [*first, bytes.fromhex(receipt.leaf_hash), *late]:
        whole.add(leaf_hash)
    assert newest(database, keys).root == batch.tip.root == whole.root()


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE evidence_tiles SET hashes = set_byte(hashes, 40, 255 - get_byte(hashes, 40))",
        "UPDATE evidence_tiles SET hashes = hashes || sha256('more')",
        "UPDATE evidence_tiles SET hashes = substr(hashes, 1, 32)",
        "DELETE FROM evidence_tiles",
        "UPDATE evidence_checkpoints SET root = sha256(root)",
        "UPDATE evidence_checkpoints SET size = 4 WHERE size = 3",
        "UPDATE evidence_checkpoints SET note = replace(note, '3', '4')",
        "DELETE FROM evidence_checkpoints WHERE size = 3",
    ],
)
def test_nothing_is_added_to_a_damaged_tree(database: Database, keys: Keys, damage: str) -> None:
    """Otherwise the service would sign what somebody else wrote."""
    for _ in range(3):
        write(database, keys, 1)
        drain(database, keys)
    write(database, keys, 5)
    with database.begin() as connection:
        connection.execute(sa.text(damage))
    with pytest.raises((LogDamaged, sa.exc.IntegrityError)), database.begin() as connection:
        log.sequence(connection, keys)
    with database.begin() as connection:
        assert log.standing(connection).waiting == 5


def test_a_tree_that_a_stranger_signed_is_not_continued(database: Database, keys: Keys) -> None:
    """Somebody may write into the database: leaves, tiles and checkpoint fit each other, the key is another."""
    write(database, keys, 3)
    drain(database, keys)
    stranger = replace(keys, signing=Ed25519PrivateKey.generate())
    write(database, stranger, 2)
    with pytest.raises(LogDamaged, match="not signed with a key of this deployment"):
        drain(database, stranger)
    root = newest(database, keys).root
    forged = sign(Checkpoint(ORIGIN, 3, root, 0), stranger.signing)
    with database.begin() as connection:
        connection.execute(sa.update(evidence_checkpoints).values(note=forged))
    with pytest.raises(LogDamaged):
        drain(database, keys)


def test_a_replaced_key_continues_the_log_of_the_former(database: Database, keys: Keys) -> None:
    write(database, keys, 3)
    drain(database, keys)
    newer = replace(keys, signing=Ed25519PrivateKey.generate(), former=(keys.signing.public_key(),))
    write(database, newer, 3)
    assert drain(database, newer) == 6
    assert newest(database, newer).previous == 3


@pytest.mark.parametrize("damage", ["sha256(hashes)", "substr(hashes, 1, 64)", "hashes || hashes"])
def test_what_proves_nothing_does_not_go_out(database: Database, keys: Keys, damage: str) -> None:
    hashes = write(database, keys, 7)
    drain(database, keys)
    with database.begin() as connection:
        connection.execute(sa.text(f"UPDATE evidence_tiles SET hashes = {damage}"))
        if damage == "hashes || hashes":
            assert proofs.inclusion(connection, hashes[0]).size == 7, "what is too much is not read"
            return
        with pytest.raises(LogDamaged):
            proofs.inclusion(connection, hashes[3])
        with pytest.raises(LogDamaged):
            proofs.consistency(connection, 5)
