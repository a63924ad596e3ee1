"""Fills the log of `benchmarks.evidence.rate` with millions of leaves, in the form in which the sequencer leaves them.

Leaves go in by COPY with their places, the tree and its checkpoints by the log's own functions. Their texts are short
and their receipts' signatures empty: nothing that is measured reads them, and whole ones would take half an hour. What
was filled is written to the disk before anything is measured, as in a log that grew for years.
"""

from datetime import UTC, datetime
from uuid import UUID

from rich.progress import Progress
from sqlalchemy import text

from api.evidence import log, merkle
from api.evidence.log import Tip
from api.storage.copying import copy_rows
from api.storage.database import Database
from api.storage.keys import Keys
from api.storage.tables import evidence, evidence_texts
from benchmarks.evidence.writer import KIND

CHUNK = 65_536

_RESERVE = text("SELECT nextval(pg_get_serial_sequence('evidence', 'seq')) FROM generate_series(1, :count)")


def fill(opened: Database, keys: Keys, count: int) -> None:
    """Add `count` leaves to an empty log, with a checkpoint every 65,536 leaves."""
    with Progress(transient=True) as progress:
        task = progress.add_task("filling the log", total=count)
        tip = Tip()
        for start in range(0, count, CHUNK):
            amount = min(CHUNK, count - start)
            tip = _fill_chunk(opened, keys, tip, amount)
            progress.advance(task, amount)
    with opened.engine.connect() as connection:
        alone = connection.execution_options(isolation_level="AUTOCOMMIT")
        alone.execute(text("VACUUM (ANALYZE) evidence"))
        alone.execute(text("CHECKPOINT"))


def _fill_chunk(opened: Database, keys: Keys, tip: Tip, amount: int) -> Tip:
    leaves = [_leaf(tip.size + offset) for offset in range(amount)]
    hashes = [merkle.leaf_hash(leaf.encode()) for leaf in leaves]
    now = datetime.now(UTC)
    with opened.begin() as connection:
        reserved = connection.execute(_RESERVE, {"count": amount}).scalars().all()
        numbered = list(zip(reserved, range(tip.size, tip.size + amount), strict=True))
        copy_rows(
            connection,
            evidence,
            ("seq", "kind", "subject_id", "leaf_hash", "include_by", "place"),
            (
                (seq, KIND, UUID(int=place), digest, now, place)
                for (seq, place), digest in zip(numbered, hashes, strict=True)
            ),
        )
        copy_rows(
            connection,
            evidence_texts,
            ("seq", "leaf", "signature", "signing_key_id"),
            ((seq, leaf, b"", keys.signing_id) for (seq, _), leaf in zip(numbered, leaves, strict=True)),
        )
        return log.grow(connection, keys, tip, hashes).tip


def _leaf(number: int) -> str:
    return f'{{"id":"{UUID(int=number)}","kind":"{KIND}","v":2}}'
