"""Fills the log of `benchmarks.evidence` with millions of leaves, in the form in which the sequencer would leave them.

Leaves go in by COPY with their places, the tree and its checkpoints by the log's own functions. The receipts'
signatures are left empty: nothing that is measured reads them, and to sign ten million takes six minutes.
"""

import json
from datetime import UTC, datetime
from uuid import UUID

import psycopg
from rich.progress import Progress
from sqlalchemy import text

from api.evidence import log, merkle
from api.evidence.log import Tip
from api.storage.database import Database
from api.storage.keys import Keys
from benchmarks.evidence_writer import KIND, body

CHUNK = 65_536


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
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM (ANALYZE) evidence"))


def _fill_chunk(opened: Database, keys: Keys, tip: Tip, amount: int) -> Tip:
    leaves = [_leaf(tip.size + offset) for offset in range(amount)]
    hashes = [merkle.leaf_hash(leaf.encode()) for leaf in leaves]
    now = datetime.now(UTC)
    with opened.begin() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        first: int = connection.execute(
            text("SELECT setval('evidence_seq_seq', nextval('evidence_seq_seq') + :amount) - :amount"),
            {"amount": amount},
        ).scalar_one()
        with raw.cursor().copy(
            "COPY evidence (seq, kind, subject_id, leaf_hash, created_at, include_by, place) FROM STDIN (FORMAT BINARY)"
        ) as copy:
            copy.set_types(["int8", "text", "uuid", "bytea", "timestamptz", "timestamptz", "int8"])
            for offset, digest in enumerate(hashes):
                place = tip.size + offset
                copy.write_row((first + offset, KIND, UUID(int=place), digest, now, now, place))
        with raw.cursor().copy(
            "COPY evidence_texts (seq, leaf, signature, signing_key_id) FROM STDIN (FORMAT BINARY)"
        ) as copy:
            copy.set_types(["int8", "text", "bytea", "text"])
            for offset, leaf in enumerate(leaves):
                copy.write_row((first + offset, leaf, b"", keys.signing_id))
        return log.grow(connection, keys, tip, hashes)


def _leaf(number: int) -> str:
    whole = {"v": 2, "kind": KIND, "id": str(UUID(int=number)), **body(number)}
    return json.dumps(whole, sort_keys=True, separators=(",", ":"))
