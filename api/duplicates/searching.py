"""A search of the whole register against itself: begun with a case, done block by block, ended with cases for people.

What a block found is there if and only if the block is noted as done, in one transaction: a search that is killed goes
on with the blocks that are left, when the same command is given again. The begin, the end and every case have their
evidence. One search runs at a time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Connection, Row, text

from api.duplicates import people, progress, searches
from api.duplicates.filing import Filed, Filing
from api.duplicates.pairs import Pair
from api.duplicates.parameters import FETCHED
from api.duplicates.people import Finger, Opener, People, Reading
from api.duplicates.searches import Beginning, Terms
from api.institutions import acts, credentials
from api.institutions.caller import Caller
from api.matching import transforms
from api.matching.captures import Modality
from api.screening import cases
from api.storage.database import Database
from api.storage.keys import Keys
from biometrics.duplicates import Engine, Finding, Fingers, Register, Rule, Suspects, confirm
from biometrics.scoring.calibration import Calibration

_UNHURRIED = text("SET LOCAL statement_timeout = 0")
_ONE_LOOK = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


class Compared(Opener, Protocol):
    """What of a `Comparer` a search needs."""

    @property
    def calibrations(self) -> Mapping[Modality, Calibration]:
        """See `Comparer.calibrations`."""


@dataclass(frozen=True)
class Order:
    """What is asked for, by whom and for which case. `engine` names what does the work, for the evidence; `open_engine`
    makes it for a register and a rule."""

    purpose: str
    case_reference: str
    false_per_1000: float
    engine: str
    open_engine: Callable[[Register, Rule], Engine] = field(repr=False)
    threads: int = 1


@dataclass(frozen=True)
class Progress:
    """How far it is: people who were read, and blocks that are done, of so many."""

    stage: str
    done: int
    total: int


@dataclass(frozen=True)
class Outcome:
    """What came of a search. `left_out`: people with faces of other engines only; `damaged`: faces that do not open;
    `blocks_before` were done by an earlier run."""

    people: int
    left_out: int
    damaged: int
    pairs: int
    filed: Filed
    blocks_before: int


class Search:
    """One run of the command, over a register and its keys. `folder` is where the people lie meanwhile."""

    def __init__(self, database: Database, keys: Keys, caller: Caller, comparer: Compared, folder: Path) -> None:
        self._database = database
        self._keys = keys
        self._caller = caller
        self._comparer = comparer
        self._folder = folder

    def run(self, order: Order, tell: Callable[[Progress], None] = lambda _: None) -> Outcome:
        """Search, or go on with the search of this case that was broken off.

        Raises `SearchRunning`, `SearchMoved`, `KeyRevoked`, `DatabaseUnavailable`, OSError, and what the engine raises;
        what was done stays done.
        """
        with searches.alone(self._database):
            search = self._begun(order)
            found, search = self._read(search, order.threads, tell)
            before = self._search(order, search, found, tell)
            outcome = self._end(order, search, found, before)
            people.forget(self._folder / str(search.id))
        return outcome

    def _begun(self, order: Order) -> Row[Any]:
        """The search of this case that was broken off, on the same terms; else a new one."""
        case_index = bytes.fromhex(cases.named(self._keys, order.case_reference))
        engines = {modality: one.engine for modality, one in self._comparer.calibrations.items()}
        terms = Terms(engines["face"], engines["finger"], order.false_per_1000)
        # Counted before: who revokes the key waits for the transaction that holds it.
        with self._database.begin() as connection:
            connection.execute(_UNHURRIED)
            number, left_out = people.count(connection, terms.face_engine)
        with self._begin() as connection:
            search = searches.running(connection, self._caller, order.purpose, case_index)
            if search is not None and searches.terms_of(search) == terms:
                return search
            if search is not None:
                self._abandon(connection, search)
            fmr = self._rule(number, order.false_per_1000).fmr
            beginning = Beginning(order.purpose, order.case_reference, case_index, terms, fmr, number, left_out)
            search = searches.begin(connection, self._keys, self._caller, beginning)
            self._record(connection, "duplicates_search_begun", search, searches.begun(search))
        return search

    def _abandon(self, connection: Connection, search: Row[Any]) -> None:
        ended = searches.end(connection, search.id, "abandoned")
        progress.forget(connection, search.id)
        people.forget(self._folder / str(search.id))
        self._record(connection, "duplicates_search_abandoned", ended, {})

    def _read(self, search: Row[Any], threads: int, tell: Callable[[Progress], None]) -> tuple[People, Row[Any]]:
        """The people, from the folder where they lie there, else from the database."""
        folder = self._folder / str(search.id)
        kept = People.open(folder)
        if kept is not None and kept.digest == search.register_digest:
            return kept, search
        read = 0

        def told(more: int) -> None:
            nonlocal read
            read += more
            tell(Progress("reading", read, search.people))

        reading = Reading(self._keys, self._comparer, search.face_engine, search.finger_engine, threads)
        transforms.prepare(self._database, self._keys)
        with self._database.begin() as connection:
            connection.execute(_ONE_LOOK)
            connection.execute(_UNHURRIED)
            found = reading.read(connection, folder, told)
        if found.digest != search.register_digest:
            with self._begin() as connection:
                search = progress.begin(connection, search, found.digest, found.register.jobs)
        return found, search

    def _search(self, order: Order, search: Row[Any], found: People, tell: Callable[[Progress], None]) -> int:
        with self._database.begin() as connection:
            done = progress.done(connection, search.id)
        before, total = len(done), found.register.jobs
        tell(Progress("searching", before, total))
        rule = self._rule(search.people, search.false_per_1000)
        left = [block for block in range(total) if block not in done]
        engine = order.open_engine(found.register, rule)
        for number, (block, suspects) in enumerate(engine.run(left), 1):
            pairs = self._confirmed(found, suspects, rule, order)
            with self._begin() as connection:
                progress.note(connection, search.id, block, pairs)
            tell(Progress("searching", before + number, total))
        return before

    def _confirmed(self, found: People, suspects: Suspects, rule: Rule, order: Order) -> list[Pair]:
        parts = (slice(first, first + FETCHED) for first in range(0, len(suspects), FETCHED))
        return [pair for part in parts for pair in self._confirm(found, _part(suspects, part), rule, order)]

    def _confirm(self, found: People, suspects: Suspects, rule: Rule, order: Order) -> list[Pair]:
        """The findings among so few suspects that their fingers are fetched once."""
        held: dict[int, dict[str, Finger]] = {}

        def fetch(keys: Sequence[int]) -> Mapping[int, Fingers]:
            numbers = {key: found.number(key) for key in keys}
            engine = self._comparer.calibrations["finger"].engine
            with self._database.begin() as connection:
                connection.execute(_UNHURRIED)
                given = people.fingers(connection, self._keys, self._comparer, engine, list(numbers.values()))
            held.update({key: given[number] for key, number in numbers.items()})
            return {key: {at: one.template for at, one in fingers.items()} for key, fingers in held.items()}

        return [
            Pair.of_finding(one, found.number(one.low), found.number(one.high), list(_templates(found, one, held)))
            for one in confirm(found.register, suspects, rule, fetch, threads=order.threads)
        ]

    def _end(self, order: Order, search: Row[Any], found: People, before: int) -> Outcome:
        with self._begin() as connection:
            connection.execute(_UNHURRIED)
            pairs = _of_people_who_stayed(connection, search, progress.found(connection, search.id))
            filed = Filing(connection, self._keys, self._caller, search).file(pairs)
            ended = searches.end(
                connection, search.id, "finished", damaged=found.damaged, opened=filed.opened, changed=filed.changed
            )
            progress.forget(connection, search.id)
            told = {**searches.finished(ended), "engine": order.engine}
            self._record(connection, "duplicates_search_finished", ended, told)
        return Outcome(len(found.register), search.left_out, found.damaged, len(pairs), filed, before)

    def _rule(self, number: int, false_per_1000: float) -> Rule:
        calibrations = self._comparer.calibrations
        return Rule(number, calibrations["face"], calibrations["finger"], false_per_record=false_per_1000 / 1000)

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        """A transaction of who searches: when the key is revoked, the search stops."""
        with self._database.begin() as connection:
            credentials.hold(connection, self._caller)
            yield connection

    def _record(self, connection: Connection, act: str, search: Row[Any], details: dict[str, Any]) -> None:
        acts.record(
            connection,
            self._keys,
            act,
            actor_id=self._caller.principal_id,
            actor_key_id=self._caller.key_id,
            institution_id=search.institution_id,
            subject_id=search.id,
            details=details,
        )


def _of_people_who_stayed(connection: Connection, search: Row[Any], pairs: Sequence[Pair]) -> list[Pair]:
    """Without those whose templates were erased since they were read: there is nothing to say of them any more."""
    numbers = {number for pair in pairs for number in (pair.first, pair.second)}
    held = people.holding(connection, search.face_engine, numbers)
    return [pair for pair in pairs if {pair.first, pair.second} <= held]


def _part(suspects: Suspects, part: slice) -> Suspects:
    return Suspects(suspects.low[part], suspects.high[part], suspects.scores[part])


def _templates(found: People, one: Finding, held: Mapping[int, Mapping[str, Finger]]) -> Iterable[UUID]:
    """The templates that a finding compared."""
    yield found.template(one.low)
    yield found.template(one.high)
    for finger in one.fingers:
        yield held[one.low][finger.position].id
        yield held[one.high][finger.position].id
