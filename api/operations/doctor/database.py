"""The database: which version, whose schema, whether it takes what is written and keeps it."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, exc, select, text

from api.operations.doctor.findings import Finding, found
from api.operations.doctor.parameters import CONNECTIONS_BESIDE, POSTGRESQL_AT_LEAST
from api.operations.doctor.subject import Subject
from api.storage import migrate
from api.storage.recordkeys import opening, parameters
from api.storage.recordkeys.tables import key_store
from api.storage.tables import deployment


def version(examined: Subject) -> Iterator[Finding] | None:
    """One that the migrations are written for."""
    return None if examined.data is None else _version(examined.data)


def _version(data: Connection) -> Iterator[Finding]:
    number = int(_setting(data, "server_version_num")) // 10_000
    if number < POSTGRESQL_AT_LEAST:
        yield found("database_too_old", version=number, wanted=POSTGRESQL_AT_LEAST)
    if _setting(data, "server_encoding") != "UTF8":
        yield found("database_encoding", encoding=_setting(data, "server_encoding"))


def schema(examined: Subject) -> Iterator[Finding] | None:
    """Both databases are at the revision that this version knows."""
    if examined.data is None and examined.keys is None:
        return None
    return _schema(examined)


def _schema(examined: Subject) -> Iterator[Finding]:
    for name, connection, scripts in (
        ("data", examined.data, migrate.SCRIPTS),
        ("keys", examined.keys, opening.MIGRATIONS),
    ):
        if connection is None:
            continue
        current, known = migrate.current(connection), migrate.revisions(scripts)
        if current is None:
            yield found("schema_empty", name=name)
        elif current not in known:
            yield found("schema_newer", name=name, current=current, known=known[-1])
        elif current != known[-1]:
            yield found("schema_older", name=name, current=current, known=known[-1])


def writable(examined: Subject) -> Iterator[Finding] | None:
    """A standby, or a server that was told to take nothing."""
    return None if examined.data is None else _writable(examined.data)


def _writable(data: Connection) -> Iterator[Finding]:
    if data.execute(text("SELECT pg_is_in_recovery()")).scalar_one():
        yield found("database_standby")
    elif _setting(data, "transaction_read_only") == "on":
        yield found("database_read_only")


def durable(examined: Subject) -> Iterator[Finding] | None:
    """What it said it kept is kept."""
    return None if examined.data is None else _durable(examined.data)


def _durable(data: Connection) -> Iterator[Finding]:
    for name in ("fsync", "full_page_writes"):
        if _setting(data, name) != "on":
            yield found("database_loses", name=name)
    standbys = _setting(data, "synchronous_standby_names")
    streaming = data.execute(text("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")).scalar_one()
    if streaming and not standbys:
        yield found("standby_asynchronous", count=streaming)
    elif standbys and not streaming:
        yield found("standby_missing", names=standbys)


def keys(examined: Subject) -> Iterator[Finding] | None:
    """The store of record keys is this deployment's."""
    return None if examined.data is None or examined.keys is None else _keys(examined.data, examined.keys)


def _keys(data: Connection, store: Connection) -> Iterator[Finding]:
    try:
        own = data.execute(select(deployment.c.value).where(deployment.c.fact == "deployment_id")).scalar()
        owner = store.execute(select(key_store.c.deployment)).scalar()
    except exc.ProgrammingError:
        return  # a database without tables: told above
    if own is not None and owner is not None and UUID(own) != owner:
        yield found("key_store_foreign")


def connections(examined: Subject) -> Iterator[Finding] | None:
    """One more replica finds its connections."""
    return None if examined.data is None else _connections(examined)


def _connections(examined: Subject) -> Iterator[Finding]:
    assert examined.data is not None
    used = examined.data.execute(text("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"))
    most = int(_setting(examined.data, "max_connections")) - int(
        _setting(examined.data, "superuser_reserved_connections")
    )
    free = most - used.scalar_one()
    wanted = examined.settings.database_pool_size + CONNECTIONS_BESIDE + parameters.POOL
    if free < wanted:
        yield found("connections_few", free=free, wanted=wanted, most=most)


def _setting(connection: Connection, name: str) -> str:
    told: Any = connection.execute(text("SELECT current_setting(:name)"), {"name": name}).scalar_one()
    return str(told)


CHECKS = (version, schema, writable, durable, keys, connections)
