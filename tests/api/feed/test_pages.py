"""Pages of the feed: in order, none left out, none twice; what is named to whom; the key of the tags."""

import base64
import secrets
from datetime import UTC, date, datetime

import pytest
from starlette.testclient import TestClient

from api.feed import records
from api.institutions.roles import Role
from api.service import Service
from api.terminal.naming import card_tag, key_id
from tests.api.bodies import Json, register, report
from tests.api.conftest import NewClient
from tests.api.http.answers import assert_error


def head(service: Service) -> int:
    with service.database.begin() as connection:
        return records.head(connection).seq


def get(client: TestClient, **parameters: int) -> Json:
    answer = client.get("/v1/feed", params=parameters)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def test_pages_of_any_size_tell_the_same(service: Service, terminal: TestClient, authority: TestClient) -> None:
    before = head(service)
    for _ in range(5):
        card_id, _ = register(authority)
        report(authority, card_id, "reported_lost")
        report(authority, card_id, "found")
    whole = get(terminal, after=before)
    assert [one["seq"] for one in whole["events"]] == list(range(before + 1, before + 11))
    assert (whole["head"], whole["more"], whole["key_id"]) == (before + 10, False, key_id(service.keys.feed))
    assert abs((datetime.now(UTC) - datetime.fromisoformat(whole["as_of"])).total_seconds()) < 30
    found, at, more = [], before, True
    while more:
        page = get(terminal, after=at, limit=3)
        assert 0 < len(page["events"]) <= 3
        found += page["events"]
        at, more = page["events"][-1]["seq"], page["more"]
    assert found == whole["events"]


def test_at_the_head_there_is_nothing_and_beyond_it_is_refused(service: Service, terminal: TestClient) -> None:
    at = head(service)
    page = get(terminal, after=at)
    assert (page["events"], page["more"], page["head"]) == ([], False, at)
    assert_error(terminal.get("/v1/feed", params={"after": at + 1}), 409, "feed_position_unknown")


@pytest.mark.parametrize("parameters", [{"after": -1}, {"after": "x"}, {"after": 2**63}, {"limit": 0}, {"limit": 2001}])
def test_absurd_places_are_refused(terminal: TestClient, parameters: Json) -> None:
    assert_error(terminal.get("/v1/feed", params=parameters), 422, "request_invalid")


def test_only_who_registered_it_and_those_above_learn_the_card(service: Service, new_client: NewClient) -> None:
    house = secrets.token_hex(4)
    office, bureau = new_client(Role.AUTHORITY, f"{house}/office"), new_client(Role.AUTHORITY, house)
    beside, stranger = new_client(Role.AUTHORITY, f"{house}/beside"), new_client(Role.AUTHORITY)
    card_id, card = register(office)
    before = head(service)
    report(office, card_id, "reported_lost")
    days = {"valid_from": card["valid_from"], "valid_to": card["valid_to"]}
    named = {"id": card_id, "type": "resident", "issuer": card["issuer"], **days}
    for client in (office, bureau):
        (event,) = get(client, after=before)["events"]
        assert event.pop("card") == named
        assert set(event) == {"seq", "at", "event", "status", "invalid", "tag"}
    for client in (beside, stranger, new_client(Role.REGULATOR), new_client(Role.TERMINAL, house)):
        answer = client.get("/v1/feed", params={"after": before})
        assert answer.json()["events"] == [event], "the same without the card"
        for told in (card_id, card["issuer"], card["valid_from"], card["number"]):
            assert told not in answer.text
    assert card["number"] not in str(get(office, after=before)), "its number is told to nobody"


def test_the_key_makes_the_tags(service: Service, terminal: TestClient, authority: TestClient) -> None:
    card_id, card = register(authority)
    before = head(service)
    report(authority, card_id, "cancelled")
    told = terminal.get("/v1/feed/key").json()
    key = base64.b64decode(told["key"])
    days = (date.fromisoformat(card["valid_from"]), date.fromisoformat(card["valid_to"]))
    (event,) = get(terminal, after=before)["events"]
    assert event["tag"] == card_tag(key, card["number"], card["issuer"], *days).hex()
    assert (event["status"], event["invalid"]) == ("card_cancelled", True)
    assert told["key_id"] == key_id(key) == get(terminal)["key_id"]
