"""Several statements to the database in one journey, BEGIN before them and COMMIT behind them included.

The driver's own pipeline waits for the answer to a BEGIN, and sends each statement by itself: every one of these wakes
two processes. And its cursor takes about as long for a statement as the database does. Here all are handed to libpq,
sent at once, and awaited at once.
"""

from collections import namedtuple
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, cast

import psycopg
from psycopg import errors, generators, pq
from psycopg._preparing import Prepare, PrepareManager
from psycopg._queries import PostgresQuery
from psycopg.abc import PQGen, Transformer
from psycopg.adapt import PyFormat
from psycopg.pq.abc import PGconn, PGresult

_DONE = frozenset({pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK})


class Asked:
    """A statement's text with $1, $2, … for the named parameters, and the rows of its answers, named by column."""

    def __init__(self, text: str, names: Sequence[str]) -> None:
        self.text = text.encode()
        self._names = tuple(names)
        self._formats = [PyFormat.AUTO] * len(self._names)
        self._row: Callable[[Sequence[Any]], Any] | None = None

    def dumped(self, values: dict[str, Any], transformer: Transformer) -> "_Dumped":
        """The values as they are sent. Raises KeyError, and `psycopg.Error` for what cannot be sent."""
        parameters = transformer.dump_sequence([values[name] for name in self._names], self._formats)
        return _Dumped(parameters, transformer.types or (), transformer.formats)

    def rows(self, result: PGresult, transformer: Transformer) -> list[Any]:
        """The rows of an answer."""
        if self._row is None:
            # A text's columns stay what they are: the server refuses a prepared statement whose columns changed.
            names = [(result.fname(at) or b"").decode() for at in range(result.nfields)]
            row: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]
            self._row = row._make
        transformer.set_pgresult(result)
        return transformer.load_rows(0, result.ntuples, self._row)


class Answer:
    """What a statement answered, to be read when the journey is over, as from a cursor: each row once."""

    def __init__(self) -> None:
        self.rowcount = -1
        self._rows: list[Any] = []

    def fill(self, rows: list[Any], rowcount: int) -> None:
        """Say what was answered."""
        self._rows, self.rowcount = rows, rowcount

    def fetchone(self) -> Any:
        """The next row, None behind the last."""
        return self._rows.pop(0) if self._rows else None

    def fetchall(self) -> list[Any]:
        """The rows that were not fetched yet."""
        rows, self._rows = self._rows, []
        return rows


class _Query(NamedTuple):
    """What the driver knows a prepared statement by."""

    query: bytes
    types: tuple[int, ...]


class _Dumped(NamedTuple):
    """A statement's values, their types and formats."""

    parameters: Sequence[Any]
    types: tuple[int, ...]
    formats: Sequence[pq.Format] | None


@dataclass(frozen=True)
class _Order:
    """What was handed to libpq: whose answer it brings, if any, and who is to be told how it went."""

    call: int | None = None
    told: Callable[[Sequence[PGresult]], None] | None = None


