"""Admission: what would be answered too late is refused before any work, and nothing else is."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

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
