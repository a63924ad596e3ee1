"""Admission: what would be answered too late is refused before any work, and nothing else is."""

import heapq
import itertools
import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import pytest
from starlette.testclient import TestClient

from api.errors import ServiceError
from api.institutions.roles import Role
from api.operations.admission import Admission, Place
from api.service import Service
from tests.api.bodies import fresh, fresh_key, new_card, register, report
from tests.api.conftest import NewClient
from tests.api.scripted import ScriptedComparer

WAIT_S = 120.0


def learned(each_s: float, threads: int = 2, most_wait_s: float = 2.0) -> Admission:
    """One whose answers took so long, one at a time."""
    made = Admission(threads, most_wait_s)
    made.leave(made.enter(0.0), each_s, answered=True)
    return made


class Clock:
    """A clock that is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def refused(admission: Admission) -> ServiceError:
    with pytest.raises(ServiceError) as told:
        admission.enter(0.0)
    return told.value


def fill(admission: Admission) -> list[Place]:
    """As many as it takes."""
    places = []
    while True:
        try:
            places.append(admission.enter(0.0))
        except ServiceError:
            return places


def test_before_the_first_answer_all_are_let_in_up_to_the_most() -> None:
    admission = Admission(2)
    assert len(fill(admission)) == admission.most == 32
    assert Admission(64).most == 1024


def test_the_next_one_is_refused_that_would_wait_too_long() -> None:
    admission = learned(0.1)
    places = fill(admission)
    assert len(places) == 20, "the twenty-first would have waited for 2.1 s"
    told = refused(admission)
    assert (told.code, told.retry_after_s) == ("service_overloaded", 3)
    admission.leave(places.pop(), 0.1, answered=False)
    assert admission.enter(0.0)


def test_some_are_always_let_in_and_from_them_it_learns_that_it_is_better() -> None:
    admission = learned(100.0)
    places = fill(admission)
    assert len(places) == 4, "each thread has something to do"
    for _ in range(100):
        for place in places:
            admission.leave(place, 0.01, answered=True)
        places = [admission.enter(0.0) for _ in range(4)]
    assert admission.wait_s() < 0.1


def test_what_waits_side_by_side_counts_once() -> None:
    """An answer that waits a second for another register, and many at once, do not make a full service."""
    admission = Admission(1)
    for _ in range(20):
        places = [admission.enter(0.0) for _ in range(16)]
        for place in places:
            admission.leave(place, 1.0, answered=True)
    assert admission.wait_s() < 0.25
    assert len(fill(admission)) >= 16


def test_what_is_refused_for_its_own_fault_teaches_nothing() -> None:
    admission = learned(0.1)
    before = admission.wait_s()
    for _ in range(50):
        admission.leave(admission.enter(0.0), 0.0, answered=False)
    assert admission.wait_s() == before
    assert admission.inside == 0


def test_late_answers_make_it_let_in_fewer_and_timely_ones_more_again() -> None:
    admission = learned(0.099)
    assert len(empty(admission, fill(admission), 1.9)) == 20
    for _ in range(3):
        empty(admission, fill(admission), 2.1)
        # The mean is what it was: that fewer are let in comes of their having been late.
        teach(admission, 0.099)
    fewer = len(empty(admission, fill(admission), 1.0))
    assert fewer == 10, "never less than half of the bound"
    for _ in range(200):
        empty(admission, fill(admission), 1.0)
        teach(admission, 0.099)
    assert len(fill(admission)) == 20


def test_who_is_let_in_at_any_rate_says_nothing_of_the_bound() -> None:
    admission = learned(0.099)
    for _ in range(100):
        empty(admission, [admission.enter(0.0) for _ in range(4)], 30.0)
        teach(admission, 0.099)
    assert len(fill(admission)) == 20


def empty(admission: Admission, places: list[Place], took_s: float) -> list[Place]:
    """All are answered, after so long."""
    for place in places:
        admission.leave(place, took_s, answered=True)
    return places


def teach(admission: Admission, each_s: float) -> None:
    """Until it holds that each takes so long."""
    for _ in range(200):
        admission.leave(admission.enter(0.0), each_s, answered=True)


def test_turns_come_in_the_order_of_coming() -> None:
    admission = Admission(1, 2.0, Clock())
    places = [admission.enter(0.0) for _ in range(6)]
    entered: list[int] = []
    gates = [threading.Event() for _ in places]
    began = [threading.Event() for _ in places]

    def work(number: int) -> None:
        with admission.turn(places[number]):
            entered.append(number)
            began[number].set()
            assert gates[number].wait(WAIT_S)

    with ThreadPoolExecutor(len(places)) as pool:
        pending = []
        for number in range(len(places)):
            pending.append(pool.submit(work, number))
            # Two are at work; of the others each has to be in its place before the next one comes.
            arrived = began[number].is_set if number < 2 else partial(waits, admission, number - 1)
            assert until(arrived)
        for number in range(len(places)):
            assert entered == list(range(min(number + 2, len(places))))
            gates[number].set()
            pending[number].result(WAIT_S)
            if number + 2 < len(places):
                assert began[number + 2].wait(WAIT_S)


def waits(admission: Admission, count: int) -> bool:
    return admission.waiting == count


def until(done: Callable[[], bool]) -> bool:
    """Whether it comes to be so."""
    deadline = time.monotonic() + WAIT_S
    while not done() and time.monotonic() < deadline:
        time.sleep(0.001)
    return done()


def test_whose_turn_comes_too_late_is_turned_away_and_the_next_one_has_it() -> None:
    clock = Clock()
    admission = Admission(1, 2.0, clock)
    teach(admission, 0.1)
    places = [admission.enter(0.0) for _ in range(4)]
    clock.now = 1.5
    with admission.turn(places[3]):
        pass
    clock.now = 1.8
    for _ in range(3):
        with pytest.raises(ServiceError, match="service_overloaded"), admission.turn(places[3]):
            raise AssertionError("0.2 s are left of two, and those at work take 0.3")
    with admission.turn(places[0]), admission.turn(places[1]):
        pass  # They were let in at any rate, and there is room for both.


def test_a_turn_that_fails_is_over() -> None:
    admission = Admission(1, 2.0, Clock())
    places = [admission.enter(0.0) for _ in range(3)]
    for place in places:
        with pytest.raises(KeyError), admission.turn(place):
            raise KeyError
    with admission.turn(places[0]), admission.turn(places[1]):
        pass


@dataclass(frozen=True)
class Seen:
    """How an arrival ended."""

    how: Literal["answered", "refused", "late"]
    took_s: float = 0.0


class Simulation:
    """Two engines, of which each takes about 0.14 s for a verification, behind an admission; no time passes.

    `swing`: by what share the engines are slower and faster in the course of five seconds.
    """

    rate = 2 / 0.14

    def __init__(self, seed: int, swing: float = 0.0) -> None:
        self._drawn = random.Random(seed)
        self._swing = swing
        self._clock = Clock()
        self._admission = Admission(2, 2.0, self._clock)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._queue: deque[Place] = deque()
        self._turned: deque[tuple[Place, ExitStack]] = deque()
        self._turns = self._busy = 0
        self.seen: list[Seen] = []

    def run(self, load: float, seconds: float) -> list[Seen]:
        """How arrivals ended that come at so many times the rate of the engines."""
        self.seen = []
        began = self._clock.now
        for number in range(round(load * self.rate * seconds)):
            self._at(began + number / (load * self.rate), self._arrive)
        while self._events:
            self._clock.now, _, act = heapq.heappop(self._events)
            act()
        return self.seen

    def _at(self, when: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._numbers), act))

    def _arrive(self) -> None:
        try:
            self._queue.append(self._admission.enter(self._clock.now))
        except ServiceError:
            self.seen.append(Seen("refused"))
        self._go_on()

    def _go_on(self) -> None:
        while self._queue and self._turns < 4:  # so that nothing waits
            place, turn = self._queue.popleft(), ExitStack()
            try:
                turn.enter_context(self._admission.turn(place))
            except ServiceError:
                self._leave(place, "late")
                continue
            self._turns += 1
            self._turned.append((place, turn))
        while self._turned and self._busy < 2:
            self._busy += 1
            place, turn = self._turned.popleft()
            took_s = self._drawn.gammavariate(11, 0.14 / 11) * (1 + self._swing * math.sin(1.3 * self._clock.now))
            self._at(self._clock.now + took_s, partial(self._compared, place, turn))

    def _compared(self, place: Place, turn: ExitStack) -> None:
        turn.close()
        self._turns -= 1
        self._busy -= 1
        self._at(self._clock.now + self._drawn.uniform(0.015, 0.06), partial(self._leave, place, "answered"))
        self._go_on()

    def _leave(self, place: Place, how: Literal["answered", "late"]) -> None:
        self._admission.leave(place, self._clock.now, answered=how == "answered")
        self.seen.append(Seen(how, self._clock.now - place.since))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("swing", [0.0, 0.3])
def test_at_four_times_the_load_answers_are_in_time_and_as_many_as_can_be(seed: int, swing: float) -> None:
    simulation = Simulation(seed, swing)
    assert {one.how for one in simulation.run(0.6, 20)} == {"answered"}
    over = simulation.run(4.0, 30)
    took_s = sorted(one.took_s for one in over if one.how == "answered")
    assert len(took_s) >= 0.95 * 30 * simulation.rate
    assert took_s[round(0.99 * len(took_s)) - 1] <= 2.1
    # Hardly any work is done for those who are turned away.
    assert sum(one.how == "late" for one in over) <= 0.1 * len(took_s)
    after = simulation.run(0.6, 20)
    assert {one.how for one in after} == {"answered"}
    assert max(one.took_s for one in after) < 1.0


@pytest.fixture
def narrow(service: Service) -> Service:
    """The shared service behind a door for four at a time, which holds that each takes ten seconds."""
    return replace(service, comparer=ScriptedComparer(), admission=learned(10.0))


def test_a_full_service_refuses_at_once_and_does_all_else(narrow: Service, new_client: NewClient) -> None:
    """Four verifications are inside and wait; a fifth is refused, its nonce still good; a loss report goes through."""
    authority, terminal = new_client(Role.AUTHORITY, service=narrow), new_client(service=narrow)
    inside, go_on = threading.Barrier(5), threading.Event()

    def wait() -> None:
        inside.wait(WAIT_S)
        assert go_on.wait(WAIT_S)

    assert isinstance(narrow.comparer, ScriptedComparer)
    narrow.comparer.meanwhile = wait
    card_id, card = register(authority)
    bodies = [fresh(terminal, card) for _ in range(5)]
    clients = [new_client(service=narrow) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        try:
            pending = [pool.submit(post, client, fresh(client, new_card())) for client in clients]
            inside.wait(WAIT_S)
            told = terminal.post("/v1/verifications", json=bodies[0], headers=fresh_key())
            assert told.status_code == 503
            assert told.json()["code"] == "service_overloaded"
            assert told.json()["retryable"] is True
            assert int(told.headers["retry-after"]) >= 10
            assert terminal.post("/v1/captures").status_code == 201
            assert report(authority, card_id, "reported_lost")
        finally:
            go_on.set()
        assert [one.result() for one in pending] == [200] * 4
    narrow.comparer.meanwhile = lambda: None
    again = terminal.post("/v1/verifications", json=bodies[0], headers=fresh_key())
    assert again.status_code == 200, "neither nonce nor capture was used up"
    assert again.json()["document"]["status"] == "card_reported_lost"
    assert narrow.admission.inside == 0


def test_who_waits_too_long_for_a_turn_is_turned_away_with_the_nonce_still_good(
    service: Service, new_client: NewClient
) -> None:
    clock = Clock()
    admission = Admission(2, 60.0, clock)
    teach(admission, 0.01)
    comparer = ScriptedComparer()
    narrow = replace(service, comparer=comparer, admission=admission)
    inside, go_on = threading.Barrier(5), threading.Event()

    def wait() -> None:
        inside.wait(WAIT_S)
        assert go_on.wait(WAIT_S)

    comparer.meanwhile = wait
    clients = [new_client(service=narrow) for _ in range(5)]
    bodies = [fresh(client, new_card()) for client in clients]
    with ThreadPoolExecutor(5) as pool:
        try:
            pending = [pool.submit(post, *one) for one in list(zip(clients, bodies, strict=True))[:4]]
            inside.wait(WAIT_S)
            fifth = pool.submit(clients[4].post, "/v1/verifications", json=bodies[4], headers=fresh_key())
            assert until(partial(waits, admission, 1))
            clock.now = time.monotonic() + 61.0
        finally:
            go_on.set()
        told = fifth.result(WAIT_S)
        assert told.status_code == 503
        assert told.json()["code"] == "service_overloaded"
        assert int(told.headers["retry-after"]) >= 1
        assert [one.result() for one in pending] == [200] * 4
    comparer.meanwhile = lambda: None
    assert post(clients[4], bodies[4]) == 200, "neither nonce nor capture was used up"
    assert admission.inside == 0


def post(client: TestClient, body: object) -> int:
    status: int = client.post("/v1/verifications", json=body, headers=fresh_key()).status_code
    return status


@pytest.mark.parametrize("spoiled", [{"unknown": 1}, {"nonce": "A" * 43}], ids=["no form", "no nonce"])
def test_whoever_is_refused_leaves(narrow: Service, new_client: NewClient, spoiled: dict[str, object]) -> None:
    terminal = new_client(service=narrow)
    before = narrow.admission.wait_s()
    for _ in range(6):
        assert post(terminal, {**fresh(terminal, new_card()), **spoiled}) == 422
    assert narrow.admission.inside == 0
    assert narrow.admission.wait_s() == before


def test_strangers_take_no_place(narrow: Service, new_client: NewClient) -> None:
    terminal = new_client(service=narrow)
    places = fill(narrow.admission)
    terminal.headers["Authorization"] = "Bearer nobody"
    assert post(terminal, {}) == 401
    for place in places:
        narrow.admission.leave(place, 0.0, answered=False)
