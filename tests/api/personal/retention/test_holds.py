"""Legal holds: put on by one, lifted by two; what they keep is neither removed nor erased, and that is said."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.institutions.roles import Role
from api.personal.holds.conditions import removing
from api.personal.retention import enforcing, runs
from api.personal.retention.checking import look
from api.personal.retention.kinds import NAMED
from tests.api.bodies import fresh_key, register, report, verify
from tests.api.conftest import NewClient
from tests.api.http.answers import assert_error
from tests.api.personal.retention.conftest import Town
from tests.api.personal.retention.test_enforcing import DECISIONS, TEMPLATES, held

# Of this database, and none other's.
WAITING = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
GROUND = {"ground": "consent_withdrawn"}


def place(client: TestClient, subject: str, subject_id: str) -> str:
    body = {"subject": subject, "subject_id": subject_id, "ground": "litigation", "reference": "(2026) 17"}
    answer = client.post("/v1/holds", json=body, headers=fresh_key())
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def lift(client: TestClient, hold_id: str) -> str:
    answer = client.post(f"/v1/holds/{hold_id}/lift", json={}, headers=fresh_key())
    assert answer.status_code == 200, answer.text
    return str(answer.json()["state"])


def test_a_person_is_neither_removed_nor_erased(town: Town, new_client: NewClient) -> None:
    card_id, _ = register(town.authority)
    other_id, _ = register(town.authority)
    hold_id = place(town.authority, "person", card_id)
    for one in (card_id, other_id):
        report(town.authority, one, "cancelled")
    key = fresh_key()
    refused = town.authority.post(f"/v1/cards/{card_id}/erasure", json=GROUND, headers=key)
    assert_error(refused, 409, "data_held")
    assert "保全" in refused.json()["message"]["zh"]
    assert town.enforce(TEMPLATES + 3)["templates_of_ended_cards"] == 1, "the other's"
    assert [len(held(town, one)) for one in (card_id, other_id)] == [1, 0]
    here = town.service
    with here.database.begin() as connection:
        found = look(connection, here.settings, town.now(TEMPLATES + 3))[0]
    assert (found.kind.name, found.due, found.overdue, found.held) == ("templates_of_ended_cards", 0, 0, 1)
    second = new_client(Role.AUTHORITY, "bureau", here)
    assert lift(second, hold_id) == "lifting"
    assert_error(
        town.authority.post(f"/v1/cards/{card_id}/erasure", json=GROUND, headers=fresh_key()), 409, "data_held"
    )
    again = second.post(f"/v1/holds/{hold_id}/lift", json={}, headers=fresh_key())
    assert_error(again, 409, "second_person_needed")
    assert lift(town.authority, hold_id) == "lifted"
    assert_error(second.post(f"/v1/holds/{hold_id}/lift", json={}, headers=fresh_key()), 409, "hold_lifted")
    late = town.authority.post(f"/v1/cards/{card_id}/erasure", json=GROUND, headers=key)
    assert_error(late, 409, "data_held")
    done = town.authority.post(f"/v1/cards/{card_id}/erasure", json=GROUND, headers=fresh_key())
    assert done.status_code == 201, done.text
    assert town.fsck().findings == []


def bank(town: Town) -> str:
    return str(town.ask("SELECT id FROM institutions WHERE name = 'bank'")[0][0])


def of_person(town: Town, shown: dict[str, Any]) -> tuple[TestClient, str, str]:
    return town.authority, "person", shown["card_id"]


def of_institution(town: Town, _: dict[str, Any]) -> tuple[TestClient, str, str]:
    return town.supervisor, "institution", bank(town)


def of_decision(town: Town, shown: dict[str, Any]) -> tuple[TestClient, str, str]:
    return town.supervisor, "verification", shown["id"]


@pytest.mark.parametrize("on", [of_person, of_institution, of_decision])
def test_a_decision_is_kept_whole(
    town: Town, on: Callable[[Town, dict[str, Any]], tuple[TestClient, str, str]]
) -> None:
    card_id, card = register(town.authority)
    kept = verify(town.terminal, card)
    other = verify(town.terminal, register(town.authority)[1])
    client, subject, subject_id = on(town, {"id": kept["id"], "card_id": card_id})
    place(client, subject, subject_id)
    removed = town.enforce(DECISIONS + 1).get("verifications", 0)
    answers = [town.terminal.get(f"/v1/verifications/{one['id']}").status_code for one in (kept, other)]
    everything = subject == "institution"
    assert (removed, answers) == ((0, [200, 200]) if everything else (1, [200, 410]))
    assert town.fsck().findings == []


def test_whom_one_may_hold(town: Town, new_client: NewClient) -> None:
    card_id, card = register(town.authority)
    decided = verify(town.terminal, card)["id"]
    here = town.service
    house = bank(town)
    stranger, auditor = new_client(Role.AUTHORITY, None, here), new_client(Role.REGULATOR, None, here)
    for client, subject, subject_id in (
        (stranger, "person", card_id),
        (town.supervisor, "person", card_id),
        (auditor, "person", card_id),
        (stranger, "institution", house),
        (stranger, "verification", decided),
        (stranger, "impostor", card_id),
        (stranger, "duplicate", card_id),
    ):
        body = {"subject": subject, "subject_id": subject_id, "ground": "audit", "reference": "17"}
        assert_error(client.post("/v1/holds", json=body, headers=fresh_key()), 404, "not_found")
    place(auditor, "verification", decided)
    hold_id = place(auditor, "institution", house)
    # What an auditor holds the bank does not lift, nor see.
    assert_error(town.supervisor.get(f"/v1/holds/{hold_id}"), 404, "not_found")
    assert town.supervisor.get("/v1/holds").json()["items"] == []
    shown = auditor.get(f"/v1/holds/{hold_id}").json()
    assert (shown["reference"], shown["state"], shown["ground"]) == ("(2026) 17", "standing", "litigation")
    numbered = {"subject": "institution", "subject_id": house, "ground": "audit", "reference": "11010519491231002X"}
    refused = auditor.post("/v1/holds", json=numbered, headers=fresh_key())
    assert (refused.status_code, refused.json()["details"][0]["code"]) == (422, "explanation_invalid")


def test_a_hold_that_is_lifted_in_the_database_is_damage(town: Town) -> None:
    hold_id = place(town.supervisor, "institution", bank(town))
    assert town.fsck().findings == []
    town.ask("UPDATE holds SET ground = ground, state = 'lifting', lifting_by = placed_by")
    assert [one for one in town.fsck().findings if "legal holds that are not as the acts say" in one and hold_id in one]
    town.ask("DELETE FROM holds")
    assert [one for one in town.fsck().findings if "legal holds that are not as the acts say" in one and hold_id in one]


@pytest.mark.parametrize("who", [of_person, of_institution])
def test_no_hold_is_answered_while_something_is_removed_that_it_would_keep(
    town: Town, who: Callable[[Town, dict[str, Any]], tuple[TestClient, str, str]]
) -> None:
    card_id, card = register(town.authority)
    client, subject, subject_id = who(town, {"card_id": card_id, **verify(town.terminal, card)})
    here = town.service
    with ThreadPoolExecutor(1) as pool:
        with here.database.begin() as connection:
            run = runs.begin(connection, here.keys, here.settings, town.now(DECISIONS + 1))
            assert enforcing.remove(connection, run, NAMED["verifications"]) == 1
            placing = pool.submit(place, client, subject, subject_id)
            # Until it waits, or has gone through where it should not.
            while not (placing.done() or town.ask(WAITING)[0][0]):
                time.sleep(0.01)
            assert not placing.done(), "it says that nothing is removed any more"
        assert placing.result()
    assert town.fsck().findings == []


def test_who_erases_and_who_holds_go_one_after_the_other(town: Town) -> None:
    card_id, _ = register(town.authority)
    here = town.service
    with ThreadPoolExecutor(1) as pool:
        with here.database.begin() as connection:
            removing(connection)
            placing = pool.submit(place, town.authority, "person", card_id)
            while not (placing.done() or town.ask(WAITING)[0][0]):
                time.sleep(0.01)
            assert not placing.done()
        assert placing.result()
    answer = town.authority.post(f"/v1/cards/{card_id}/erasure", json=GROUND, headers=fresh_key())
    assert_error(answer, 409, "data_held")
