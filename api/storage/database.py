"""Connections and transactions: one pool per process, and every failure to reach the server told apart from our own."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psycopg
import sqlalchemy.event
from psycopg import pq
from sqlalchemy import URL, Connection, Engine, create_engine, exc, make_url, text
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from api.settings import Settings
from api.storage import embedded
from api.storage.errors import DatabaseAddressInvalid, DatabaseBusy, DatabaseUnavailable, StorageError
from api.storage.lines import Line, as_raised
from api.storage.ready import LYING_SINCE, USED_AT, Ready

_log = logging.getLogger(__name__)

# SQLSTATE classes: connection failures, shutdown and restart, resources, the disk; time-outs of locks and deadlock
# victims; and read-only: a standby that was the primary a moment ago.
_UNAVAILABLE = ("08", "57", "53", "58", "55P03", "40001", "40P01", "25006")

# The names under which a DSN may ask for it.
_POSTGRESQL = frozenset({"postgresql", "postgres"})

# A connection used within this time is taken to be alive.
_TRUSTED_S = 0.5


class Database:
    """The pool. `begin()` gives a connection in a transaction that is committed on leaving, rolled back on an error."""

    def __init__(self, url: URL, *, pool_size: int, timeout_s: float, revive: Callable[[], None] | None = None) -> None:
        """`revive` starts the server again when it died; it is called in a thread of its own, one at a time."""
        milliseconds = int(timeout_s * 1000)
        self.url = url
        self._revive = revive
        self._reviving = threading.Lock()
        self.engine: Engine = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            # The connection used last is taken first: the server knows its statements, and the others may rest.
            pool_use_lifo=True,
            pool_timeout=timeout_s,
            # See `_leave_idle`.
            pool_reset_on_return=None,
            # Parameters hold sealed and hashed values of persons: no log and no exception text repeats them.
            hide_parameters=True,
            connect_args={
                "connect_timeout": max(2, round(timeout_s)),
                # Each statement sees what was committed before it: what waited for a lock reads what was left there,
                # whatever the server's or the user's default is.
                "options": "-c timezone=UTC -c synchronous_commit=on -c default_transaction_isolation=read\\ committed"
                f" -c statement_timeout={milliseconds} -c lock_timeout={milliseconds}",
                # A server whose network went away says nothing at all; the kernel would wait for a quarter of an hour.
                "tcp_user_timeout": 2 * milliseconds,
                "keepalives_idle": max(1, round(timeout_s)),
                "keepalives_interval": 1,
                "keepalives_count": 3,
            },
        )
        sqlalchemy.event.listen(self.engine, "reset", _leave_idle)
        sqlalchemy.event.listen(self.engine, "checkout", _ask_if_idle)
        self._ready = Ready(self.engine, _TRUSTED_S)
        self._single: Engine = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction. Raises `DatabaseUnavailable` when the server is gone or does not answer in time, its kind
        `DatabaseBusy` when this process has no connection free."""
        with self._failures_told(), self._connected(self.engine) as connection:
            driver = connection.connection.dbapi_connection
            yield connection
            if connection.in_transaction():
                connection.commit()
            else:
                # Of what only statements of our own began SQLAlchemy knows nothing.
                _commit(driver)

    @contextmanager
    def single(self) -> Iterator[Connection]:
        """A connection on which every statement is a transaction of its own: where there is only one, that saves the
        journeys of BEGIN and COMMIT, two of three. Raises as `begin`."""
        with self._failures_told(), self._connected(self._single) as connection:
            yield connection

    def _connected(self, engine: Engine) -> Connection:
        with self._ready.wanted():
            return engine.connect()

    def line(self, *, transaction: bool = False) -> Line:
        """A connection for statements of our own alone, each of which is a transaction of its own, or all together
        with `transaction`. Raises as `begin`, when it is entered or left."""
        return Line(self.engine, self._ready, self._failure, transaction=transaction)

    @property
    def used(self) -> int:
        """How many connections of the pool are in use."""
        pool = self.engine.pool
        return pool.checkedout() - len(self._ready) if isinstance(pool, QueuePool) else 0

    def let_go(self) -> None:
        """Give back to the pool what lies ready, so that all of it goes by way of the pool again."""
        self._ready.let_go()

    @contextmanager
    def _failures_told(self) -> Iterator[None]:
        try:
            yield
        except exc.SQLAlchemyError as error:
            failure = self._failure(error)
            if failure is not None:
                raise failure from error
            raise

    def _failure(self, error: BaseException) -> DatabaseUnavailable | None:
        """What is raised for an error that is the server's, or of a pool that is used up; None for any other."""
        if isinstance(error, exc.TimeoutError):
            return DatabaseBusy("no free connection in time")
        if isinstance(error, exc.DBAPIError) and is_unavailable(error):
            self._try_to_revive()
            return DatabaseUnavailable(self._told(error))
        return None

    def _told(self, error: exc.DBAPIError) -> str:
        """For the operator: which server, and what kind of trouble; never the password or a statement."""
        kind = getattr(error.orig, "sqlstate", None) or type(error.orig).__name__
        where = f"the server at {self.url.host}" if self.url.host else "the embedded server"
        return f"the database does not answer: {where}, {kind}"

    def _try_to_revive(self) -> None:
        """Whoever asked gets its 503 at once; who asks again in a second finds the server there."""
        if self._revive is not None and self._reviving.acquire(blocking=False):
            threading.Thread(target=self._run_revival, args=(self._revive,), name="revive", daemon=True).start()

    def _run_revival(self, revive: Callable[[], None]) -> None:
        try:
            revive()
        except StorageError as error:
            _log.error("the embedded database does not come back: %s", error)
        finally:
            self._reviving.release()

    def check(self) -> None:
        """Answer, or raise `DatabaseUnavailable`."""
        with self.begin() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close every connection."""
        self._ready.let_go()
        self.engine.dispose()


def _leave_idle(connection: psycopg.Connection, record: ConnectionPoolEntry, _: object) -> None:
    """Roll back what a connection that comes back was left in, and note since when it is not used. As the pool does by
    itself, which takes five times as long to find out that there is nothing to roll back."""
    if connection.pgconn.transaction_status != pq.TransactionStatus.IDLE:
        connection.rollback()
    lying_since = record.info.pop(LYING_SINCE, None)
    record.info[USED_AT] = time.monotonic() if lying_since is None else lying_since


def _commit(driver: object) -> None:
    """Commit what is open. Raises as SQLAlchemy does."""
    assert isinstance(driver, psycopg.Connection)
    if driver.pgconn.transaction_status == pq.TransactionStatus.IDLE:
        return
    try:
        driver.commit()
    except psycopg.Error as error:
        raise as_raised(error, broken=driver.closed) from error


def _ask_if_idle(connection: psycopg.Connection, record: ConnectionPoolEntry, _: object) -> None:
    """Ask a connection that lay idle whether it still lives, so that a server's restart costs no request.

    To ask one that was used a moment ago, as SQLAlchemy's own option does, costs a fifth of a short transaction. It is
    asked outside of any: the driver forgets what it prepared whenever it rolls back. One that was made a moment ago is
    not asked: if it died already, its first statement says so, where the pool would give up with an error that names no
    server.
    """
    used_at = record.info.get(USED_AT)
    if used_at is None or time.monotonic() - used_at < _TRUSTED_S:
        return
    try:
        connection.autocommit = True
        connection.execute("")
        connection.autocommit = False
    except psycopg.Error as error:
        raise exc.DisconnectionError from error


def is_unavailable(error: exc.DBAPIError) -> bool:
    """Whether an error says that the server, not the statement, is the trouble."""
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        return error.connection_invalidated or isinstance(error, exc.OperationalError | exc.InterfaceError)
    return str(state).startswith(_UNAVAILABLE)


def open_database(settings: Settings) -> Database:
    """Start the embedded server, or take the one of `RENZHENG_DATABASE_URL`. Raises `DatabaseUnavailable`."""
    return Database(
        server_url(settings),
        pool_size=settings.database_pool_size,
        timeout_s=settings.database_timeout_s,
        revive=None if settings.database_url else _reviver(settings),
    )


def open_beside(settings: Settings, url: URL, pool_size: int) -> Database:
    """The pool of another database, which may be one of the embedded server's."""
    embedded_too = settings.database_url is None and settings.key_store_url is None
    return Database(
        url,
        pool_size=pool_size,
        timeout_s=settings.database_timeout_s,
        revive=_reviver(settings) if embedded_too else None,
    )


