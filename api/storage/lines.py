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
from sqlalchemy import Engine, PoolProxiedConnection, exc

from api.storage.journeys import Journey

# What a connection's record in the pool holds of ours.
_TRANSFORMER = "transformer"


class Line:
    """A connection, taken from the pool by `with` and given back at the block's end.

    Each journey is a transaction of its own; with `transaction` all are one, which is committed at the block's end
    unless the last of them did so (`together`), and rolled back when the block fails.
    """

    __slots__ = ("_engine", "_told", "connection", "driver", "journey", "transaction")

    def __init__(
        self, engine: Engine, told: Callable[[BaseException], Exception | None], *, transaction: bool = False
    ) -> None:
        """`told`: what is raised in the place of an error that the block ends with, None for the error itself."""
        self._engine, self._told, self.transaction = engine, told, transaction
        self.journey: Journey | None = None

    def __enter__(self) -> Self:
        try:
            self.connection: PoolProxiedConnection = self._engine.raw_connection()
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
            # Where the block failed, the pool rolls back what was begun.
            if error is None and self.driver.pgconn.transaction_status != pq.TransactionStatus.IDLE:
                self.driver.commit()
        except psycopg.Error as failed:
            error = self.failure(failed)
            raise self._told(error) or error from failed
        finally:
            if self.connection.is_valid:
                self.connection.close()
        told = None if error is None else self._told(error)
        if told is not None:
            raise told from error

    @property
    def transformer(self) -> Transformer:
        """What turns values for the driver, and its rows into values; one for as long as the connection lasts."""
        return transformer_of(self.connection, self.driver)

    def failure(self, error: psycopg.Error) -> exc.DBAPIError:
        """The driver's error as SQLAlchemy gives it; a connection that broke is taken out of the pool."""
        broken = self.driver.closed
        if broken and self.connection.is_valid:
            self.connection.invalidate(error)
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
