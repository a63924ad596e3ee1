"""Opening the store: a database beside the one of the data, or wherever `RENZHENG_KEY_STORE_URL` says."""

import time
from dataclasses import replace
from pathlib import Path
from random import SystemRandom
from uuid import UUID

import psycopg
from psycopg import errors, sql
from sqlalchemy import URL, Connection, insert, select

from api.settings import Settings
from api.storage import migrate
from api.storage.database import Database, open_beside, url_of
from api.storage.errors import DatabaseUnavailable, KeyStoreForeign, KeyStoreUnusable
from api.storage.keys import Keys
from api.storage.recordkeys.masters import of_deployment
from api.storage.recordkeys.parameters import CREATE_PAUSE_S, CREATE_TRIES, POOL
from api.storage.recordkeys.store import RecordKeys
from api.storage.recordkeys.tables import key_store

MIGRATIONS = Path(__file__).parent / "migrations"
_BESIDE = "{}_keys"


def with_records(settings: Settings, data: Database, keys: Keys, deployment: UUID) -> Keys:
    """The keys with the store of record keys, made where there is none; to be closed by whoever asked.

    Raises `KeyStoreForeign`, `KeyStoreUnusable`, `KeyUnavailable`, `DatabaseAddressInvalid` and `DatabaseUnavailable`.
    """
    masters = of_deployment(settings, keys)
    if settings.key_store_url is None:
        url = beside(data.url)
        _create(data.url, str(url.database))
    else:
        url = url_of(settings.key_store_url, "RENZHENG_KEY_STORE_URL")
    opened = open_beside(settings, url, POOL)
    try:
        with opened.begin() as connection:
            current = migrate.current(connection)
        if current != migrate.head(MIGRATIONS):
            migrate.upgrade(opened, scripts=MIGRATIONS)
        with opened.begin() as connection:
            bind(connection, deployment)
    except BaseException:
        opened.close()
        raise
    return replace(keys, records=RecordKeys(opened, masters))


def beside(data: URL) -> URL:
    """Where the store lies unless a setting says otherwise: in a database of the same server."""
    return data.set(database=_BESIDE.format(data.database or data.username or "postgres"))


def bind(connection: Connection, deployment: UUID) -> None:
    """Say whose keys these are. A store serves one deployment: keys of another's records would be swept as nobody's.

    Raises `KeyStoreForeign`.
    """
    # One row, whoever comes first.
    connection.exec_driver_sql("LOCK TABLE key_store IN SHARE ROW EXCLUSIVE MODE")
    held = connection.execute(select(key_store.c.deployment)).scalar_one_or_none()
    if held is None:
        connection.execute(insert(key_store).values(deployment=deployment))
    elif held != deployment:
        raise KeyStoreForeign("the store of record keys is another deployment's")


def _create(data: URL, name: str) -> None:
    """Make the database beside that of the data, as its user."""
    # As libpq writes addresses: without SQLAlchemy's name of the driver.
    address = data.set(drivername="postgresql").render_as_string(hide_password=False)
    for tried in range(1, CREATE_TRIES + 1):
        try:
            return _create_once(address, name)
        except errors.ObjectInUse as error:
            # Somebody is connected to the template of databases, or makes one from it: another replica, as like as not.
            if tried == CREATE_TRIES:
                raise DatabaseUnavailable("the database for record keys cannot be made now") from error
            time.sleep(CREATE_PAUSE_S * SystemRandom().uniform(0.5, 1.5))  # only that two do not meet again
    return None


def _create_once(address: str, name: str) -> None:
    try:
        with psycopg.connect(address, autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    except (errors.DuplicateDatabase, errors.UniqueViolation):
        pass  # another replica, a moment ago
    except errors.InsufficientPrivilege as error:
        raise KeyStoreUnusable(
            f"the database {name} for record keys cannot be made by this user: make it, or set RENZHENG_KEY_STORE_URL"
        ) from error
    except errors.ObjectInUse:
        raise
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"the database does not answer: {type(error).__name__}") from error
