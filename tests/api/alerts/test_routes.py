"""Alerts: who is told, who sees them, what closing does."""

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from api.institutions.roles import Role
from api.service import Service
from api.storage import tables
from tests.api.bodies import Json, fresh_key, register, report, verify
from tests.api.http.answers import assert_error
from tests.api.institutions.conftest import ids, me
from tests.api.verification.guessers import MOST, Town, is_withheld, settle, watchful

NOTE = {"note": "The holder was asked by telephone."}


@pytest.fixture
def town(service: Service) -> Town:
    return settle(watchful(service), secrets.token_hex(8))


def alerts(client: TestClient, **filters: Any) -> list[Json]:
    answer = client.get("/v1/alerts", params=filters)
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


def close(client: TestClient, alert_id: str, key: dict[str, str] | None = None) -> Any:
    return client.post(f"/v1/alerts/{alert_id}/close", json=NOTE, headers=key or fresh_key())


def test_everybody_who_took_part_is_told_and_the_authority(town: Town) -> None:
    """Each of its own terminals' verifications, and only the authority of the card."""
    first, second = secrets.token_hex(8), secrets.token_hex(8)
    seen = {bank: [verify(town.client(institution=bank), town.card, face="person:b")["id"]] for bank in (first, second)}
    seen[first].append(verify(town.client(institution=first), town.card, face="maybe:a")["id"])
    for bank, verifications in seen.items():
        (alert,) = alerts(town.client(Role.SUPERVISOR, bank))
        assert (alert["kind"], alert["card_id"], alert["closed_at"]) == ("card_guessing", None, None)
        assert alert["details"]["verifications"] == verifications
        assert alert["details"]["failures"] == MOST
    (alert,) = alerts(town.authority)
    assert (alert["card_id"], alert["details"]["verifications"]) == (town.card_id, [])
    known = town.authority.get(f"/v1/cards/{town.card_id}").json()
    assert alert["details"]["locked_until"] == known["checks_locked_until"].replace("Z", "+00:00")


def test_every_authority_of_the_number_is_told_of_its_own_card(town: Town) -> None:
    other = town.client(Role.AUTHORITY)
    other_id, _ = register(other, {**town.card, "issuer": "上海市公安局"})
    town.guess()
    assert [alert["card_id"] for alert in alerts(town.authority)] == [town.card_id]
    assert [alert["card_id"] for alert in alerts(other)] == [other_id]


def test_an_alert_is_seen_by_its_institution_and_those_above(town: Town) -> None:
    bank = secrets.token_hex(8)
    branch = f"{bank}/{secrets.token_hex(8)}"
    for _ in range(MOST):
        verify(town.client(institution=branch), town.card, face="person:b")
    (alert,) = alerts(town.client(Role.SUPERVISOR, branch))
    assert [one["id"] for one in alerts(town.client(Role.SUPERVISOR, bank))] == [alert["id"]]
    place = f"/v1/alerts/{alert['id']}"
    assert town.client(Role.SUPERVISOR, bank).get(place).json() == alert
    sister = f"{bank}/{secrets.token_hex(8)}"
    for stranger in (town.client(Role.SUPERVISOR, sister), town.client(Role.SUPERVISOR), town.authority):
        assert alert["id"] not in [one["id"] for one in alerts(stranger)]
        assert_error(stranger.get(place), 404, "not_found")
        assert_error(close(stranger, alert["id"]), 404, "not_found")
    for role in (Role.TERMINAL, Role.OPERATOR, Role.REGULATOR, Role.EVALUATOR, Role.ADMINISTRATOR):
        assert_error(town.client(role, branch).get("/v1/alerts"), 403, "role_not_allowed")


def test_the_authority_ends_the_lock(town: Town) -> None:
    town.guess()
    (alert,) = alerts(town.authority)
    answer = close(town.authority, alert["id"])
    assert answer.status_code == 200
    closed = answer.json()
    assert (closed["lock_released"], closed["note"]) == (True, NOTE["note"])
    assert closed["closed_by"] == me(town.authority)["id"]
    assert verify(town.client(), town.card)["decision"] == "PASS"
    town.guess(MOST - 1)
    assert verify(town.client(), town.card)["decision"] == "PASS", "failures count anew"
    assert town.authority.get(f"/v1/cards/{town.card_id}").json()["checks_locked_until"] is None


def test_closing_is_an_act_with_its_evidence(town: Town, service: Service) -> None:
    town.guess()
    (alert,) = alerts(town.authority)
    closed = close(town.authority, alert["id"]).json()
    leaf = json.loads(closed["receipt"]["leaf"])
    assert (leaf["act"], leaf["subject"], leaf["actor"]) == ("alert_closed", alert["id"], closed["closed_by"])
    assert leaf["details"] == {"lock_released": True}
    assert NOTE["note"] not in closed["receipt"]["leaf"]
    with service.database.begin() as connection:
        kept = select(tables.evidence_texts.c.seq).where(tables.evidence_texts.c.leaf == closed["receipt"]["leaf"])
        assert connection.execute(kept).first() is not None


