"""Holders: told what checks were made of them, and nothing of others; what they dispute is resolved by who checked."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from api.accountability.parameters import IDENTIFIED_S
from api.institutions.roles import Role
from api.service import Service
from api.storage import tables
from api.storage.tables import check_disputes
from tests.api.accountability.business import RESOLUTION, decided_earlier, open_dispute, resolve_dispute
from tests.api.bodies import Json, fresh_key, register, report, verify
from tests.api.conftest import NewClient
from tests.api.http.answers import assert_error


@dataclass
class Town:
    """Two banks and a card; the holder stands at the counter of the first."""

    mark: str
    authority: TestClient
    here: TestClient
    there: TestClient
    card: Json
    card_id: str

    def standing(self) -> str:
        decided = verify(self.here, self.card)
        assert decided["decision"] == "PASS"
        return str(decided["id"])


@pytest.fixture
def town(new_client: NewClient) -> Town:
    mark = str(uuid4())
    authority = new_client(Role.AUTHORITY)
    card_id, card = register(authority)
    here, there = (new_client(Role.TERMINAL, f"{name} {mark}") for name in ("here", "there"))
    return Town(mark, authority, here, there, card, card_id)


def asking(terminal: TestClient, verification: str, **more: Any) -> Any:
    return terminal.post("/v1/holders/history", json={"verification": verification, **more})


def told(terminal: TestClient, verification: str, **more: Any) -> Json:
    answer = asking(terminal, verification, **more)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def test_a_holder_is_told_of_every_check_of_the_number(town: Town) -> None:
    elsewhere = verify(town.there, town.card, face="maybe:a", purpose="loan")["id"]
    asked = town.there.post("/v1/checks", json={"number": town.card["number"], "purpose": "kyc"}, headers=fresh_key())
    renewed = {**town.card, "valid_from": "2026-01-01"}
    register(town.authority, renewed)
    on_another_card = verify(town.here, renewed, channel="kiosk")["id"]
    verify(town.here, register(town.authority)[1])
    mine = town.standing()
    found = told(town.here, mine)
    assert [one["id"] for one in found["items"]] == [mine, on_another_card, asked.json()["id"], elsewhere]
    first, second, question, last = found["items"]
    assert (first["decision"], first["purpose"], first["institution"]) == ("PASS", "test", f"here {town.mark}")
    assert (second["channel"], second["decision"]) == ("kiosk", "REVIEW")
    assert (question["kind"], question["purpose"], question["decision"]) == ("register_question", "kyc", None)
    assert (last["decision"], last["purpose"], last["institution"]) == ("REVIEW", "loan", None), "theirs to tell"
    assert {one["institution_kind"] for one in found["items"]} == {"institution"}
    assert not {"person", "fmr", "llr", "terminal_id", "operator_id"} & set(first)


def test_the_authoritys_own_counter_is_called_one(town: Town, new_client: NewClient) -> None:
    new_client(Role.AUTHORITY, f"there {town.mark}")
    verify(town.there, town.card)
    mine = town.standing()
    assert [one["institution_kind"] for one in told(town.here, mine)["items"]] == ["institution", "issuing_authority"]


def test_telling_is_an_act_each_time_and_kept_nowhere(town: Town, service: Service) -> None:
    mine = town.standing()
    receipts = [told(town.here, mine)["receipt"] for _ in range(2)]
    leaves = [json.loads(one["leaf"]) for one in receipts]
    assert [(leaf["act"], leaf["subject"], leaf["details"]) for leaf in leaves] == [
        ("history_told", mine, {"told": 1})
    ] * 2
    assert leaves[0]["id"] != leaves[1]["id"]
    with service.database.begin() as connection:
        kept = connection.execute(select(tables.idempotency.c.answer)).scalars().all()
    assert receipts[0]["leaf_hash"] not in str(kept)


def test_pages(town: Town) -> None:
    checks = [verify(town.there, town.card)["id"] for _ in range(4)]
    mine = town.standing()
    first = told(town.here, mine, limit=2)
    second = told(town.here, mine, limit=2, after=first["next"])
    third = told(town.here, mine, limit=2, after=second["next"])
    assert [one["id"] for page in (first, second, third) for one in page["items"]] == [mine, *checks[::-1]]
    assert third["next"] is None
    others = verify(town.here, register(town.authority)[1])["id"]
    assert told(town.here, mine, after=others)["items"] == [], "another number's place in time tells nothing"


def test_only_who_stands_here_is_told(town: Town, service: Service) -> None:
    assert_error(asking(town.here, verify(town.there, town.card)["id"]), 404, "not_found")
    assert_error(asking(town.here, str(uuid4())), 404, "not_found")
    for face in ("maybe:a", "person:b"):
        doubtful = verify(town.here, town.card, face=face)["id"]
        assert_error(asking(town.here, doubtful), 409, "holder_not_identified")
        body = {"verification": doubtful, "check": doubtful, "reason": "not_me"}
        assert_error(town.here.post("/v1/holders/disputes", json=body), 409, "holder_not_identified")
    mine = town.standing()
    with decided_earlier(service, mine, IDENTIFIED_S + 1):
        assert_error(asking(town.here, mine), 409, "holder_not_identified")


def test_a_dispute_from_its_opening_to_its_end(town: Town, new_client: NewClient) -> None:
    elsewhere = verify(town.there, town.card, face="person:b")["id"]
    mine = town.standing()
    opened = open_dispute(town.here, mine, elsewhere, text="Abroad on that day.")
    assert (opened["state"], opened["verification_id"]) == ("open", elsewhere)
    assert not {"institution_id", "terminal_id"} & set(opened), "whose check it was is not this counter's affair"
    assert json.loads(opened["receipt"]["leaf"])["act"] == "check_disputed"
    assert [one["dispute"] for one in told(town.here, mine)["items"]] == [None, "open"]
    supervisor = new_client(Role.SUPERVISOR, f"there {town.mark}")
    (listed,) = supervisor.get("/v1/disputes", params={"state": "open"}).json()["items"]
    assert (listed["id"], listed["text"], listed["reason"]) == (opened["id"], "Abroad on that day.", "not_me")
    done = resolve_dispute(supervisor, opened["id"])
    assert (done["state"], done["resolved_by"]) == ("upheld", supervisor.get("/v1/me").json()["id"])
    assert json.loads(done["receipt"]["leaf"])["act"] == "check_dispute_upheld"
    read = supervisor.get(f"/v1/disputes/{opened['id']}").json()
    assert (read["note"], read["state"]) == (RESOLUTION["note"], "upheld")
    assert [one["dispute"] for one in told(town.here, mine)["items"]] == [None, "upheld"]
    assert supervisor.get(f"/v1/verifications/{elsewhere}").json()["decision"] == "REFUSE"


def test_what_cannot_be_disputed_or_resolved(town: Town, new_client: NewClient) -> None:
    mine = town.standing()
    for other in (verify(town.here, register(town.authority)[1])["id"], str(uuid4())):
        body = {"verification": mine, "check": other, "reason": "other"}
        assert_error(town.here.post("/v1/holders/disputes", json=body), 404, "not_found")
    opened = open_dispute(town.here, mine, mine)
    again = {"verification": mine, "check": mine, "reason": "other"}
    assert_error(town.here.post("/v1/holders/disputes", json=again), 409, "dispute_open")
    supervisor = new_client(Role.SUPERVISOR, f"here {town.mark}")
    resolve_dispute(supervisor, opened["id"], outcome="rejected")
    path = f"/v1/disputes/{opened['id']}/resolve"
    assert_error(supervisor.post(path, json=RESOLUTION), 409, "dispute_resolved")
    open_dispute(town.here, mine, mine)


def test_disputes_are_told_to_who_checked(town: Town, new_client: NewClient) -> None:
    opened = open_dispute(town.here, town.standing(), verify(town.there, town.card)["id"])
    here, there = (new_client(Role.SUPERVISOR, f"{name} {town.mark}") for name in ("here", "there"))
    assert_error(here.get(f"/v1/disputes/{opened['id']}"), 404, "not_found")
    assert there.get(f"/v1/disputes/{opened['id']}").status_code == 200


def test_what_was_written_stands_nowhere_in_the_clear(town: Town, service: Service, new_client: NewClient) -> None:
    mine = town.standing()
    opened = open_dispute(town.here, mine, mine, text="WORDS-OF-A-HOLDER")
    resolve_dispute(new_client(Role.SUPERVISOR, f"here {town.mark}"), opened["id"], note="WORDS-OF-A-SUPERVISOR")
    with service.database.begin() as connection:
        kept = connection.execute(select(tables.idempotency.c.answer)).scalars().all()
        leaves = connection.execute(select(tables.evidence_texts.c.leaf)).scalars().all()
        row = connection.execute(select(check_disputes).where(check_disputes.c.id == UUID(opened["id"]))).one()
    assert "WORDS-OF" not in f"{kept}{leaves}"
    assert b"WORDS-OF" not in row.text_sealed + row.note_sealed


def test_a_card_that_was_lost_since_still_has_its_history(town: Town) -> None:
    mine = town.standing()
    report(town.authority, town.card_id, "reported_lost")
    assert len(told(town.here, mine)["items"]) == 1
