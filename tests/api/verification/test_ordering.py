"""Reports and decisions are ordered: no PASS is decided after a report that was acknowledged.

The order is made by the lock on the card's row. Both ways of waiting are shown with one side held in its transaction,
then both sides race. Without the share lock three of these tests fail.
"""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from api.cards import enrolment
from api.cards.identity import CardIdentity
from api.cards.lifecycle import Event
from api.institutions import principals
from api.institutions.caller import Caller
from api.institutions.roles import Role
from api.matching.captures import Captures
from api.service import Service
from api.storage.idempotency import Attempt, StoredAnswer
from api.verification import nonces, pipeline
from api.verification.request import VerificationRequest
from tests.api.bodies import Json, new_number, register, report, verify
from tests.api.conftest import NewClient
from tests.api.entries import new_key
from tests.api.verification.guessers import settle, watchful

ROUNDS = 200
# As long as a busy machine may take.
WAIT_S = 60.0


@contextmanager
def held(monkeypatch: pytest.MonkeyPatch, name: str) -> Iterator[tuple[threading.Event, threading.Event]]:
    """The first call of a function stops until the second event is set; the first event says that it is there."""
    module, _, function = name.rpartition(".")
    real = getattr(__import__(module, fromlist=[function]), function)
    there, go = threading.Event(), threading.Event()

    def stopped(*arguments: object, **named: object) -> object:
        if not there.is_set():
            there.set()
            assert go.wait(WAIT_S)
        return real(*arguments, **named)

    monkeypatch.setattr(name, stopped)
    try:
        yield there, go
    finally:
        go.set()


def await_waiter(service: Service, pending: Future[Json]) -> None:
    """Until somebody waits for a row lock, and it is the pending one."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        with service.database.begin() as connection:
            if connection.execute(waiting).scalar_one() == 1:
                assert not pending.done()
                return
        assert not pending.done(), "it did not wait"
        time.sleep(0.01)
    pytest.fail("nobody waits for a lock")


def test_a_report_waits_for_a_decision(
    authority: TestClient, terminal: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    card_id, card = register(authority)
    with ThreadPoolExecutor(2) as pool, held(monkeypatch, "api.verification.pipeline.decide") as (there, go):
        decided = pool.submit(verify, terminal, card)
        assert there.wait(WAIT_S)
        reported = pool.submit(report, authority, card_id, "reported_lost")
        await_waiter(service, reported)
        go.set()
        decision, event = decided.result(), reported.result()
    assert decision["decision"] == "PASS"
    assert instant(decision["decided_at"]) < instant(event["recorded_at"])
    assert verify(terminal, card)["decision"] == "REFUSE"


def test_a_decision_waits_for_a_report_and_sees_it(
    authority: TestClient, terminal: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    card_id, card = register(authority)
    with ThreadPoolExecutor(2) as pool, held(monkeypatch, "api.cards.enrolment._append_leaf") as (there, go):
        reported = pool.submit(report, authority, card_id, "reported_lost")
        assert there.wait(WAIT_S)
        decided = pool.submit(verify, terminal, card)
        await_waiter(service, decided)
        go.set()
        event, decision = reported.result(), decided.result()
    assert decision["document"]["status"] == "card_reported_lost"
    assert instant(event["recorded_at"]) < instant(decision["decided_at"])


def test_decisions_on_a_card_do_not_wait_for_each_other(
    authority: TestClient, terminal: TestClient, new_client: NewClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, card = register(authority)
    other = new_client()
    with ThreadPoolExecutor(2) as pool, held(monkeypatch, "api.verification.pipeline.decide") as (there, go):
        first = pool.submit(verify, terminal, card)
        assert there.wait(WAIT_S)
        # At another terminal: attempts of one terminal on one card are counted one at a time.
        assert pool.submit(verify, other, card).result(WAIT_S)["decision"] == "PASS"
        go.set()
        assert first.result()["decision"] == "PASS"


def test_a_death_and_a_decision_that_locks_the_number_do_not_wait_in_a_circle(
    service: Service, new_client: NewClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The decision holds the card that was shown and names the other authority's in an alert; the death takes them in
    the order of their identifiers. Shown is the one that comes last in it."""
    town = settle(watchful(service, max_failures=1))
    elsewhere = new_client(Role.AUTHORITY)
    while True:
        # Both anew: no other would be likely to come before a card whose identifier is a very low one.
        town.card_id, town.card = register(town.authority)
        other_id, _ = register(elsewhere, {**town.card, "issuer": f"{secrets.token_hex(4)}公安局"})
        if UUID(other_id) < UUID(town.card_id):
            break
    terminal = town.client()
    with ThreadPoolExecutor(2) as pool, held(monkeypatch, "api.verification.guessing._lock") as (there, go):
        decided = pool.submit(verify, terminal, town.card, face="person:b")
        assert there.wait(WAIT_S)
        dead = pool.submit(report, town.authority, town.card_id, "holder_deceased")
        await_waiter(service, dead)
        go.set()
        assert decided.result()["decision"] == "REFUSE"
        assert dead.result()["status"] == "holder_deceased"


