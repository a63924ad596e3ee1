"""Overrides: two persons, never a card that was taken out of use, and no decision is turned."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import exc, select, update
from starlette.testclient import TestClient

from api.accountability.parameters import OVERRIDE_WINDOW_S
from api.institutions.roles import Role
from api.service import Service
from api.storage import tables
from api.storage.tables import overrides
from tests.api.accountability.business import (
    OVERRIDE,
    ago,
    decide_override,
    decided_earlier,
    enter_override,
    report_business,
)
from tests.api.bodies import Json, fresh_key, register, report, verify
from tests.api.conftest import NewClient
from tests.api.http.answers import assert_error


@dataclass
class Counter:
    """A branch with its people, and somebody's card."""

    authority: TestClient
    terminal: TestClient
    operator: TestClient
    supervisor: TestClient
    card_id: str
    card: Json

    def review(self) -> str:
        return str(verify(self.terminal, self.card, face="maybe:a")["id"])

    def refusal(self) -> str:
        decided = verify(self.terminal, self.card, face="person:b")
        assert decided["decision"] == "REFUSE"
        return str(decided["id"])


@pytest.fixture
def counter(new_client: NewClient, authority: TestClient) -> Counter:
    house = f"bank {uuid4()}"
    terminal, operator, supervisor = (
        new_client(role, house) for role in (Role.TERMINAL, Role.OPERATOR, Role.SUPERVISOR)
    )
    return Counter(authority, terminal, operator, supervisor, *register(authority))


def entering(client: TestClient, verification_id: str, body: Json = OVERRIDE) -> Any:
    return client.post(f"/v1/verifications/{verification_id}/override", json=body)


def approving(client: TestClient, override_id: str, what: str = "approve") -> Any:
    return client.post(f"/v1/overrides/{override_id}/{what}", json={})


def test_two_persons_go_on_and_the_decision_stays(counter: Counter) -> None:
    check = counter.review()
    before = counter.supervisor.get(f"/v1/verifications/{check}").json()
    entered = entering(counter.operator, check).json()
    assert (entered["state"], entered["decided_by"], entered["verification_id"]) == ("entered", None, check)
    leaf = json.loads(entered["receipt"]["leaf"])
    assert (leaf["act"], leaf["subject"], leaf["details"]["verification"]) == ("override_entered", entered["id"], check)
    assert OVERRIDE["text"] not in str(entered)
    approved = decide_override(counter.supervisor, entered["id"])
    second = counter.supervisor.get("/v1/me").json()["id"]
    assert (approved["state"], approved["decided_by"]) == ("approved", second)
    assert json.loads(approved["receipt"]["leaf"])["act"] == "override_approved"
    assert counter.supervisor.get(f"/v1/verifications/{check}").json() == before
    read = counter.operator.get(f"/v1/overrides/{entered['id']}").json()
    assert (read["text"], read["state"]) == (OVERRIDE["text"], "approved")


def test_business_rests_on_it_once_it_is_approved(counter: Counter) -> None:
    checks = [counter.review(), counter.refusal()]
    for check in checks:
        entered = enter_override(counter.operator, check)
        assert report_business(counter.terminal, verification=check)["omission"] == "check_not_passed"
        decide_override(counter.supervisor, entered)
        assert report_business(counter.terminal, verification=check)["omission"] is None
        assert report_business(counter.terminal, verification=check)["omission"] == "check_used"


def test_an_approval_after_the_business_is_too_late(counter: Counter, service: Service) -> None:
    check = counter.review()
    with decided_earlier(service, check, 1200):
        decide_override(counter.supervisor, enter_override(counter.operator, check))
        late = report_business(counter.terminal, verification=check, done_at=ago(900))
    assert late["omission"] == "override_too_late"


def test_nobody_approves_what_they_entered(counter: Counter, service: Service) -> None:
    entered = enter_override(counter.supervisor, counter.review())
    assert_error(approving(counter.supervisor, entered), 409, "second_person_needed")
    assert_error(approving(counter.operator, entered), 403, "role_not_allowed")
    own = update(overrides).where(overrides.c.id == UUID(entered))
    with pytest.raises(exc.IntegrityError), service.database.begin() as connection:
        connection.execute(own.values(state="approved", decided_by=overrides.c.entered_by))


