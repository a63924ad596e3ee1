"""A new card in an older one's place in one act, older cards that stay good, and the death of a holder of several."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from api.cards import templates
from api.institutions.roles import Role
from api.service import Service
from api.storage import tables
from tests.api.bodies import Json, fresh_key, new_card, register, registration, report, verify
from tests.api.conftest import NewClient
from tests.api.http.answers import assert_error


def renewed(card: Json, **changes: str) -> Json:
    """The person's next card."""
    return {**card, "valid_from": "2026-03-01", "valid_to": "2046-03-01", **changes}


def replace(authority: TestClient, old_id: object, card: Json, key: Json | None = None, **how: Any) -> tuple[int, Json]:
    body = {**registration(card), "supersedes": {"card_id": str(old_id), **how}}
    answer = authority.post("/v1/cards", json=body, headers=key or fresh_key())
    return answer.status_code, answer.json()


def status(authority: TestClient, card_id: str) -> str:
    return str(authority.get(f"/v1/cards/{card_id}").json()["status"])


@pytest.mark.parametrize("event", [None, "reissued", "renewed", "data_corrected"])
def test_a_card_takes_anothers_place_in_one_act(authority: TestClient, terminal: TestClient, event: str | None) -> None:
    old_id, old = register(authority)
    how: Json = {} if event is None else {"event": event}
    code, made = replace(authority, old_id, renewed(old), **how)
    assert code == 201, made
    superseded = made["superseded"]
    assert (superseded["card_id"], superseded["event"]) == (old_id, event or "reissued")
    assert (superseded["status"], superseded["superseded_by"]) == ("card_reissued", made["id"])
    assert made["also_valid"] == []
    assert verify(terminal, old)["document"]["status"] == "card_reissued"
    assert verify(terminal, renewed(old))["decision"] == "PASS"
    assert authority.get(f"/v1/cards/{old_id}").json()["superseded_by"] == made["id"]


def test_both_have_their_leaves(authority: TestClient) -> None:
    old_id, old = register(authority)
    _, made = replace(authority, old_id, renewed(old))
    new, ended = (json.loads(one["receipt"]["leaf"]) for one in (made, made["superseded"]))
    assert (new["event"], new["card_id"], new["superseded_by"]) == ("registered", made["id"], None)
    assert (ended["event"], ended["card_id"], ended["superseded_by"]) == ("reissued", old_id, made["id"])
    assert ended["superseded_by_card"] == new["card"]
    assert old["number"] not in json.dumps(made)


REPLACING = ["reissued", "renewed", "data_corrected"]


@pytest.mark.parametrize("event", REPLACING)
def test_a_card_is_replaced_without_a_name_where_there_is_no_newer_one(
    authority: TestClient, new_client: NewClient, terminal: TestClient, event: str
) -> None:
    """The new one is another authority's, or not made yet: the old one is invalid from the answer on all the same."""
    old_id, old = register(authority)
    register(new_client(Role.AUTHORITY), renewed(old, issuer="上海市公安局"))
    told = report(authority, old_id, event)
    assert (told["status"], told["superseded_by"]) == ("card_reissued", None)
    shown = verify(terminal, old)
    assert (shown["decision"], shown["document"]["status"]) == ("REFUSE", "card_reissued")
    assert shown["words"]["document"]["message"]["zh"] == "证件已失效。"


@pytest.mark.parametrize("event", REPLACING)
def test_a_newer_card_of_the_register_has_to_be_named(authority: TestClient, terminal: TestClient, event: str) -> None:
    old_id, old = register(authority)
    new_id, new = register(authority, renewed(old))
    unnamed = authority.post(f"/v1/cards/{old_id}/events", json={"event": event})
    assert_error(unnamed, 409, "superseding_card_missing")
    assert status(authority, old_id) == "valid", "nothing happened"
    assert report(authority, old_id, event, superseded_by=new_id)["superseded_by"] == new_id
    assert verify(terminal, old)["document"]["status"] == "card_reissued"
    assert verify(terminal, new)["decision"] == "PASS"


def test_only_a_good_and_newer_card_has_to_be_named(authority: TestClient) -> None:
    """Of two good cards each can be replaced, the older one first, and the newest at last by one that is elsewhere."""
    middle_id, middle = register(authority)
    oldest_id, _ = register(authority, {**middle, "valid_from": "2006-03-01", "valid_to": "2030-03-01"})
    lost_id, _ = register(authority, renewed(middle))
    report(authority, lost_id, "reported_lost")
    register(authority, {**middle, "valid_from": "2017-03-01", "valid_to": "2018-03-01"})
    unnamed = authority.post(f"/v1/cards/{oldest_id}/events", json={"event": "renewed"})
    assert_error(unnamed, 409, "superseding_card_missing")
    assert report(authority, middle_id, "renewed")["status"] == "card_reissued"
    assert report(authority, oldest_id, "renewed")["status"] == "card_reissued"


