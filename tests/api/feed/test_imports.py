"""Files of cards in the feed: those that come in bad, in the order of the file, a chunk's numbers at once."""

import json
from datetime import date
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.cards.bulk import importing
from api.feed import records
from api.feed.records import FeedEvent
from api.institutions import principals
from api.institutions.caller import Caller
from api.institutions.roles import Role
from api.service import Service
from api.terminal.naming import card_tag
from tests.api.bodies import Json, new_card, register
from tests.api.entries import new_key


@pytest.fixture
def caller(service: Service) -> Caller:
    key = new_key(service.database, service.keys, Role.AUTHORITY)
    with service.database.begin() as connection:
        found = principals.authenticate(connection, key)
    assert found is not None
    return found


def load(service: Service, caller: Caller, path: Path, rows: list[Json]) -> list[FeedEvent]:
    """Read the rows into the register; gives what the feed has of them."""
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    with service.database.begin() as connection:
        before = records.head(connection).seq
    importing.load(service.database, service.keys, caller, path, lambda *_: None)
    with service.database.begin() as connection:
        told = records.page(connection, before, 10_000)
        assert [one.seq for one in told] == list(range(before + 1, records.head(connection).seq + 1))
    return told


def tag(service: Service, row: Json) -> bytes:
    days = (date.fromisoformat(row["valid_from"]), date.fromisoformat(row["valid_to"]))
    return card_tag(service.keys.feed, row["number"], row["issuer"], *days)


def test_what_comes_in_bad_is_told_and_what_is_good_is_not(
    service: Service, caller: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 7)
    statuses = ["valid", "card_reported_lost", "card_reissued", "card_cancelled", "holder_deceased"]
    rows = [{**new_card(), "status": status} for _ in range(6) for status in statuses]
    told = load(service, caller, tmp_path / "cards.jsonl", rows)
    bad = [row for row in rows if row["status"] != "valid"]
    assert [(one.status, one.tag) for one in told] == [(row["status"], tag(service, row)) for row in bad]
    assert all(one.invalid for one in told)
    assert load(service, caller, tmp_path / "cards.jsonl", rows) == [], "the same file again"


def test_a_death_in_a_file_is_told_of_the_persons_other_cards(
    service: Service, caller: Caller, authority: TestClient, tmp_path: Path
) -> None:
    other, card = register(authority)
    lost = {**card, "valid_from": "2017-01-01", "status": "card_reported_lost"}
    dead = {**card, "valid_from": "2018-01-01", "status": "holder_deceased"}
    told = load(service, caller, tmp_path / "cards.jsonl", [lost, dead])
    newest = {one.tag: one.status for one in told}
    assert newest == {tag(service, row): "holder_deceased" for row in (card, lost, dead)}
    assert [one.status for one in told if one.tag == tag(service, lost)] == ["card_reported_lost", "holder_deceased"]
    assert str(next(one.card_id for one in told if one.tag == tag(service, card))) == other
