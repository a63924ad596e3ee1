"""A run of any length, in chunks: load with faults, heal, judge what was committed, keep the totals, go on.

Of a finished chunk only totals and the violations stay, and what the checker needs of the cards in play, so memory is
bounded. With a folder to keep it in, a run that was interrupted goes on behind its last finished chunk: what an
unfinished one committed is judged by its order too, and not counted.
"""

import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select

from api.storage.tables import card_events, verifications
from tests.faults.replicas import cluster as clusters
from tests.faults.replicas import commits
from tests.faults.replicas.calls import Call, Calls
from tests.faults.replicas.checker import Checker, Violation
from tests.faults.replicas.clients import Crowd, Keys
from tests.faults.replicas.cluster import DATABASE_NAME, Cluster, Mutant
from tests.faults.replicas.commits import Act
from tests.faults.replicas.deck import Deck
from tests.faults.replicas.faults import PAUSE_S, Faults

CHUNK = 4000
TERMINALS = 32
AUTHORITIES = 8
KEPT_VIOLATIONS = 1000
STATE = "run.json"
_ASKED_AT_ONCE = 10_000


class StateOfAnotherRun(Exception):
    """The folder holds a run with another seed."""


@dataclass
class Totals:
    """What was done until now. `operations` counts verifications, reports and registrations that clients asked for;
    `calls` and `answers` by kind; `seconds` are the wall time of the chunks, healing and judging included."""

    operations: int = 0
    chunks: int = 0
    seconds: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    violations: int = 0


@dataclass
class Run:
    """A campaign's state between two chunks."""

    seed: int
    password: str
    keys: Keys
    deck: Deck = field(default_factory=Deck)
    checker: Checker = field(default_factory=Checker)
    totals: Totals = field(default_factory=Totals)
    violations: list[Violation] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """To be kept. The clients' reports are not: another start of the machine has another monotonic clock."""
        return {
            "seed": self.seed,
            "password": self.password,
            "keys": asdict(self.keys),
            "deck": self.deck.as_json(),
            "lsn": self.checker.lsn,
            "statuses": self.checker.statuses,
            "totals": vars(self.totals),
            "violations": [asdict(one) for one in self.violations],
        }

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Run":
        """What was kept."""
        totals = kept["totals"] | {name: Counter(kept["totals"][name]) for name in ("calls", "answers", "faults")}
        return cls(
            kept["seed"],
            kept["password"],
            Keys(**kept["keys"]),
            Deck.from_json(kept["deck"]),
            Checker(kept["lsn"], kept["statuses"]),
            Totals(**totals),
            [Violation(**one) for one in kept["violations"]],
        )


