"""What is examined: the settings, and the two databases as far as they can be reached."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from sqlalchemy import URL, Connection, exc

from api.operations.doctor.findings import Finding, found
from api.settings import Settings
from api.storage import database, embedded
from api.storage.database import Database
from api.storage.errors import DatabaseAddressInvalid, StorageError
from api.storage.recordkeys.opening import beside


@dataclass(frozen=True)
class Subject:
    """`data` and `keys` are None where they cannot be reached; `unreachable` says why."""

    settings: Settings
    data: Connection | None = None
    keys: Connection | None = None
    unreachable: tuple[Finding, ...] = field(default=())


@contextmanager
def opened(settings: Settings) -> Iterator[Subject]:
    """The installation, for as long as the block lasts."""
    with ExitStack() as stack:
        troubles: list[Finding] = []
        data, url = _data(settings, stack, troubles)
        keys = None if url is None else _keys(settings, url, stack, troubles)
        yield Subject(settings, data, keys, tuple(troubles))


def _data(settings: Settings, stack: ExitStack, troubles: list[Finding]) -> tuple[Connection | None, URL | None]:
    if settings.database_url is None:
        if not (settings.database_dir / "PG_VERSION").exists():
            troubles.append(found("database_not_made", path=settings.database_dir))
            return None, None
        if not (settings.keys_dir / "database.key").exists():
            # To start the server would make a new password, and that is none of it.
            troubles.append(found("database_password_missing", path=settings.keys_dir / "database.key"))
            return None, None
    try:
        url = database.server_url(settings)
    except DatabaseAddressInvalid:
        troubles.append(found("database_url_invalid", setting="RENZHENG_DATABASE_URL"))
        return None, None
    except StorageError as error:
        troubles.append(found("database_unreachable", why=_why(error)))
        return None, None
    if settings.database_url is None:
        stack.callback(embedded.stop, settings.database_dir)
    return _connected(Database(url, pool_size=1, timeout_s=settings.database_timeout_s), stack, troubles), url


def _connected(pool: Database, stack: ExitStack, troubles: list[Finding]) -> Connection | None:
    stack.callback(pool.close)
    try:
        # Each statement by itself: a statement that fails must not take the next ones with it.
        return stack.enter_context(pool.single())
    except (StorageError, exc.DBAPIError) as error:
        troubles.append(found("database_unreachable", why=_why(error)))
        return None


def _keys(settings: Settings, data: URL, stack: ExitStack, troubles: list[Finding]) -> Connection | None:
    try:
        url = beside(data) if settings.key_store_url is None else _own(settings.key_store_url)
    except DatabaseAddressInvalid:
        troubles.append(found("database_url_invalid", setting="RENZHENG_KEY_STORE_URL"))
        return None
    pool = Database(url, pool_size=1, timeout_s=settings.database_timeout_s)
    stack.callback(pool.close)
    try:
        return stack.enter_context(pool.single())
    except (StorageError, exc.DBAPIError) as error:
        troubles.append(found("key_store_unreachable", why=_why(error)))
        return None


def _own(dsn: str) -> URL:
    return database.url_of(dsn, "RENZHENG_KEY_STORE_URL")


def _why(error: Exception) -> str:
    """What the server or the network said, on one line. libpq names hosts and users in it, and no password."""
    told = error
    while told.__cause__ is not None and isinstance(told.__cause__, Exception):
        told = told.__cause__
    if isinstance(told, exc.DBAPIError) and isinstance(told.orig, Exception):
        told = told.orig
    return " ".join(str(told).split()) or type(told).__name__
