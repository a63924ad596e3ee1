"""A site with many cards for `benchmarks.registry.rate`, kept in a folder, so that it is loaded once.

Rows go in by COPY from as many processes as there are cores. Of a chunk's rows all are there or none, and what is
there is noted in the same transaction: a load that is broken off goes on where it was. Indexes and keys to other
tables are taken away first and made again in the end, by PostgreSQL's own definitions of them, which also checks every
reference. The chunks' leaves have their places from the beginning; the tree is grown over them by the log's own code.
"""

import json
import multiprocessing
import secrets
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, text

from api.evidence import log
from api.evidence.log import Tip
from api.evidence.sequencer import drain
from api.institutions import principals
from api.institutions.roles import Role
from api.settings import Settings
from api.storage import database, embedded, migrate
from api.storage import keys as key_files
from api.storage.copying import copy_rows
from api.storage.database import Database
from api.storage.keys import Keys
from api.storage.tables import card_events, cards, evidence, evidence_texts, templates
from benchmarks.common.progress import say, track
from benchmarks.registry.cards import CARD_COLUMNS, EVENT_COLUMNS, TEMPLATE_COLUMNS, leaves_of, rows

CHUNK = 50_000
_LOADED = ("cards", "card_events", "templates", "evidence", "evidence_texts")
_LOAD_TIMEOUT_S = 3600.0
INSTITUTION = "benchmark"
# Nothing keeps these terminals from asking; the limit is looked at all the same.
UNLIMITED = 1_000_000

_STATE = """
    CREATE TABLE IF NOT EXISTS benchmark_registry (
        key text PRIMARY KEY,
        cards bigint NOT NULL,
        loading jsonb
    );
    CREATE TABLE IF NOT EXISTS benchmark_chunks (first bigint PRIMARY KEY, hashes bytea);
"""
_CONSTRAINTS = text(
    """
    SELECT conrelid::regclass::text AS "table", conname AS name, contype AS kind,
        pg_get_constraintdef(oid) AS definition
    FROM pg_constraint
    WHERE contype IN ('p', 'u', 'f')
        AND (conrelid = ANY(CAST(:tables AS regclass[])) OR confrelid = ANY(CAST(:tables AS regclass[])))
    ORDER BY contype = 'f', conname
    """
)
_INDEXES = text(
    """
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
    FROM pg_index
    WHERE indrelid = ANY(CAST(:tables AS regclass[]))
        AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))
    ORDER BY name
    """
)


@dataclass(frozen=True)
class Site:
    """An open database at this version's schema with its keys, in `home`."""

    home: Path
    database: Database
    keys: Keys


@dataclass(frozen=True)
class _Chunk:
    """What a loading process is told: where its cards, its leaves' places and their sequence numbers begin."""

    home: Path
    key: str
    first: int
    last: int
    every: int
    place: int
    seq: int


@contextmanager
def open_site(home: Path) -> Iterator[Site]:
    """The site of the folder, an empty one where there is none."""
    home.mkdir(parents=True, exist_ok=True)
    # The embedded server runs as another user when root starts it, and has to reach its folder.
    home.chmod(0o755)
    settings = Settings(home=home, database_url=None, database_timeout_s=_LOAD_TIMEOUT_S)
    opened = database.open_database(settings)
    try:
        migrate.upgrade(opened)
        yield Site(home, opened, key_files.load(settings.keys_dir))
    finally:
        opened.close()
        embedded.stop(settings.database_dir)


def loaded(site: Site) -> int:
    """How many cards the site holds."""
    with site.database.begin() as connection:
        connection.execute(text(_STATE))
        held: int = connection.execute(text("SELECT coalesce(max(cards), 0) FROM benchmark_registry")).scalar_one()
        return held


def new_keys(site: Site, count: int) -> list[str]:
    """Keys of terminals that nothing keeps from asking."""
    with site.database.begin() as connection:
        return [
            principals.add(
                connection,
                site.keys,
                INSTITUTION,
                secrets.token_hex(8),
                Role.TERMINAL,
                requests_per_minute=UNLIMITED,
            ).key
            for _ in range(count)
        ]


def load(site: Site, count: int, every: int, processes: int) -> None:
    """Have the site hold `count` cards, one in `every` of them ended. Raises ValueError when it holds others."""
    held = loaded(site)
    if held == count:
        return
    plan = _begin(site, count, every)
    if held or (plan["last"], plan["every"]) != (count, every):
        raise ValueError("the folder holds another register: name another one")
    _load_chunks(site, plan, processes)
    say("making the indexes and checking the references")
    _restore(site, plan)


def _begin(site: Site, count: int, every: int) -> dict[str, object]:
    """Note what is to be loaded and what indexes there were, and take those away; or find it noted."""
    drain(site.database, site.keys)
    with site.database.begin() as connection:
        row = connection.execute(text("SELECT key, loading FROM benchmark_registry")).first()
        if row is not None and row.loading is not None:
            return {**row.loading, "key": row.key}
        if row is None:
            name = f"registry {secrets.token_hex(4)}"
            key = principals.add(connection, site.keys, name, "authority", Role.AUTHORITY).key
            connection.execute(text("INSERT INTO benchmark_registry (key, cards) VALUES (:key, 0)"), {"key": key})
    drain(site.database, site.keys)
    with site.database.begin() as connection:
        key = connection.execute(text("SELECT key FROM benchmark_registry")).scalar_one()
        plan: dict[str, object] = {
            "first": 0,
            "last": count,
            "every": every,
            "place": log.tree_size(connection),
            "seq": connection.execute(text("SELECT coalesce(max(seq), 0) + 1 FROM evidence")).scalar_one(),
            "restore": _take_away(connection),
        }
        connection.execute(
            text("UPDATE benchmark_registry SET loading = CAST(:plan AS jsonb)"), {"plan": json.dumps(plan)}
        )
    return {**plan, "key": key}


