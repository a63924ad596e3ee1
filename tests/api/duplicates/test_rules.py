"""How cases are decided: two persons to accuse, one to clear; what was looked at, and nothing else; who sees what."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import exc, select, text

from api.institutions import principals
from api.institutions.roles import Role, Scope
from api.storage import tables
from tests.api.bodies import Json, fresh_key
from tests.api.duplicates.conftest import County, somebody
from tests.api.duplicates.filed import file_case
from tests.api.http.answers import assert_error


def filed(county: County, *institutions: str) -> Json:
    """A case of two cards, without a search."""
    first, second = (county.card(somebody(), where) for where in institutions or (county.mark, county.mark))
    made = file_case(county.service, county.key(institutions[0] if institutions else None), first, second)
    return read(county.new(institutions[0] if institutions else None), made)


def read(client: Any, case_id: str) -> Json:
    answer = client.get(f"/v1/duplicates/{case_id}")
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def ask(client: Any, case: Json, outcome: str, key: Any = None, **changes: Any) -> Any:
    body = {"outcome": outcome, "reason": "looked into", "revision": case["revision"], **changes}
    return client.post(f"/v1/duplicates/{case['id']}/decide", json=body, headers=key or fresh_key())


def test_two_persons_confirm(county: County) -> None:
    case = filed(county)
    first, second = county.new(), county.new()
    who = [client.get("/v1/me").json()["id"] for client in (first, second)]
    proposed = ask(first, case, "confirmed").json()
    assert (proposed["state"], proposed["proposed_by"], proposed["revision"]) == ("proposed", who[0], 2)
    assert_error(ask(first, proposed, "confirmed"), 409, "second_person_needed")
    confirmed = ask(second, proposed, "confirmed", reason="the same scar").json()
    assert (confirmed["state"], confirmed["proposed_by"], confirmed["decided_by"]) == ("confirmed", *who)
    assert confirmed["receipt"]["leaf"].count("duplicate_confirmed") == 1
    assert "scar" not in confirmed["receipt"]["leaf"]
    now = read(first, case["id"])
    assert (now["reason"], {one["same"] for one in now["members"]}) == ("the same scar", {True})
    assert [act for act, _ in county.acts(case["id"])] == [
        "duplicate_case", "duplicate_proposed", "duplicate_confirmed",
    ]  # fmt: skip


def test_nobody_confirms_what_they_proposed_past_the_rules(county: County) -> None:
    case = filed(county)
    ask(county.new(), case, "confirmed")
    alone = text("UPDATE duplicate_cases SET state = 'confirmed', decided_by = proposed_by WHERE id = :id")
    with pytest.raises(exc.IntegrityError), county.service.database.begin() as connection:
        connection.execute(alone, {"id": UUID(case["id"])})


def test_one_person_rejects_and_takes_back(county: County) -> None:
    case, client = filed(county), county.new()
    rejected = ask(client, case, "rejected").json()
    assert (rejected["state"], {one["same"] for one in read(client, case["id"])["members"]}) == ("rejected", {False})
    assert_error(ask(client, rejected, "confirmed"), 409, "duplicate_state")
    assert_error(ask(client, rejected, "rejected"), 409, "duplicate_state")
    again = ask(client, rejected, "open").json()
    assert (again["state"], {one["same"] for one in read(client, case["id"])["members"]}) == ("open", {None})
    assert_error(ask(client, again, "open"), 409, "duplicate_state")
    proposed = ask(client, again, "confirmed").json()
    assert ask(county.new(), proposed, "rejected").json()["state"] == "rejected", "who disagrees ends a proposal"


def test_who_names_others_proposes_anew(county: County) -> None:
    """A second person who takes others for one does not confirm what the first one said."""
    face, first, second = county.twice()
    third = county.card(face)
    county.search()
    case = county.case(first)
    of = {card: who["id"] for who in case["members"] for card in who["cards"]}
    everybody = ask(county.new(), case, "confirmed").json()
    two = [of[first], of[second]]
    client = county.new()
    other = ask(client, everybody, "confirmed", members=two).json()
    assert (other["state"], other["proposed_by"]) == ("proposed", client.get("/v1/me").json()["id"])
    done = ask(county.new(), other, "confirmed").json()
    assert done["state"] == "confirmed"
    same = {who["id"]: who["same"] for who in read(client, case["id"])["members"]}
    assert same == {of[first]: True, of[second]: True, of[third]: False}


def test_members_that_do_not_go_with_the_decision(county: County) -> None:
    case, client = filed(county), county.new()
    own = [one["id"] for one in case["members"]]
    for outcome, members in (("confirmed", [own[0], str(uuid4())]), ("confirmed", [own[0]] * 2), ("rejected", own)):
        assert_error(ask(client, case, outcome, members=members), 422, "duplicate_members_unknown")
    assert read(client, case["id"])["state"] == "open"


def test_a_case_that_changed_is_not_decided_unseen(county: County) -> None:
    case = filed(county)
    assert ask(county.new(), case, "rejected").status_code == 200
    assert_error(ask(county.new(), case, "open"), 409, "duplicate_changed")


def test_the_same_request_is_done_once_and_late_copies_do_nothing(county: County) -> None:
    case, client, key = filed(county), county.new(), fresh_key()
    with ThreadPoolExecutor(2) as pool:
        once, again = pool.map(lambda _: ask(client, case, "rejected", key).json(), range(2))
    # The receipt of the second may have its proof by then.
    assert once["receipt"]["leaf"] == again["receipt"]["leaf"]
    assert [act for act, _ in county.acts(case["id"])] == ["duplicate_case", "duplicate_rejected"]
    assert ask(client, once, "open").json()["state"] == "open"
    with county.service.database.begin() as connection:
        # As after some days.
        connection.execute(text("DELETE FROM idempotency WHERE key = :key"), {"key": key["Idempotency-Key"]})
    assert_error(ask(client, case, "rejected", key), 409, "duplicate_changed")


def test_two_who_decide_at_once(county: County) -> None:
    case = filed(county)
    clients = [county.new(), county.new()]
    with ThreadPoolExecutor(2) as pool:
        codes = [one.status_code for one in pool.map(lambda client: ask(client, case, "confirmed"), clients)]
    assert sorted(codes) == [200, 409]


def test_both_bureaus_see_a_case_each_with_its_own_cards(county: County) -> None:
    beside = f"{county.mark} beside"
    _, mine, theirs = county.twice(county.mark, beside)
    county.search("Q-9")
    here = county.case(mine)
    there = county.case(theirs) if county.cases(theirs) else None
    assert there is None, "a card that others registered is named to nobody else"
    (there,) = county.cases(theirs, client=county.new(beside))
    assert there["id"] == here["id"]
    assert sorted(len(who["cards"]) for who in here["members"]) == [0, 1]
    assert {len(who["institutions"]) for who in here["members"]} == {1}
    assert here["found_in"]["case_reference"] == "Q-9"
    assert there["found_in"]["case_reference"] is None, "of whose files it is"
    stranger = county.new("a third bureau")
    assert_error(stranger.get(f"/v1/duplicates/{here['id']}"), 404, "not_found")
    assert_error(ask(stranger, here, "rejected"), 404, "not_found")
    assert county.cases(mine, theirs, client=stranger) == []
    proposed = ask(county.new(), here, "confirmed").json()
    assert ask(county.new(beside), proposed, "confirmed").json()["state"] == "confirmed"


def test_rights_are_apart(county: County) -> None:
    case = filed(county)
    with county.service.database.begin() as connection:
        keys = {
            scope: principals.add(
                connection, county.service.keys, county.mark, scope.value, Role.AUTHORITY, scopes=[scope]
            ).key
            for scope in (Scope.READ_DUPLICATES, Scope.DECIDE_DUPLICATES, Scope.SEARCH_DUPLICATES)
        }
    reader, decider, searcher = (county.at(key) for key in keys.values())
    shown = read(reader, case["id"])
    assert shown["found_in"]["case_reference"] is None, "which is a right of its own"
    assert_error(ask(reader, case, "rejected"), 403, "role_not_allowed")
    for client in (decider, searcher):
        assert_error(client.get(f"/v1/duplicates/{case['id']}"), 403, "role_not_allowed")
    assert ask(decider, case, "rejected").json()["state"] == "rejected"


def test_the_list_is_ranked_and_filtered(county: County) -> None:
    strong = county.twice(right_index="person:x", left_index="person:y")[1]
    weak = county.twice()[1]
    county.search()
    found = county.cases(strong, weak)
    assert [one["llr"] for one in found] == sorted((one["llr"] for one in found), reverse=True)
    assert found[0]["id"] == county.case(strong)["id"]
    assert ask(county.new(), found[1], "rejected").status_code == 200
    assert [one["id"] for one in county.cases(strong, weak, state="rejected")] == [found[1]["id"]]
    assert county.cases(strong, weak, kind="kin_or_twins") == []


def test_a_revoked_key_decides_nothing(county: County) -> None:
    case, key = filed(county), county.key()
    client = county.at(key)
    with county.service.database.begin() as connection:
        caller = principals.authenticate(connection, key)
        assert caller is not None
        principals.end(connection, county.service.keys, caller.principal_id, actor_id=None)
    assert_error(ask(client, case, "rejected"), 401, "key_invalid")


def test_no_card_changes_by_a_decision(county: County) -> None:
    face, first, second = county.twice()
    del face
    county.search()
    with county.service.database.begin() as connection:
        statement = select(tables.cards).where(tables.cards.c.id.in_([UUID(first), UUID(second)]))
        before = connection.execute(statement).all()
    proposed = ask(county.new(), county.case(first), "confirmed").json()
    ask(county.new(), proposed, "confirmed")
    with county.service.database.begin() as connection:
        assert connection.execute(statement).all() == before