@pytest.mark.parametrize("event", ["reported_lost", "reported_stolen", "holder_deceased", "cancelled"])
def test_a_card_that_was_taken_out_of_use(counter: Counter, event: str) -> None:
    """Whether the check found it so, or the report came between any two of the steps."""
    early, entered = counter.review(), enter_override(counter.operator, counter.review())
    report(counter.authority, counter.card_id, event)
    found = counter.refusal()
    for check in (early, found):
        assert_error(entering(counter.operator, check), 409, "override_not_possible")
        assert report_business(counter.terminal, verification=check)["omission"] == "check_not_passed"
    assert_error(approving(counter.supervisor, entered), 409, "override_not_possible")
    assert decide_override(counter.supervisor, entered, "refuse")["state"] == "refused"


def test_an_expired_card_is_its_holders_still(counter: Counter) -> None:
    _, card = register(counter.authority, {**counter.card, "valid_to": "2020-03-01"})
    decided = verify(counter.terminal, card)
    assert (decided["decision"], decided["document"]["status"]) == ("REFUSE", "card_expired")
    decide_override(counter.supervisor, enter_override(counter.operator, decided["id"]))


def test_what_cannot_be_overridden(counter: Counter, service: Service) -> None:
    passed = verify(counter.terminal, counter.card)["id"]
    assert_error(entering(counter.operator, passed), 409, "override_not_needed")
    check = counter.review()
    first = enter_override(counter.operator, check)
    assert_error(entering(counter.supervisor, check), 409, "override_exists")
    decide_override(counter.supervisor, first, "refuse")
    second = enter_override(counter.operator, check)
    with decided_earlier(service, check, OVERRIDE_WINDOW_S + 1):
        assert_error(approving(counter.supervisor, second), 409, "override_too_late")
        decide_override(counter.supervisor, second, "refuse")
        assert_error(entering(counter.operator, check), 409, "override_too_late")
    for what in ("approve", "refuse"):
        assert_error(approving(counter.supervisor, second, what), 409, "override_state")


@pytest.mark.parametrize("words", ["110105194912310021", "一二\n三"])
def test_texts_that_are_not_kept(counter: Counter, words: str) -> None:
    body = {**OVERRIDE, "text": words}
    assert_error(entering(counter.operator, counter.review(), body), 422, "explanation_invalid")


def test_the_same_request_is_done_once(counter: Counter) -> None:
    check, key = counter.review(), fresh_key()
    path = f"/v1/verifications/{check}/override"
    first, again = (counter.operator.post(path, json=OVERRIDE, headers=key) for _ in range(2))
    assert first.json() == again.json()


def test_two_who_enter_and_two_who_approve_at_once(counter: Counter, new_client: NewClient) -> None:
    check = counter.review()
    with ThreadPoolExecutor(2) as pool:
        people = (counter.operator, counter.supervisor)
        answers = list(pool.map(lambda client: entering(client, check), people))
    assert sorted(one.status_code for one in answers) == [201, 409]
    entered = enter_override(counter.operator, counter.review())
    with ThreadPoolExecutor(2) as pool:
        decided = list(pool.map(lambda what: approving(counter.supervisor, entered, what), ("approve", "refuse")))
    assert sorted(one.status_code for one in decided) == [200, 409]


def test_the_text_stands_nowhere_in_the_clear(counter: Counter, service: Service) -> None:
    entered = enter_override(counter.operator, counter.review(), text="WORDS-OF-RECOGNITION")
    with service.database.begin() as connection:
        kept = connection.execute(select(tables.idempotency.c.answer)).scalars().all()
        leaves = connection.execute(select(tables.evidence_texts.c.leaf)).scalars().all()
        acted = connection.execute(select(tables.acts.c.details)).scalars().all()
        row = connection.execute(select(overrides).where(overrides.c.id == UUID(entered))).one()
    assert "RECOGNITION" not in f"{kept}{leaves}{acted}"
    assert b"RECOGNITION" not in row.text_sealed


def test_lists_by_state_and_decision(counter: Counter) -> None:
    checks = [counter.review() for _ in range(3)]
    entered = [enter_override(counter.operator, check) for check in checks]
    decide_override(counter.supervisor, entered[0])

    def listed(**asked: Any) -> list[str]:
        return [one["id"] for one in counter.operator.get("/v1/overrides", params=asked).json()["items"]]

    assert listed() == entered[::-1]
    assert listed(state="approved") == [entered[0]]
    assert listed(verification=checks[1]) == [entered[1]]
    assert listed(limit=2) == entered[:0:-1]
    assert listed(after=entered[1]) == [entered[0]]
