"""Migrations: Alembic, run by the service at start (one process at a time) and by `renzheng migrate`."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from api.storage.database import Database

_LOCK = 0x72656E7A68656E67  # "renzheng": replicas starting together migrate once
SCRIPTS = Path(__file__).parent / "migrations"
"""Those of the data; the store of record keys has its own."""


def upgrade(database: Database, revision: str = "head", *, scripts: Path = SCRIPTS) -> None:
    """Bring the database to `revision`, in one transaction, whatever it holds. `scripts`: of which database."""
    with database.begin() as connection:
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        command.upgrade(_config(connection, scripts), revision)


def downgrade(database: Database, revision: str, *, scripts: Path = SCRIPTS) -> None:
    """Bring the database back to an older `revision`, which must lose nothing: see each migration."""
    with database.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        command.downgrade(_config(connection, scripts), revision)


def current(connection: Connection) -> str | None:
    """The revision that the database is at, None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def head(scripts: Path = SCRIPTS) -> str:
    """The newest revision that this program knows."""
    revision = ScriptDirectory.from_config(_config(None, scripts)).get_current_head()
    if revision is None:
        raise RuntimeError("the package holds no migrations")
    return revision


def revisions(scripts: Path = SCRIPTS) -> list[str]:
    """Every revision that this program knows, the oldest first."""
    return [one.revision for one in ScriptDirectory.from_config(_config(None, scripts)).walk_revisions()][::-1]


def _config(connection: Connection | None, scripts: Path = SCRIPTS) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