class Campaign:
    """A run on a cluster that is up."""

    def __init__(self, cluster: Cluster, run: Run, folder: Path, *, pause_s: float | None = PAUSE_S) -> None:
        """`pause_s` lies between one fault and the next in the mean; None: nothing goes wrong."""
        self.run = run
        self.cluster = cluster
        self._folder = folder
        self.pause_s = pause_s

    def go_on(self, operations: int, tell: Callable[[int], None], chunk: int = CHUNK) -> None:
        """Run until so many operations were made; `tell` hears, now and then, how many there are."""
        totals = self.run.totals
        while totals.operations < operations:
            began = time.monotonic()
            wanted = min(chunk, operations - totals.operations)
            seed = f"{self.run.seed}.{totals.chunks}"
            # A chunk that is made again after an interruption needs keys that nobody used.
            name = f"{seed}.{secrets.token_hex(4)}"
            calls, done = self._load(seed, name, wanted, tell)
            self._judge(name, calls)
            totals.operations += len(calls)
            totals.chunks += 1
            totals.seconds += time.monotonic() - began
            totals.faults.update(done)
            for call in calls:
                totals.calls[call.event or call.kind] += 1
                totals.answers[_answer(call)] += 1
            self._keep()

    def _load(self, seed: str, name: str, wanted: int, tell: Callable[[int], None]) -> tuple[list[Call], Counter[str]]:
        cluster, keys = self.cluster, self.run.keys
        cluster.heal()
        nonces = cluster.give_nonces(keys, 2 * wanted // len(keys.terminals) + 10)
        calls = Calls(wanted)
        crowd = Crowd(keys, cluster.ports, self.run.deck, calls, nonces, name, seed)
        faults = Faults(cluster, f"{seed} faults", self.pause_s or PAUSE_S)
        if self.pause_s is not None:
            faults.start()
        try:
            with closing(crowd.run()) as progress:
                for begun in progress:
                    tell(self.run.totals.operations + begun)
        finally:
            faults.stop()
        cluster.heal()
        return calls.made, faults.done

    def _judge(self, name: str, calls: list[Call]) -> None:
        acts = self._committed()
        found = self.run.checker.check(name, calls, acts, self._kept(acts))
        self._note(found)
        self.run.deck.learn(self.run.checker.statuses)
        self.run.checker.retire(self.run.deck.ids)

    def catch_up(self) -> None:
        """Judge what an interrupted chunk committed, whose calls nobody knows any more."""
        self._note(list(self.run.checker.replay(self._committed())))
        self.run.deck.learn(self.run.checker.statuses)
        self.run.deck.doubt_successors()

    def _committed(self) -> list[Act]:
        with self.cluster.server.connect(DATABASE_NAME) as connection:
            return commits.read(connection, self.run.checker.lsn)

    def _kept(self, acts: list[Act]) -> set[str]:
        """The identifiers of those acts that the tables hold, as they were committed."""
        held: set[str] = set()
        for table, kind, what in (
            (verifications, "verification", verifications.c.decision),
            (card_events, "event", card_events.c.event),
        ):
            committed = {act.id: act.what for act in acts if act.kind == kind}
            ids = [UUID(one) for one in committed]
            for start in range(0, len(ids), _ASKED_AT_ONCE):
                asked = select(table.c.id, what).where(table.c.id.in_(ids[start : start + _ASKED_AT_ONCE]))
                with self.cluster.database.begin() as connection:
                    held.update(str(one) for one, word in connection.execute(asked) if committed[str(one)] == word)
        return held

    def _note(self, found: list[Violation]) -> None:
        self.run.totals.violations += len(found)
        self.run.violations.extend(found[: KEPT_VIOLATIONS - len(self.run.violations)])

    def _keep(self) -> None:
        """Whole or not at all; only then the database forgets the chunk's commits."""
        beside = self._folder / f"{STATE}.new"
        beside.touch(mode=0o600)
        beside.write_text(json.dumps(self.run.as_json(), ensure_ascii=False), encoding="utf-8")
        beside.replace(self._folder / STATE)
        with self.cluster.server.connect(DATABASE_NAME) as connection:
            commits.forget(connection, self.run.checker.lsn)


def _answer(call: Call) -> str:
    if not call.answered:
        return "none"
    return call.code or call.told


@contextmanager
def open_campaign(
    folder: Path, seed: int, *, mutant: Mutant | None = None, pause_s: float | None = PAUSE_S
) -> Iterator[Campaign]:
    """The campaign of a folder: a new one, or the one that it holds. Raises `StateOfAnotherRun`."""
    kept = None
    if (folder / STATE).exists():
        kept = Run.from_json(json.loads((folder / STATE).read_text(encoding="utf-8")))
        if kept.seed != seed:
            raise StateOfAnotherRun(f"{folder} holds a run with the seed {kept.seed}")
    password = None if kept is None else kept.password
    with clusters.opened(folder, password=password, seed=f"{seed}", mutant=mutant) as cluster:
        if kept is None:
            run = Run(seed, cluster.server.password, cluster.new_keys(TERMINALS, AUTHORITIES))
            campaign = Campaign(cluster, run, folder, pause_s=pause_s)
        else:
            campaign = Campaign(cluster, kept, folder, pause_s=pause_s)
            cluster.heal()
            campaign.catch_up()
        yield campaign