def test_of_two_cards_of_one_day_the_one_registered_later_is_the_newer(authority: TestClient) -> None:
    first_id, first = register(authority)
    second_id, _ = register(authority, {**first, "issuer": "上海市公安局"})
    unnamed = authority.post(f"/v1/cards/{first_id}/events", json={"event": "reissued"})
    assert_error(unnamed, 409, "superseding_card_missing")
    assert report(authority, second_id, "reissued")["status"] == "card_reissued"


def test_a_lost_card_is_replaced_and_stays_so_when_it_is_found(authority: TestClient) -> None:
    old_id, old = register(authority)
    report(authority, old_id, "reported_lost")
    assert replace(authority, old_id, renewed(old))[0] == 201
    found = authority.post(f"/v1/cards/{old_id}/events", json={"event": "found"})
    assert_error(found, 409, "event_not_possible")


def test_what_cannot_be_replaced_registers_nothing(authority: TestClient, new_client: NewClient) -> None:
    old_id, old = register(authority)
    stranger_id, _ = register(authority)
    elsewhere_id, _ = register(new_client(Role.AUTHORITY), renewed(old, issuer="上海市公安局"))
    ended_id, ended = register(authority)
    report(authority, ended_id, "cancelled")
    lost_id, lost = register(authority)
    report(authority, lost_id, "reported_lost")
    refused: tuple[tuple[object, Json, Json, tuple[int, str]], ...] = (
        (uuid4(), renewed(old), {}, (404, "card_unknown")),
        (elsewhere_id, renewed(old), {}, (404, "card_unknown")),
        (stranger_id, renewed(old), {}, (422, "superseding_card_invalid")),
        (ended_id, renewed(ended), {}, (409, "event_not_possible")),
        (lost_id, renewed(lost), {"event": "renewed"}, (409, "event_not_possible")),
        (old_id, renewed(old), {"event": "cancelled"}, (422, "event_unknown")),
        (old_id, renewed(old), {"event": "registered"}, (422, "event_unknown")),
        (old_id, old, {}, (409, "card_exists")),
    )
    for named, card, how, expected in refused:
        code, answer = replace(authority, named, card, **how)
        assert (code, answer["code"]) == expected
    assert status(authority, old_id) == "valid"
    for card in (renewed(old), renewed(ended), renewed(lost)):
        assert register(authority, card), "nothing of it was stored"


def test_sent_again_it_is_done_once(authority: TestClient) -> None:
    old_id, old = register(authority)
    key = fresh_key()
    first = replace(authority, old_id, renewed(old), key)
    assert replace(authority, old_id, renewed(old), key) == first
    assert len(authority.get(f"/v1/cards/{old_id}").json()["events"]) == 2


def test_one_of_two_at_once_takes_the_place(authority: TestClient) -> None:
    old_id, old = register(authority)
    together = threading.Barrier(3)

    def take(year: int) -> int:
        together.wait()
        return replace(authority, old_id, renewed(old, valid_from=f"20{year}-01-01"))[0]

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(take, (24, 25, 26))) == [201, 409, 409]


def test_an_older_card_that_stays_good_is_told(authority: TestClient, new_client: NewClient) -> None:
    """Both are good between renewal and handing over; the authority is told, so that it is not forgotten."""
    old_id, old = register(authority)
    register(authority, {**old, "valid_from": "2006-03-01", "valid_to": "2016-03-01"})
    lost_id, _ = register(authority, {**old, "issuer": "天津市公安局"})
    report(authority, lost_id, "reported_lost")
    register(new_client(Role.AUTHORITY), {**old, "issuer": "上海市公安局"})
    answer = authority.post("/v1/cards", json=registration(renewed(old))).json()
    assert answer["also_valid"] == [old_id], "not the expired one, the lost one, or another authority's"
    assert answer["superseded"] is None
    assert authority.post("/v1/cards", json=registration(new_card())).json()["also_valid"] == []


def test_a_death_is_of_every_card_of_the_person(
    authority: TestClient, terminal: TestClient, new_client: NewClient
) -> None:
    old_id, old = register(authority)
    new_id, new = register(authority, renewed(old))
    report(authority, old_id, "reported_lost")
    elsewhere = new_client(Role.AUTHORITY)
    other_id, other = register(elsewhere, {**old, "issuer": "上海市公安局"})
    _, stranger = register(authority)
    told = report(authority, new_id, "holder_deceased", reason="by the registry of deaths")
    assert (told["card_id"], told["status"]) == (new_id, "holder_deceased")
    assert [(one["card_id"], one["event"], one["status"]) for one in told["also"]] == [
        (old_id, "holder_deceased", "holder_deceased")
    ], "of another authority's card nothing is told"
    for card in (old, new, other):
        assert verify(terminal, card)["document"]["status"] == "holder_deceased"
    assert verify(terminal, stranger)["decision"] == "PASS"
    read = elsewhere.get(f"/v1/cards/{other_id}").json()
    assert [event["event"] for event in read["events"]] == ["registered", "holder_deceased"]
    leaves = [json.loads(one["receipt"]["leaf"]) for one in (told, *told["also"])]
    assert [leaf["card_id"] for leaf in leaves] == [new_id, old_id]
    again = authority.post(f"/v1/cards/{old_id}/events", json={"event": "holder_deceased"})
    assert_error(again, 409, "event_not_possible")