def test_a_report_during_the_comparison_counts(
    authority: TestClient, terminal: TestClient, monkeypatch: pytest.MonkeyPatch, service: Service
) -> None:
    """The comparison takes long; the status is read after it, not before."""
    card_id, card = register(authority)
    monkeypatch.setattr(service.comparer, "meanwhile", lambda: report(authority, card_id, "reported_lost"))
    assert verify(terminal, card)["document"]["status"] == "card_reported_lost"


def signed_in(service: Service, role: Role) -> Caller:
    key = new_key(service.database, service.keys, role)
    with service.database.begin() as connection:
        found = principals.authenticate(connection, key)
    assert found is not None
    return found


def attempt(caller: Caller) -> Attempt:
    """A request of the caller's, that nobody sends again."""
    return Attempt(caller.principal_id, secrets.token_hex(8), secrets.token_bytes(32))


def test_no_pass_after_a_report_in_a_race(service: Service) -> None:
    """Two verifications while a report comes in; one side is held back so that each comes first as often as last."""
    registrar, terminal = signed_in(service, Role.AUTHORITY), signed_in(service, Role.TERMINAL)
    passed = refused = 0
    late_s, step_s, before_all = 0.005, 0.001, None
    with ThreadPoolExecutor(3) as pool:
        for _ in range(ROUNDS):
            card = CardIdentity(new_number(), "北京市公安局", date(2016, 3, 1), None)
            registered = enrolment.enrol(service, registrar, attempt(registrar), card, Captures(face=b"person:a"))
            decisions, recorded = race(pool, service, registrar, terminal, card, UUID(registered.answer["id"]), late_s)
            earlier = [instant(decision["decided_at"]) < recorded for decision in decisions]
            for decision, before in zip(decisions, earlier, strict=True):
                assert (decision["decision"], decision["document"]["status"]) == (
                    ("PASS", "valid") if before else ("REFUSE", "card_reported_lost")
                )
            passed += sum(earlier)
            refused += 2 - sum(earlier)
            if len(set(earlier)) == 1:
                # The longer one side wins, the more it is held back: nobody knows how slow the machine is.
                step_s = min(2 * step_s, 0.1) if earlier[0] is before_all else 0.001
                before_all = earlier[0]
                late_s += -step_s if before_all else step_s
    assert passed > ROUNDS / 10, "the race has to be one"
    assert refused > ROUNDS / 10, "the race has to be one"


def race(
    pool: ThreadPoolExecutor,
    service: Service,
    registrar: Caller,
    terminal: Caller,
    card: CardIdentity,
    card_id: UUID,
    late_s: float,
) -> tuple[list[Json], datetime]:
    """The two decisions, and when the report was recorded, which began so much later (or, below 0, earlier)."""
    together = threading.Barrier(3)

    def begin(delay_s: float, act: Callable[[], StoredAnswer]) -> Json:
        together.wait()
        time.sleep(delay_s)
        return act().answer

    asked = [request(service, terminal, card) for _ in range(3)]
    decisions = [pool.submit(begin, max(0.0, -late_s), partial(pipeline.verify, service, one)) for one in asked[:2]]
    reported = pool.submit(
        begin,
        max(0.0, late_s),
        partial(enrolment.report, service, registrar, attempt(registrar), card_id, Event.REPORTED_LOST, None),
    )
    recorded = instant(reported.result()["recorded_at"])
    # Acknowledged: whoever asks from now on is told.
    later = pipeline.verify(service, asked[2]).answer
    assert later["document"]["status"] == "card_reported_lost"
    return [decision.result() for decision in decisions], recorded


def instant(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)


def request(service: Service, caller: Caller, card: CardIdentity) -> VerificationRequest:
    with service.database.begin() as connection:
        nonce = nonces.issue(connection, service.keys, caller.principal_id, life_s=60).text
    return VerificationRequest(
        caller,
        Attempt(caller.principal_id, secrets.token_hex(8), secrets.token_bytes(32)),
        card,
        "counter",
        "test",
        Captures(face=b"person:a"),
        datetime.now(UTC),
        nonce,
    )
