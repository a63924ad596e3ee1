"""A connection of the pool for statements of our own alone (`statements.py`), past SQLAlchemy's connections.

What SQLAlchemy's connection adds (its transactions, its modes of isolation, its events) takes longer than a short
statement takes the driver, and what is asked on every request needs none of it.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, cast

import psycopg
from psycopg import adapt, pq
from psycopg.abc import Transformer
from sqlalchemy import Connection, Engine, PoolProxiedConnection, exc

from api.storage.journeys import Journey
from api.storage.ready import Ready

# What a connection's record in the pool holds of ours.
_TRANSFORMER = "transformer"


class Line:
    """A connection, taken from the pool by `with` and given back at the block's end.

    Each journey is a transaction of its own; with `transaction` all are one, which is committed at the block's end
    unless the last of them did so (`together`), and rolled back when the block fails.
    """

    __slots__ = ("_engine", "_full", "_ready", "_told", "connection", "driver", "journey", "transaction")

    def __init__(
        self,
        engine: Engine,
        ready: Ready,
        told: Callable[[BaseException], Exception | None],
        *,
        transaction: bool = False,
    ) -> None:
        """`told`: what is raised in the place of an error that the block ends with, None for the error itself."""
        self._engine, self._ready, self._told, self.transaction = engine, ready, told, transaction
        self.journey: Journey | None = None
        self._full: Connection | None = None

    def __enter__(self) -> Self:
        try:
            self.connection: PoolProxiedConnection = self._ready.take()
        except psycopg.Error as error:
            failure = as_raised(error, broken=False)
            raise self._told(failure) or failure from error
        except exc.SQLAlchemyError as error:
            told = self._told(error)
            if told is not None:
                raise told from error
            raise
        self.driver = cast("psycopg.Connection[Any]", self.connection.dbapi_connection)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._commit()
        except psycopg.Error as failed:
            error = self.failure(failed)
            raise self._told(error) or error from failed
        except exc.SQLAlchemyError as failed:
            error = failed
        finally:
            self._give_back()
        told = None if error is None else self._told(error)
        if told is not None:
            raise told from error
        if error is not None and kind is None:
            raise error

    @property
    def full(self) -> Connection:
        """SQLAlchemy's connection on this one, in the same transaction, for what statements of our own do not do."""
        if not self.transaction:
            raise ValueError("a line without a transaction has no connection of SQLAlchemy's")
        if self._full is None:
            self._full = Connection(self._engine, self.connection)
        return self._full

    def _commit(self) -> None:
        if self._full is not None and self._full.in_transaction():
            self._full.commit()
        elif self.driver.pgconn.transaction_status != pq.TransactionStatus.IDLE:
            self.driver.commit()

    def _give_back(self) -> None:
        """What is open is rolled back, by SQLAlchemy's connection or by the pool."""
        if self._full is not None:
            self._full.close()
        elif not self.connection.is_valid:
            return
        elif self.driver.pgconn.transaction_status == pq.TransactionStatus.IDLE:
            self._ready.leave(self.connection)
        else:
            self.connection.close()

    @property
    def transformer(self) -> Transformer:
        """What turns values for the driver, and its rows into values; one for as long as the connection lasts."""
        return transformer_of(self.connection, self.driver)

    def failure(self, error: psycopg.Error) -> exc.DBAPIError:
        """The driver's error as SQLAlchemy gives it; a connection that broke is taken out of the pool."""
        broken = self.driver.closed
        if broken and self.connection.is_valid:
            self.connection.invalidate(error)
            # Others may have broken with it.
            self._ready.let_go(doubted=True)
        return as_raised(error, broken=broken)


def as_raised(error: psycopg.Error, *, broken: bool) -> exc.DBAPIError:
    """The driver's error as SQLAlchemy gives it, without a value that was sent."""
    told = exc.DBAPIError.instance(
        None, None, error, psycopg.Error, hide_parameters=True, connection_invalidated=broken
    )
    assert isinstance(told, exc.DBAPIError)
    return told


def transformer_of(held: PoolProxiedConnection, driver: psycopg.Connection[Any]) -> Transformer:
    """See `Line.transformer`."""
    found: Transformer | None = held.info.get(_TRANSFORMER)
    if found is None:
        found = held.info[_TRANSFORMER] = adapt.Transformer.from_context(driver)
    return found