def test_other_authorities_are_told_of_a_death_that_reached_their_cards(
    authority: TestClient, terminal: TestClient, new_client: NewClient, service: Service
) -> None:
    """Somebody registers a card with a victim's number and records its holder dead: everywhere, and not in silence."""
    victims = new_client(Role.AUTHORITY)
    card_id, card = register(victims)
    bogus_id, _ = register(authority, {**card, "issuer": "上海市公安局"})
    register(authority, {**card, "issuer": "天津市公安局"})
    told = report(authority, bogus_id, "holder_deceased")
    assert verify(terminal, card)["document"]["status"] == "holder_deceased"
    assert len(told["also"]) == 1
    assert card_id not in json.dumps(told)
    (alert,) = victims.get("/v1/alerts").json()["items"]
    (_, event) = victims.get(f"/v1/cards/{card_id}").json()["events"]
    reporter = json.loads(told["receipt"]["leaf"])["institution"]
    assert (alert["kind"], alert["card_id"]) == ("holder_deceased_elsewhere", card_id)
    assert alert["details"] == {"reported_by": reporter, "event": event["id"]}
    assert bogus_id not in json.dumps(alert)
    assert authority.get("/v1/alerts").json()["items"] == [], "its own cards are in the answer"
    with service.database.begin() as connection:
        acts = connection.execute(select(tables.acts).where(tables.acts.c.act == "death_told")).all()
        assert [one.subject_id for one in acts if alert["id"] in one.details["alerts"]] == [UUID(bogus_id)]
    # It is put right by the authority of the card, and nothing else of it is.
    report(victims, card_id, "dispute_opened")
    assert report(victims, card_id, "dispute_upheld")["status"] == "valid"
    assert verify(terminal, card)["decision"] == "PASS"


def test_a_death_among_an_authoritys_own_cards_alerts_nobody(authority: TestClient) -> None:
    card_id, card = register(authority)
    register(authority, renewed(card))
    assert len(report(authority, card_id, "holder_deceased")["also"]) == 1
    assert authority.get("/v1/alerts").json()["items"] == []


def test_a_death_of_a_card_of_its_own_and_of_nobody(authority: TestClient) -> None:
    card_id, _ = register(authority)
    assert report(authority, card_id, "holder_deceased")["also"] == []
    unknown = authority.post(f"/v1/cards/{uuid4()}/events", json={"event": "holder_deceased"})
    assert_error(unknown, 404, "card_unknown")


def test_a_mistaken_death_is_disputed_card_by_card(authority: TestClient, terminal: TestClient) -> None:
    old_id, old = register(authority)
    new_id, new = register(authority, renewed(old))
    report(authority, new_id, "holder_deceased")
    for card_id in (new_id, old_id):
        assert verify(terminal, old)["document"]["status"] == "holder_deceased"
        report(authority, card_id, "dispute_opened")
        assert report(authority, card_id, "dispute_upheld")["status"] == "valid"
    assert verify(terminal, new)["decision"] == verify(terminal, old)["decision"] == "PASS", "as before"


def test_the_dead_are_given_no_new_card(authority: TestClient, new_client: NewClient) -> None:
    """Until whoever recorded it takes it back; another authority is not bound by what it cannot take back."""
    card_id, card = register(authority)
    report(authority, card_id, "holder_deceased")
    again = authority.post("/v1/cards", json=registration(renewed(card)), headers=fresh_key())
    told = assert_error(again, 409, "holder_recorded_deceased")
    assert "dispute" in told["operator"]["en"]
    assert "异议" in told["operator"]["zh"]
    register(new_client(Role.AUTHORITY), renewed(card, issuer="上海市公安局"))
    alive_id, alive = register(authority)
    for event in ("holder_deceased", "dispute_opened", "dispute_upheld"):
        report(authority, alive_id, event)
    register(authority, renewed(alive))


