"""Searching again: what was decided is left alone, what is open is brought up to date."""

from uuid import UUID

import pytest

from api.cards import holdings, register, templates
from api.cards.leaves import event_leaf
from api.cards.lifecycle import Event
from api.evidence import leaves
from api.institutions import principals
from api.matching.comparison import EnrolledTemplate
from tests.api.bodies import Json
from tests.api.duplicates.conftest import County, somebody
from tests.api.scripted import ENGINE


def decided(county: County, case: Json, outcome: str, *, by: str | None = None, **more: object) -> Json:
    """Decide a case, which has to succeed."""
    client = county.new() if by is None else county.at(by)
    body = {"outcome": outcome, "reason": "looked into", "revision": case["revision"], **more}
    answer = client.post(f"/v1/duplicates/{case['id']}/decide", json=body)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def pairs_of(case: Json) -> set[frozenset[str]]:
    """The pairs of a case, by the cards of people who have one each."""
    card_of = {who["id"]: who["cards"][0] for who in case["members"]}
    return {frozenset((card_of[pair["first"]], card_of[pair["second"]])) for pair in case["pairs"]}


def re_enrol(county: County, card: str, face: str) -> None:
    """Give a card a new template of a face, as `renzheng cards re-enrol` does."""
    service = county.service
    with service.database.begin() as connection:
        caller = principals.authenticate(connection, county.key())
        assert caller is not None
        recorded = register.report(connection, UUID(card), Event.FACE_RE_ENROLLED, None, caller)
        made = EnrolledTemplate("face", None, ENGINE, face.encode(), 80.0)
        templates.replace_face(connection, service.keys, UUID(card), made)
        recorded = holdings.record(connection, service.keys, recorded)
        leaf = event_leaf(caller, recorded)
        leaves.append(connection, service.keys, "card_event", recorded.id, recorded.recorded_at, leaf)


def test_what_is_open_is_found_again_as_it_was(county: County) -> None:
    _, first, _ = county.twice()
    county.search()
    before = county.case(first)
    county.search()
    after = county.case(first)
    assert after["found_in"]["id"] != before["found_in"]["id"]
    assert {**after, "found_in": None} == {**before, "found_in": None}
    assert [act for act, _ in county.acts(before["id"])] == ["duplicate_case"]


def test_a_rejected_pair_is_not_brought_up_again(county: County) -> None:
    _, first, second = county.twice()
    county.search()
    case = county.case(first)
    decided(county, case, "rejected")
    county.search()
    (still,) = county.cases(first, second)
    assert (still["id"], still["state"]) == (case["id"], "rejected")


def test_other_templates_bring_a_rejected_pair_up_again(county: County) -> None:
    face, first, second = county.twice()
    county.search()
    case = county.case(first)
    decided(county, case, "rejected")
    re_enrol(county, second, face)
    county.search()
    (again,) = county.cases(first, state="open")
    assert (again["earlier_id"], again["revision"]) == (case["id"], 1)
    assert county.case(first, state="rejected")["id"] == case["id"]
    assert county.acts(again["id"])[0][1]["earlier"] == case["id"]
    decided(county, again, "rejected")
    county.search()
    assert county.cases(first, state="open") == []


def test_a_confirmed_pair_stays_confirmed_whatever_the_templates(county: County) -> None:
    face, first, second = county.twice()
    county.search()
    case = decided(county, county.case(first), "confirmed")
    assert case["state"] == "proposed"
    assert decided(county, case, "confirmed")["state"] == "confirmed"
    re_enrol(county, second, face)
    county.search()
    assert county.case(first, second)["state"] == "confirmed"


def test_a_third_identity_changes_an_open_case_and_undoes_a_proposal(county: County) -> None:
    face, first, _ = county.twice()
    county.search()
    case = county.case(first)
    decided(county, case, "confirmed")
    third = county.card(face)
    county.search()
    grown = county.case(first)
    assert grown["id"] == case["id"]
    assert (grown["state"], grown["proposed_by"], grown["revision"]) == ("open", None, 3)
    assert (len(grown["members"]), len(grown["pairs"])) == (3, 3)
    assert {one["id"] for one in case["members"]} < {one["id"] for one in grown["members"]}, (
        "who was there keeps a name"
    )
    assert {one["same"] for one in grown["members"]} == {None}
    assert county.case(third)["id"] == case["id"]
    assert [act for act, _ in county.acts(case["id"])][-1] == "duplicate_case_changed"


def test_who_is_let_go_comes_up_again_with_another(county: County) -> None:
    """Two of three are one person; the third is not, and looks like a fourth."""
    face, first, second = county.twice()
    third = county.card(face)
    county.search()
    case = county.case(first)
    same = [who["id"] for who in case["members"] if {first, second} & set(who["cards"])]
    proposed = decided(county, case, "confirmed", members=same)
    assert {who["id"]: who["same"] for who in county.case(first)["members"]} == {
        who["id"]: who["id"] in same for who in case["members"]
    }
    assert decided(county, proposed, "confirmed", members=same)["state"] == "confirmed"
    fourth = county.card(face)
    county.search()
    asked = {pair for one in county.cases(fourth, state="open") for pair in pairs_of(one)}
    assert asked == {frozenset((card, fourth)) for card in (first, second, third)}, "what is decided is not asked again"


def test_two_open_cases_that_become_one(county: County) -> None:
    """New pictures show that all four are one: the older case takes the other one in."""
    faces = somebody(), somebody()
    cards = [(county.card(face), county.card(face)) for face in faces]
    county.search()
    kept, gone = sorted((county.case(pair[0]) for pair in cards), key=lambda one: str(one["opened_at"]))
    for card in cards[1]:
        re_enrol(county, card, faces[0])
    county.search()
    now = county.case(cards[0][0], state="open")
    assert (now["id"], len(now["members"]), len(now["pairs"])) == (kept["id"], 4, 6)
    (gone,) = county.cases(*cards[0], *cards[1], state="superseded")
    assert gone["superseded_by"] == kept["id"]
    assert county.acts(gone["id"])[-1][0] == "duplicate_case_superseded"
    answer = county.new().post(
        f"/v1/duplicates/{gone['id']}/decide",
        json={"outcome": "rejected", "reason": "x", "revision": gone["revision"]},
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate_state")


@pytest.mark.parametrize("outcome", ["rejected", "confirmed"])
def test_what_was_taken_back_is_found_again(county: County, outcome: str) -> None:
    _, first, _ = county.twice()
    county.search()
    case = decided(county, county.case(first), outcome)
    if outcome == "confirmed":
        case = decided(county, case, outcome)
    case = decided(county, case, "open")
    assert case["state"] == "open"
    county.search()
    assert (county.case(first)["id"], county.case(first)["state"]) == (case["id"], "open")