def _take_away(connection: Connection) -> list[str]:
    """Drop keys and indexes of the loaded tables; gives the statements that make them again."""
    tables = {"tables": list(_LOADED)}
    constraints = connection.execute(_CONSTRAINTS, tables).all()
    indexes = connection.execute(_INDEXES, tables).all()
    for one in reversed(constraints):
        connection.execute(text(f'ALTER TABLE {one.table} DROP CONSTRAINT "{one.name}"'))
    for index in indexes:
        connection.execute(text(f"DROP INDEX {index.name}"))
    made = [
        f'ALTER TABLE {one.table} ADD CONSTRAINT "{one.name}" {one.definition}'
        for one in constraints
        if one.kind != "f"
    ]
    made += [index.definition for index in indexes]
    return made + [
        f'ALTER TABLE {one.table} ADD CONSTRAINT "{one.name}" {one.definition}'
        for one in constraints
        if one.kind == "f"
    ]


def _load_chunks(site: Site, plan: dict[str, object], processes: int) -> None:
    first, last, place, seq = (int(str(plan[name])) for name in ("first", "last", "place", "seq"))
    every = int(str(plan["every"]))
    chunks = [
        _Chunk(
            site.home,
            str(plan["key"]),
            start,
            min(start + CHUNK, last),
            every,
            place + leaves_of(first, start, every),
            seq + leaves_of(first, start, every),
        )
        for start in range(first, last, CHUNK)
    ]
    with site.database.begin() as connection:
        there = set(connection.execute(text("SELECT first FROM benchmark_chunks")).scalars())
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        waiting = {chunk.first: pool.submit(_load_chunk, chunk) for chunk in chunks if chunk.first not in there}
        tip = Tip()
        for chunk in track(chunks, "loading, chunks"):
            if chunk.first in waiting:
                waiting[chunk.first].result()
            tip = _grow(site, chunk, tip)


def _load_chunk(chunk: _Chunk) -> None:
    """In a process of its own: make the rows and write them, all or none."""
    settings = Settings(home=chunk.home, database_url=None, database_timeout_s=_LOAD_TIMEOUT_S, database_pool_size=1)
    keys = key_files.load(settings.keys_dir)
    opened = database.open_database(settings)
    try:
        with opened.begin() as connection:
            authority = principals.authenticate(connection, chunk.key)
        if authority is None:
            raise RuntimeError("the authority's key is unknown")
        made = rows(keys, authority, datetime.now(UTC), chunk.first, chunk.last, chunk.every)
        numbered = list(enumerate(made.leaves))
        with opened.begin() as connection:
            connection.execute(text("SET LOCAL synchronous_commit = off"))
            copy_rows(connection, cards, CARD_COLUMNS, made.cards)
            copy_rows(connection, card_events, EVENT_COLUMNS, made.events)
            copy_rows(connection, templates, TEMPLATE_COLUMNS, made.templates)
            copy_rows(
                connection,
                evidence,
                ("seq", "kind", "subject_id", "leaf_hash", "include_by", "place"),
                (
                    (chunk.seq + at, one.kind, one.subject_id, one.leaf_hash, one.include_by, chunk.place + at)
                    for at, one in numbered
                ),
            )
            copy_rows(
                connection,
                evidence_texts,
                ("seq", "leaf", "signature", "signing_key_id"),
                ((chunk.seq + at, one.leaf, one.signature, one.signing_key_id) for at, one in numbered),
            )
            connection.execute(
                text("INSERT INTO benchmark_chunks VALUES (:first, :hashes)"),
                {"first": chunk.first, "hashes": b"".join(one.leaf_hash for one in made.leaves)},
            )
    finally:
        opened.close()
        embedded.stop(settings.database_dir)


def _grow(site: Site, chunk: _Chunk, tip: Tip) -> Tip:
    """Have the tree cover a chunk's leaves; a no-op where it does."""
    with site.database.begin() as connection:
        hashes = connection.execute(
            text("SELECT hashes FROM benchmark_chunks WHERE first = :first"), {"first": chunk.first}
        ).scalar_one()
        if hashes is None:
            return tip
        if tip.size != chunk.place:
            found = log.sequence(connection, site.keys)
            if found is None or found.placed or found.tip.size != chunk.place:
                raise RuntimeError("something else writes to the evidence log")
            tip = found.tip
        connection.execute(
            text("UPDATE benchmark_chunks SET hashes = NULL WHERE first = :first"), {"first": chunk.first}
        )
        return log.grow(connection, site.keys, tip, [hashes[at : at + 32] for at in range(0, len(hashes), 32)]).tip


def _restore(site: Site, plan: dict[str, object]) -> None:
    """Make the indexes and keys again, all in one transaction, and note that the load is done."""
    made = plan["restore"]
    assert isinstance(made, list)
    with site.database.begin() as connection:
        connection.execute(text("SET LOCAL maintenance_work_mem = '1GB'"))
        for statement in track(made, "indexes and references"):
            connection.execute(text(statement))
        connection.execute(text("SELECT setval(pg_get_serial_sequence('evidence', 'seq'), max(seq)) FROM evidence"))
        connection.execute(text("DELETE FROM benchmark_chunks"))
        connection.execute(
            text("UPDATE benchmark_registry SET cards = :cards, loading = NULL"), {"cards": plan["last"]}
        )
    with site.database.engine.connect() as connection:
        alone = connection.execution_options(isolation_level="AUTOCOMMIT")
        alone.execute(text("VACUUM (ANALYZE)"))
        alone.execute(text("CHECKPOINT"))
