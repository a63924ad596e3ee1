"""The rules of the list: two persons to enter, one to remove; who reaches what; the same request once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import exc, select, update
from starlette.testclient import TestClient

from api.institutions import principals
from api.institutions.roles import Role, Scope
from api.screening import cases
from api.storage import tables
from tests.api.bodies import Json, fresh_key
from tests.api.http.answers import assert_error
from tests.api.screening.conftest import Town
from tests.api.screening.entries import act, in_days, proposal, propose, somebody


def read(client: TestClient, impostor_id: str) -> Json:
    answer = client.get(f"/v1/impostors/{impostor_id}")
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def ask(client: TestClient, impostor_id: str, what: str, body: Json | None = None, key: Any = None) -> Any:
    return client.post(f"/v1/impostors/{impostor_id}/{what}", json=body or {}, headers=key or fresh_key())


def test_an_entry_from_its_proposal_to_its_end(town: Town) -> None:
    first, second = town.new(Role.SUPERVISOR), town.new(Role.SUPERVISOR)
    who = [client.get("/v1/me").json()["id"] for client in (first, second)]
    entry = propose(first, case_reference=" A-17 ", fingers={"right_index": somebody()})
    proposed = read(second, entry)
    assert (proposed["state"], proposed["entered_by"], proposed["approved_by"]) == ("proposed", who[0], None)
    assert (proposed["case_reference"], proposed["ground"]) == ("A-17", "card_of_another")
    assert [(one["modality"], one["position"]) for one in proposed["templates"]] == [
        ("face", None),
        ("finger", "right_index"),
    ]
    done = act(second, entry, "approve")
    assert (done["state"], done["approved_by"], done["sequence"]) == ("approved", who[1], town.sequence)
    assert "A-17" not in str(done), "the answer is kept under its key in the clear"
    numbered = ask(first, entry, "remove", {"reason": "of 110105 19491231 002X"}, fresh_key())
    assert_error(numbered, 422, "explanation_invalid")
    ended = act(first, entry, "remove", {"reason": "the victim was entered"})
    assert (ended["state"], ended["ended_by"], ended["sequence"]) == ("removed", who[0], town.sequence)
    last = read(second, entry)
    assert (last["reason"], last["templates"], last["case_reference"]) == ("the victim was entered", [], "A-17")


def test_nobody_approves_what_they_entered(town: Town) -> None:
    """Not under another key of theirs either, and not past the rules."""
    key = town.key(Role.SUPERVISOR)
    first = town.at(0, key)
    entry = propose(first)
    assert_error(ask(first, entry, "approve"), 409, "second_person_needed")
    rotated = first.post("/v1/me/key", json={}, headers=fresh_key()).json()["key"]
    assert_error(ask(town.at(0, rotated), entry, "approve"), 409, "second_person_needed")
    row = tables.impostors.c
    own = update(tables.impostors).where(row.id == UUID(entry)).values(approved_by=row.entered_by)
    with pytest.raises(exc.IntegrityError), town.service.database.begin() as connection:
        connection.execute(own)
    assert read(first, entry)["state"] == "proposed"


def test_an_act_that_the_state_does_not_allow(town: Town) -> None:
    first, second = town.new(Role.SUPERVISOR), town.new(Role.SUPERVISOR)
    why = {"reason": "a mistake"}
    entry = propose(first)
    assert_error(ask(second, entry, "remove", why), 409, "impostor_state")
    assert_error(ask(second, entry, "review", {"review_on": in_days(5)}), 409, "impostor_state")
    act(second, entry, "approve")
    assert_error(ask(second, entry, "approve"), 409, "impostor_state")
    assert_error(ask(second, entry, "refuse", why), 409, "impostor_state")
    act(second, entry, "remove")
    for what, body in (("approve", {}), ("refuse", why), ("remove", why), ("review", {"review_on": in_days(5)})):
        assert_error(ask(first, entry, what, body), 409, "impostor_state")
    refused = propose(first)
    assert act(first, refused, "refuse")["state"] == "refused", "who entered it takes it back"
    assert_error(ask(second, refused, "approve"), 409, "impostor_state")


def test_the_same_request_is_done_once_and_a_refusal_stays_one(town: Town) -> None:
    first, second = town.new(Role.SUPERVISOR), town.new(Role.SUPERVISOR)
    body, key = proposal(), fresh_key()
    once, again = (first.post("/v1/impostors", json=body, headers=key) for _ in range(2))
    assert once.json() == again.json()
    entry = once.json()["id"]
    early = fresh_key()
    assert_error(ask(second, entry, "remove", {"reason": "a mistake"}, early), 409, "impostor_state")
    approving = fresh_key()
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: ask(second, entry, "approve", key=approving).json(), range(2)))
    assert answers[0] == answers[1]
    before = town.sequence
    assert_error(ask(second, entry, "remove", {"reason": "a mistake"}, early), 409, "impostor_state")
    assert (read(first, entry)["state"], town.sequence) == ("approved", before), "a late copy does nothing"


def test_two_who_approve_at_once(town: Town) -> None:
    for _ in range(5):
        entry = propose(town.new(Role.SUPERVISOR))
        both = [town.new(Role.SUPERVISOR), town.new(Role.AUTHORITY)]
        with ThreadPoolExecutor(2) as pool:
            codes = [one.status_code for one in pool.map(lambda client, e=entry: ask(client, e, "approve"), both)]
        assert sorted(codes) == [200, 409]


@pytest.mark.parametrize(
    ("review_on", "expires_on", "fields"),
    [
        (0, 30, ["review_on"]),
        (-1, 30, ["review_on"]),
        (31, 30, ["review_on"]),
        (1, 1828, ["expires_on"]),
        (0, -1, ["review_on", "expires_on"]),
    ],
)
def test_days_that_are_not_acceptable(town: Town, review_on: int, expires_on: int, fields: list[str]) -> None:
    body = proposal(review_on=in_days(review_on), expires_on=in_days(expires_on))
    answer = town.new(Role.SUPERVISOR).post("/v1/impostors", json=body, headers=fresh_key())
    assert_error(answer, 422, "impostor_dates_invalid")
    assert [one["field"] for one in answer.json()["details"]] == fields


def test_the_longest_and_the_shortest_time(town: Town) -> None:
    propose(town.new(Role.SUPERVISOR), review_on=in_days(1827), expires_on=in_days(1827))
    propose(town.new(Role.SUPERVISOR), review_on=in_days(1), expires_on=in_days(1))


def test_a_review_that_is_due_is_listed_until_somebody_looks(town: Town) -> None:
    supervisor = town.new(Role.SUPERVISOR)
    entry = town.listed(somebody())
    due = {"review_due": True}
    assert supervisor.get("/v1/impostors", params=due).json()["items"] == []
    with town.service.database.begin() as connection:
        mine = tables.impostors.c.id == UUID(entry)
        connection.execute(update(tables.impostors).where(mine).values(review_on=tables.impostors.c.entered_at))
    (one,) = supervisor.get("/v1/impostors", params=due).json()["items"]
    assert (one["id"], one["review_due"], one["state"]) == (entry, True, "approved"), "it is found all the same"
    before = town.sequence
    done = act(supervisor, entry, "review", {"review_on": in_days(60)})
    assert (done["review_on"], done["sequence"], town.sequence) == (in_days(60), None, before)
    assert supervisor.get("/v1/impostors", params=due).json()["items"] == []
    assert_error(ask(supervisor, entry, "review", {"review_on": in_days(366)}), 422, "impostor_dates_invalid")


@pytest.mark.parametrize("reference", ["110105194912310021", "11010519491231002X", "1101 0519 4912 3100 2X", "A\tB"])
def test_a_case_reference_is_no_persons_number(town: Town, reference: str) -> None:
    body = proposal(case_reference=reference)
    answer = town.new(Role.SUPERVISOR).post("/v1/impostors", json=body, headers=fresh_key())
    assert_error(answer, 422, "case_reference_invalid")
    assert reference not in answer.text


@pytest.mark.parametrize("reference", ["A-2026-1187", "京公(朝)刑立字〔2026〕1234号", "2026-11-22/17"])
def test_a_case_reference(reference: str) -> None:
    assert cases.sound(reference)


def test_captures_that_give_no_template_and_none(town: Town) -> None:
    supervisor = town.new(Role.SUPERVISOR)
    answer = supervisor.post("/v1/impostors", json=proposal("low_quality"), headers=fresh_key())
    assert_error(answer, 422, "enrolment_failed")
    assert answer.json()["details"] == [{"field": "face", "code": "low_quality"}]
    body = proposal(fingers={"right_index": somebody()})
    del body["captures"]["face"]
    assert_error(supervisor.post("/v1/impostors", json=body, headers=fresh_key()), 422, "capture_missing")


def test_a_key_without_the_right_to_cases_sees_none(town: Town) -> None:
    entry = propose(town.new(Role.SUPERVISOR), case_reference="A-17")
    with town.service.database.begin() as connection:
        keys = [
            principals.add(connection, town.service.keys, town.mark, name, Role.SUPERVISOR, scopes=[scope]).key
            for name, scope in (("keeper", Scope.MANAGE_IMPOSTORS), ("reader", Scope.READ_CASES))
        ]
    keeper, reader = (town.at(0, key) for key in keys)
    assert (read(keeper, entry)["case_reference"], read(reader, entry)["case_reference"]) == (None, "A-17")
    assert_error(ask(reader, entry, "approve"), 403, "role_not_allowed")
    assert act(keeper, entry, "approve")["state"] == "approved"


def test_a_house_reaches_its_branches_entries_and_an_authority_everybodys(town: Town) -> None:
    branch = town.new(Role.SUPERVISOR, f"{town.mark}/branch")
    entry = propose(branch)
    house, beside = town.new(Role.SUPERVISOR), town.new(Role.SUPERVISOR, "another bank")
    assert read(house, entry)["id"] == entry
    assert_error(beside.get(f"/v1/impostors/{entry}"), 404, "not_found")
    assert_error(ask(beside, entry, "approve"), 404, "not_found")
    assert entry in [one["id"] for one in town.new(Role.AUTHORITY).get("/v1/impostors").json()["items"]]
    of_the_house = propose(house)
    assert_error(branch.get(f"/v1/impostors/{of_the_house}"), 404, "not_found")
    assert act(house, entry, "approve")["state"] == "approved"
    assert [one["id"] for one in house.get("/v1/impostors", params={"state": "approved"}).json()["items"]] == [entry]


def test_a_revoked_supervisor_approves_nothing(town: Town) -> None:
    entry = propose(town.new(Role.SUPERVISOR))
    key = town.key(Role.SUPERVISOR)
    with town.service.database.begin() as connection:
        caller = principals.authenticate(connection, key)
        assert caller is not None
        principals.end(connection, town.service.keys, caller.principal_id, actor_id=None)
    assert_error(ask(town.at(0, key), entry, "approve"), 401, "key_invalid")


def test_the_leaves_hold_ids_and_hashes_only(town: Town) -> None:
    face = somebody()
    entry = town.listed(face, case_reference="A-ZEBRA-17")
    act(town.new(Role.SUPERVISOR), entry, "remove", {"reason": "mistaken for somebody"})
    with town.service.database.begin() as connection:
        made = select(tables.acts.c.id).where(tables.acts.c.subject_id == UUID(entry))
        told = list(
            connection.execute(
                select(tables.evidence_texts.c.leaf)
                .join(tables.evidence, tables.evidence.c.seq == tables.evidence_texts.c.seq)
                .where(tables.evidence.c.subject_id.in_(made))
                .order_by(tables.evidence.c.seq)
            ).scalars()
        )
    assert len(told) == 3
    assert cases.named(town.service.keys, "A-ZEBRA-17") in told[0]
    for secret in ("ZEBRA", "mistaken", face.removeprefix("person:")):
        assert not [leaf for leaf in told if secret in leaf]