def test_a_supervisor_ends_no_lock(town: Town) -> None:
    bank = secrets.token_hex(8)
    for _ in range(MOST):
        verify(town.client(institution=bank), town.card, face="person:b")
    supervisor = town.client(Role.SUPERVISOR, bank)
    closed = close(supervisor, alerts(supervisor)[0]["id"]).json()
    assert closed["lock_released"] is False
    assert is_withheld(verify(town.client(), town.card))


def test_an_old_alert_ends_no_later_lock(service: Service) -> None:
    town = settle(watchful(service, lock_s=1))
    town.guess()
    (old,) = alerts(town.authority)
    with service.database.begin() as connection:
        number = select(tables.cards.c.number_index).where(tables.cards.c.id == UUID(town.card_id)).scalar_subquery()
        # Not all of them: `fsck` has to find every other lock as its act says.
        ended = tables.card_locks.update().where(tables.card_locks.c.number_index == number)
        connection.execute(ended.values(until=tables.card_locks.c.locked_at))
    object.__setattr__(town.service, "policy", watchful(service).policy)
    town.guess()
    assert close(town.authority, old["id"]).json()["lock_released"] is False
    assert is_withheld(verify(town.client(), town.card))
    (newer, _) = alerts(town.authority)
    assert close(town.authority, newer["id"]).json()["lock_released"] is True


def test_an_alert_is_closed_once(town: Town) -> None:
    town.guess()
    (alert,) = alerts(town.authority)
    key = fresh_key()
    first = close(town.authority, alert["id"], key)
    again = close(town.authority, alert["id"], key).json()
    assert {**again, "receipt": 0} == {**first.json(), "receipt": 0}, "a retry is no second closing"
    assert_error(close(town.authority, alert["id"]), 409, "alert_closed")
    assert alerts(town.authority, open=True) == []
    assert [one["note"] for one in alerts(town.authority, open=False)] == [NOTE["note"]]


def test_of_closings_side_by_side_one_counts(town: Town) -> None:
    town.guess()
    (alert,) = alerts(town.authority)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: close(town.authority, alert["id"]).status_code, range(4)))
    assert sorted(found) == [200, 409, 409, 409]


def test_the_list_goes_page_by_page(town: Town) -> None:
    for _ in range(4):
        _, card = register(town.authority)
        town.guess(card=card)
    whole = [alert["id"] for alert in alerts(town.authority)]
    assert len(whole) == 4
    assert ids(town.authority, "/v1/alerts") == whole
    raised = [alert["raised_at"] for alert in alerts(town.authority)]
    assert raised == sorted(raised, reverse=True)
    assert alerts(town.authority, after=str(uuid4())) == []


@pytest.mark.parametrize("body", [{}, {"note": ""}, {"note": " "}, {"note": "x" * 1001}, {"note": "x", "more": 1}])
def test_a_closing_says_something(town: Town, body: Json) -> None:
    answer = town.authority.post(f"/v1/alerts/{uuid4()}/close", json=body, headers=fresh_key())
    assert_error(answer, 422, "request_invalid")
    assert_error(close(town.authority, str(uuid4())), 404, "not_found")


def test_closing_the_alert_of_a_death_ends_no_lock(town: Town) -> None:
    """It names the same card as the one that told of the guessing, which alone is about the lock."""
    elsewhere = town.client(Role.AUTHORITY)
    other_id, _ = register(elsewhere, {**town.card, "issuer": "上海市公安局"})
    town.guess()
    report(elsewhere, other_id, "holder_deceased")
    death, guessed = alerts(town.authority)
    assert (death["kind"], guessed["kind"]) == ("holder_deceased_elsewhere", "card_guessing")
    assert death["card_id"] == guessed["card_id"] == town.card_id
    assert not close(town.authority, death["id"]).json()["lock_released"]
    assert town.authority.get(f"/v1/cards/{town.card_id}").json()["checks_locked_until"] is not None
    assert close(town.authority, guessed["id"]).json()["lock_released"]


def test_a_note_may_have_lines_and_holds_no_persons_number(town: Town) -> None:
    told = {
        note: town.authority.post(f"/v1/alerts/{uuid4()}/close", json={"note": note}, headers=fresh_key())
        for note in ("it was\n11010519491231002X", "it was\nthe holder")
    }
    numbered, sound = told.values()
    assert_error(numbered, 422, "explanation_invalid")
    assert sound.status_code == 404