def test_a_card_that_was_replaced_since_stays_dead(
    authority: TestClient, terminal: TestClient, new_client: NewClient
) -> None:
    """The new one was registered by another authority while the mistake stood."""
    card_id, card = register(authority)
    report(authority, card_id, "holder_deceased")
    report(authority, card_id, "dispute_opened")
    register(new_client(Role.AUTHORITY), renewed(card, issuer="上海市公安局"))
    upheld = authority.post(f"/v1/cards/{card_id}/events", json={"event": "dispute_upheld"})
    assert_error(upheld, 409, "event_not_possible")
    assert verify(terminal, card)["decision"] == "REFUSE"


@pytest.mark.parametrize("ending", ["cancelled", "holder_deceased"])
@pytest.mark.parametrize("missing", ["reported_lost", "reported_stolen"])
def test_a_mistake_put_right_does_not_make_a_lost_card_good(
    authority: TestClient, terminal: TestClient, missing: str, ending: str
) -> None:
    """Else who has the stolen card waits until the wrong death is taken back."""
    card_id, card = register(authority)
    lost = report(authority, card_id, missing)["status"]
    report(authority, card_id, ending)
    report(authority, card_id, "dispute_opened")
    assert report(authority, card_id, "dispute_upheld")["status"] == lost
    assert verify(terminal, card)["decision"] == "REFUSE"
    assert report(authority, card_id, "found")["status"] == "valid"
    assert verify(terminal, card)["decision"] == "PASS"


def test_a_mistaken_death_does_not_bring_a_replaced_card_back(authority: TestClient, terminal: TestClient) -> None:
    """Also where the card that took its place was registered first, and looks like the older one."""
    new_id, new = register(authority)
    old_id, old = register(authority, {**new, "valid_from": "2006-03-01", "valid_to": "2030-03-01"})
    report(authority, old_id, "reissued", superseded_by=new_id)
    report(authority, new_id, "holder_deceased")
    report(authority, old_id, "dispute_opened")
    assert report(authority, old_id, "dispute_upheld")["status"] == "card_reissued"
    assert verify(terminal, old)["decision"] == "REFUSE"


def test_a_found_card_stays_invalid_beside_a_newer_one_that_was_registered_first(authority: TestClient) -> None:
    _, new = register(authority)
    old_id, _ = register(authority, {**new, "valid_from": "2006-03-01", "valid_to": "2030-03-01"})
    report(authority, old_id, "reported_lost")
    found = authority.post(f"/v1/cards/{old_id}/events", json={"event": "found"})
    assert_error(found, 409, "event_not_possible")


def test_events_of_a_persons_cards_side_by_side_never_stop_one_another(authority: TestClient) -> None:
    """Deaths, losses and successions name the same cards from different sides: none may wait in a circle."""
    for _ in range(5):
        old_id, old = register(authority)
        new_id, _ = register(authority, renewed(old))
        acts = [
            (old_id, {"event": "holder_deceased"}),
            (new_id, {"event": "holder_deceased"}),
            (old_id, {"event": "reissued", "superseded_by": new_id}),
            (new_id, {"event": "reported_lost"}),
        ]
        together = threading.Barrier(len(acts))

        def act(one: tuple[str, Json], together: threading.Barrier = together) -> int:
            together.wait()
            return authority.post(f"/v1/cards/{one[0]}/events", json=one[1]).status_code

        with ThreadPoolExecutor(len(acts)) as pool:
            assert set(pool.map(act, acts)) <= {201, 409, 422}
        assert {status(authority, one) for one in (old_id, new_id)} == {"holder_deceased"}


def test_a_card_is_not_found_again_while_its_successor_is_registered(
    authority: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both would be good: the one is found before anybody could see that there is another."""
    old_id, old = register(authority)
    report(authority, old_id, "reported_lost")
    registering, go = threading.Event(), threading.Event()
    real = templates.add

    def held(*arguments: Any) -> None:
        registering.set()
        assert go.wait(60)
        real(*arguments)

    monkeypatch.setattr(templates, "add", held)
    with ThreadPoolExecutor(2) as pool:
        new = pool.submit(authority.post, "/v1/cards", json=registration(renewed(old)))
        assert registering.wait(60)
        found = pool.submit(authority.post, f"/v1/cards/{old_id}/events", json={"event": "found"})
        assert not wait([found], timeout=0.5).done, "it waits for the registration"
        go.set()
        assert new.result().status_code == 201
        assert_error(found.result(), 409, "event_not_possible")


def test_times_are_written_alike(authority: TestClient) -> None:
    made = authority.post("/v1/cards", json=registration(new_card())).json()
    read = authority.get(f"/v1/cards/{made['id']}").json()
    lost = report(authority, made["id"], "reported_lost")
    assert made["registered_at"] == read["registered_at"] == read["events"][0]["recorded_at"]
    assert made["registered_at"].endswith("Z")
    assert lost["recorded_at"] == authority.get(f"/v1/cards/{made['id']}").json()["events"][1]["recorded_at"]
    assert json.loads(lost["receipt"]["leaf"])["at"] == lost["recorded_at"]