def leave_server(settings: Settings) -> None:
    """What wants to be done for every `open_database` after the pool is closed: leave the embedded server, if it was
    that, so that whoever leaves last stops it. An external one is nobody's to stop."""
    if settings.database_url is None:
        embedded.stop(settings.database_dir)


def server_url(settings: Settings) -> URL:
    """The DSN with psycopg 3 as its driver, whatever driver was or was not named."""
    if settings.database_url is None:
        return embedded.start(settings.database_dir, _password(settings))
    return url_of(settings.database_url, "RENZHENG_DATABASE_URL")


def url_of(dsn: str, setting: str) -> URL:
    """The address that a setting holds. Raises `DatabaseAddressInvalid`."""
    try:
        url = make_url(dsn)
    except (exc.ArgumentError, ValueError) as error:
        raise DatabaseAddressInvalid(f"{setting} is no address") from error
    if url.get_backend_name() not in _POSTGRESQL:
        # Not the address itself: it may hold a password.
        raise DatabaseAddressInvalid(f"{setting} is another kind of server's")
    return url.set(drivername="postgresql+psycopg")


def _reviver(settings: Settings) -> Callable[[], None]:
    return partial(embedded.revive, settings.database_dir, _password(settings))


def _password(settings: Settings) -> Path:
    return settings.keys_dir / "database.key"
