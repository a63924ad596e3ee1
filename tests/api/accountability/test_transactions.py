"""Transactions over HTTP: recorded once, judged against their checks, read by those who answer for them."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from api.accountability.parameters import MOST_AT_ONCE
from api.institutions.roles import Role
from api.service import Service
from api.storage import tables
from api.storage.tables import transactions
from tests.api.accountability.business import ago, report_business, report_many, transaction
from tests.api.bodies import Json, fresh_key, register, verify
from tests.api.conftest import NewClient
from tests.api.http.answers import assert_error


@pytest.fixture
def passed(authority: TestClient, terminal: TestClient) -> str:
    """A check that passed at the terminal."""
    return str(verify(terminal, register(authority)[1])["id"])


def refused(client: TestClient, body: Json) -> Any:
    return client.post("/v1/transactions", json=body)


def test_a_transaction_with_its_check(terminal: TestClient, passed: str) -> None:
    done = report_business(terminal, verification=passed)
    assert (done["check_required"], done["omission"], done["verification_id"]) == (True, None, passed)
    leaf = json.loads(done["receipt"]["leaf"])
    assert (leaf["kind"], leaf["id"], leaf["business"], leaf["cause"]) == (
        "transaction", done["id"], "account_opening", None,
    )  # fmt: skip
    assert leaf["verification"] == passed
    assert done["receipt"]["leaf_hash"] == done["leaf_hash"]
    assert done["receipt"]["inclusion"]["proof"] is not None
    read = terminal.get(f"/v1/transactions/{done['id']}").json()
    assert {**read, "reference": None} == {name: done[name] for name in read if name != "reference"} | {
        "reference": None
    }


def test_a_check_carries_one_transaction(terminal: TestClient, passed: str) -> None:
    assert report_business(terminal, verification=passed)["omission"] is None
    assert report_business(terminal, verification=passed)["omission"] == "check_used"
    assert report_business(terminal, verification=passed, kind="enquiry")["omission"] is None


def test_what_needs_no_check_uses_none_up(terminal: TestClient, passed: str) -> None:
    assert report_business(terminal, verification=passed, kind="transfer")["check_required"] is False
    assert report_business(terminal, verification=passed)["omission"] is None


def test_the_same_check_twice_in_one_report(terminal: TestClient, passed: str) -> None:
    entries = report_many(terminal, transaction(verification=passed), transaction(verification=passed))
    assert [one["omission"] for one in entries] == [None, "check_used"]


def test_omissions(new_client: NewClient, authority: TestClient) -> None:
    house = f"bank {uuid4()}"
    terminal, sibling, stranger = new_client(institution=house), new_client(institution=house), new_client()
    card = register(authority)[1]
    another, others = verify(sibling, card)["id"], verify(stranger, card)["id"]
    mine = verify(terminal, card)["id"]
    review = verify(terminal, card, face="maybe:a")["id"]
    entries = report_many(
        terminal,
        transaction(),
        transaction(verification=str(uuid4())),
        transaction(verification=others),
        transaction(verification=another),
        transaction(verification=mine, done_at=ago(600)),
        transaction(verification=review),
        transaction(kind="withdrawal"),
        transaction(verification=mine),
    )
    assert [one["omission"] for one in entries] == [
        "no_check", "check_unknown", "check_unknown", "check_of_another_terminal", "check_after_transaction",
        "check_not_passed", None, None,
    ]  # fmt: skip
    supervisor = new_client(Role.SUPERVISOR, house)
    listed = supervisor.get("/v1/transactions", params={"omissions": True}).json()["items"]
    assert {one["id"] for one in listed} == {one["id"] for one in entries if one["omission"] is not None}
    (one,) = supervisor.get("/v1/transactions", params={"cause": "check_not_passed"}).json()["items"]
    assert (one["id"], one["verification_id"]) == (entries[5]["id"], review)
    assert len(supervisor.get("/v1/transactions").json()["items"]) == 8
    assert [one["kind"] for one in supervisor.get("/v1/transactions", params={"kind": "withdrawal"}).json()["items"]]


def test_a_reference_stands_for_one_transaction(terminal: TestClient, new_client: NewClient) -> None:
    body = transaction()
    first = report_business(terminal, **body)
    again = report_business(terminal, **body)
    assert (first["reported_before"], again["reported_before"], again["id"]) == (False, True, first["id"])
    assert again["receipt"]["leaf"] == first["receipt"]["leaf"]
    assert again["receipt"]["signature"] == first["receipt"]["signature"]
    assert_error(refused(terminal, {**body, "kind": "enquiry"}), 409, "transaction_reference_reused")
    assert_error(refused(terminal, {**body, "done_at": ago(1)}), 409, "transaction_reference_reused")
    elsewhere = report_business(new_client(), **body)
    assert elsewhere["id"] != first["id"], "another house's books are its own"


def test_the_same_request_again_is_answered_as_before(terminal: TestClient) -> None:
    body, key = transaction(), fresh_key()
    first, again = (terminal.post("/v1/transactions", json=body, headers=key) for _ in range(2))
    assert first.json() == again.json()
    assert_error(terminal.post("/v1/transactions", json=transaction(), headers=key), 409, "idempotency_key_reused")


def test_a_reference_twice_in_one_report(terminal: TestClient) -> None:
    body = transaction()
    answer = terminal.post("/v1/transactions/batch", json={"transactions": [transaction(), body, body]})
    assert_error(answer, 409, "transaction_reference_reused")
    assert [one["field"] for one in answer.json()["details"]] == ["transactions.2.reference"]
    assert report_business(terminal, **body)["reported_before"] is False, "all of it, or nothing"


@pytest.mark.parametrize("reference", ["", "a b", "表", "x" * 65, "11010519491231002X", "\t"])
def test_references_that_are_none(terminal: TestClient, reference: str) -> None:
    assert_error(refused(terminal, transaction(reference=reference)), 422, "transaction_reference_invalid")


def test_long_numbers_that_are_no_persons_are_references(terminal: TestClient) -> None:
    report_business(terminal, reference=f"2026112200{uuid4().int}"[:40])


@pytest.mark.parametrize("kind", ["unheard_of", "", "Account_opening", "a" * 65, "x123456", "a b"])
def test_kinds_that_are_not_known(terminal: TestClient, kind: str) -> None:
    assert_error(refused(terminal, transaction(kind=kind)), 422, "transaction_kind_unknown")


@pytest.mark.parametrize("seconds", [-600, 36 * 86400])
def test_times_that_are_not_plausible(terminal: TestClient, seconds: int) -> None:
    assert_error(refused(terminal, transaction(done_at=ago(seconds))), 422, "transaction_time_invalid")


def test_as_many_as_a_report_may_hold(terminal: TestClient) -> None:
    many = [transaction() for _ in range(MOST_AT_ONCE + 1)]
    answer = terminal.post("/v1/transactions/batch", json={"transactions": many})
    assert_error(answer, 422, "request_invalid")
    assert_error(terminal.post("/v1/transactions/batch", json={"transactions": []}), 422, "request_invalid")
    assert len(report_many(terminal, *many[1:])) == MOST_AT_ONCE


def test_two_who_rest_on_one_check_at_once(service: Service, terminal: TestClient, passed: str) -> None:
    """Also in reports that name the same things in another order."""
    mine, yours = transaction(verification=passed), transaction(verification=passed)
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda entries: report_many(terminal, *entries), [(mine, yours), (yours, mine)]))
    causes = [one["omission"] for entries in both for one in entries]
    assert sorted(causes, key=str) == [None, None, "check_used", "check_used"], "each is told twice, alike"
    with service.database.begin() as connection:
        rows = connection.execute(select(transactions).where(transactions.c.verification_id == UUID(passed))).all()
    assert sorted(str(row.cause) for row in rows) == ["None", "check_used"]


def test_references_stand_nowhere_in_the_clear(service: Service, terminal: TestClient, new_client: NewClient) -> None:
    house = f"bank {uuid4()}"
    reporter, supervisor = new_client(institution=house), new_client(Role.SUPERVISOR, house)
    done = report_business(reporter, reference="REF-OF-RECOGNITION")
    assert "REF-OF-RECOGNITION" not in str(done)
    assert supervisor.get(f"/v1/transactions/{done['id']}").json()["reference"] == "REF-OF-RECOGNITION"
    assert new_client(Role.REGULATOR).get(f"/v1/transactions/{done['id']}").json()["reference"] is None
    with service.database.begin() as connection:
        row = connection.execute(select(transactions).where(transactions.c.id == UUID(done["id"]))).one()
        kept = connection.execute(select(tables.idempotency.c.answer)).scalars().all()
    assert b"RECOGNITION" not in row.reference_sealed + row.reference_index
    assert "RECOGNITION" not in str(kept)


def test_pages_lead_through_all_in_order(new_client: NewClient) -> None:
    house = f"bank {uuid4()}"
    reported, times = [transaction(done_at=ago(60 * one)) for one in range(7)], {"since": ago(150), "until": ago(30)}
    done = report_many(new_client(institution=house), *reported)
    supervisor = new_client(Role.SUPERVISOR, house)
    found: list[str] = []
    asked: Json = {"limit": 3}
    while True:
        page = supervisor.get("/v1/transactions", params=asked).json()
        found += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        asked["after"] = page["next"]
    assert found == [one["id"] for one in done]
    since = supervisor.get("/v1/transactions", params=times).json()["items"]
    assert [one["id"] for one in since] == found[1:3]