@dataclass
class Journey:
    """Statements on their way: `add` them, then `send`. With `transaction` they are part of one, which they begin if
    they are its first; else they are one by themselves. With `commit` it ends with them."""

    driver: psycopg.Connection[Any]
    transformer: Transformer
    commit: bool = False
    transaction: bool = True
    _calls: list[tuple[Asked, dict[str, Any], Answer]] = field(default_factory=list)

    def add(self, asked: Asked, values: dict[str, Any]) -> Answer:
        """Have a statement go with the others."""
        answer = Answer()
        self._calls.append((asked, values, answer))
        return answer

    def send(self) -> None:
        """Send them in their order, each of which sees what those before it left, and fill their answers.

        Nothing behind an error is done. Raises `psycopg.Error`.
        """
        if not self._calls:
            return
        # Before anything is queued: a value that cannot be sent is no fault of the connection's.
        dumped = [asked.dumped(values, self.transformer) for asked, values, _ in self._calls]
        pgconn = self.driver.pgconn
        with self.driver.lock:
            name = self._name_alone(pgconn, dumped)
            if name is not None:
                results = self._go_alone(pgconn, name, dumped[0])
            else:
                pgconn.enter_pipeline_mode()
                try:
                    results = self.driver.wait(self._go(pgconn, dumped))
                finally:
                    self._leave(pgconn)
            if _known(self.driver)._to_flush:  # noqa: SLF001 - as the list itself
                self.driver.wait(_known(self.driver).maintain_gen(self.driver))
        for (asked, _, answer), result in zip(self._calls, results, strict=True):
            rows = asked.rows(result, self.transformer) if result.nfields else []
            answer.fill(rows, result.command_tuples or 0)

    def _begins(self, pgconn: PGconn) -> bool:
        return self.transaction and pgconn.transaction_status == pq.TransactionStatus.IDLE

    def _name_alone(self, pgconn: PGconn, dumped: Sequence[_Dumped]) -> bytes | None:
        """The name of what is prepared, if that is all there is to send; None if there is more to it."""
        if len(dumped) > 1 or self.commit or self._begins(pgconn):
            return None
        query = cast(PostgresQuery, _Query(self._calls[0][0].text, dumped[0].types))
        prepare, name = _known(self.driver).get(query, True)
        if prepare is not Prepare.YES:
            return None
        _known(self.driver).maybe_add_to_cache(query, prepare, name)
        return name

    def _go_alone(self, pgconn: PGconn, name: bytes, values: _Dumped) -> list[PGresult]:
        pgconn.send_query_prepared(name, values.parameters, values.formats)
        result: PGresult = self.driver.wait(generators.execute(pgconn))[0]
        if result.status not in _DONE:
            raise errors.error_from_result(result)
        return [result]

    def _leave(self, pgconn: PGconn) -> None:
        """End the mode. Who was interrupted with answers outstanding leaves a connection that is good for nothing."""
        if pgconn.status == pq.ConnStatus.OK:
            try:
                pgconn.exit_pipeline_mode()
            except psycopg.OperationalError:
                pgconn.finish()

    def _go(self, pgconn: PGconn, dumped: Sequence[_Dumped]) -> PQGen[list[PGresult]]:
        orders: list[_Order] = []
        if self._begins(pgconn):
            pgconn.send_query_params(b"BEGIN", None)
            orders.append(_Order())
        for at, values in enumerate(dumped):
            orders.extend(self._hand_over(pgconn, at, values))
        if self.commit:
            pgconn.send_query_params(b"COMMIT", None)
            orders.append(_Order())
        pgconn.pipeline_sync()
        yield from generators.send(pgconn)
        answers: list[PGresult] = []
        failed: PGresult | None = None
        for order in orders:
            results = yield from generators.fetch_many(pgconn)
            result = results[0]
            if result.status not in _DONE:
                failed = failed or result
            if order.told is not None:
                order.told(results)
            if order.call is not None:
                answers.append(result)
            if pgconn.status != pq.ConnStatus.OK:
                break
        else:
            yield from generators.fetch_many(pgconn)  # the end of the journey
        if failed is not None:
            raise errors.error_from_result(failed)
        return answers

    def _hand_over(self, pgconn: PGconn, at: int, values: _Dumped) -> list[_Order]:
        """Queue one statement, and before it its preparation where it needs one."""
        asked = self._calls[at][0]
        query = _Query(asked.text, values.types)
        known = _known(self.driver)
        prepare, name = known.get(cast(PostgresQuery, query), True)
        orders: list[_Order] = []
        if prepare is Prepare.SHOULD:
            pgconn.send_prepare(name, asked.text, query.types)
            orders.append(_Order())
        pgconn.send_query_prepared(name, values.parameters, values.formats)
        key = known.maybe_add_to_cache(cast(PostgresQuery, query), prepare, name)
        validate = None if key is None else partial(known.validate, key, prepare, name)
        return [*orders, _Order(at, validate)]


def _known(driver: psycopg.Connection[Any]) -> PrepareManager:
    """The driver's own list of what is prepared, though it is not for others: the driver has the server forget all of
    it after a rollback and some commands, and only it knows when."""
    return driver._prepared  # noqa: SLF001
