"""Reasons of events, in the reporter's words: sealed, read by who registered the card, and in the clear nowhere."""

import logging
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from api.accountability import explanations
from api.cards import reasons
from api.service import Service
from api.storage import migrate
from api.storage.errors import DatabaseUnavailable
from tests.api.bodies import fresh_key, register, report
from tests.api.conftest import NewDatabase
from tests.api.storage.test_migrate import NAMES, POPULATION, rows

REASON = "本人司徒翀翯来电 13912345678"


def events(service: Service, card_id: str) -> list[Any]:
    with service.database.begin() as connection:
        asked = text("SELECT * FROM card_events WHERE card_id = :card ORDER BY recorded_at")
        return list(connection.execute(asked, {"card": UUID(card_id)}))


def shown(authority: TestClient, card_id: str) -> list[str | None]:
    return [event["reason"] for event in authority.get(f"/v1/cards/{card_id}").json()["events"]]


def test_a_reason_is_sealed_and_read_again(service: Service, authority: TestClient) -> None:
    card_id, _ = register(authority)
    report(authority, card_id, "reported_lost", reason=REASON)
    (_, event) = events(service, card_id)
    assert event.reason is None
    assert REASON.encode() not in bytes(event.reason_sealed)
    assert shown(authority, card_id) == [None, REASON]


def test_a_death_is_told_of_every_card_with_its_reason(service: Service, authority: TestClient) -> None:
    """Each under its own event: an envelope that is moved to another does not open."""
    old, card = register(authority)
    new, _ = register(authority, card | {"valid_from": "2020-01-01"})
    report(authority, old, "holder_deceased", reason=REASON)
    assert [shown(authority, one)[-1] for one in (old, new)] == [REASON, REASON]
    (last, other) = (events(service, one)[-1] for one in (old, new))
    with service.database.begin() as connection:
        moved = text("UPDATE card_events SET reason_sealed = :sealed WHERE id = :id")
        connection.execute(moved, {"sealed": last.reason_sealed, "id": other.id})
    assert shown(authority, new)[-1] is None


def test_a_loss_report_does_not_wait_for_the_key_of_its_reason(
    service: Service, authority: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    card_id, _ = register(authority)

    def away(_: Any) -> Any:
        raise DatabaseUnavailable("the store of keys is away")

    with monkeypatch.context() as broken, caplog.at_level(logging.WARNING, "api.cards.reasons"):
        broken.setattr(reasons, "text_key", away)
        report(authority, card_id, "reported_lost", reason=REASON)
    assert "waits to be sealed" in caplog.text
    assert REASON not in caplog.text
    assert shown(authority, card_id) == [None, REASON]
    # Who looks the card up while the key is away is told all but the reason.
    with monkeypatch.context() as broken:
        broken.setattr(explanations, "open_text", lambda *_: away(_))
        other, _ = register(authority)
        report(authority, other, "reported_lost", reason=REASON)
        assert shown(authority, other) == [None, None]
    assert shown(authority, other) == [None, REASON]
    # The service's own clock may have been first.
    reasons.seal_waiting(service.database, service.keys)
    assert events(service, card_id)[-1].reason is None
    assert shown(authority, card_id) == [None, REASON]


def test_reasons_from_versions_before_are_sealed_and_grounds_stay(
    service: Service, authority: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reasons, "BATCH", 2)
    cards = [register(authority)[0] for _ in range(3)]
    for card_id in cards:
        report(authority, card_id, "reported_lost")
        erased = authority.post(f"/v1/cards/{card_id}/erasure", json={"ground": "order"}, headers=fresh_key())
        assert erased.status_code == 201, erased.text
    with service.database.begin() as connection:
        before = "UPDATE card_events SET reason = :told WHERE card_id = ANY(:cards) AND event = 'reported_lost'"
        connection.execute(text(before), {"told": REASON, "cards": [UUID(one) for one in cards]})
    reasons.seal_waiting(service.database, service.keys)
    for card_id in cards:
        assert shown(authority, card_id) == [None, REASON, "order"]
        assert [event.reason for event in events(service, card_id)] == [None, None, "order"]


def test_the_migration_goes_down_while_it_loses_nothing(new_database: NewDatabase) -> None:
    database = new_database()
    migrate.upgrade(database, "0001")
    with database.begin() as connection:
        for statement in POPULATION.split(";\n"):
            used = {name: UUID(int=place + 1) for place, name in enumerate(NAMES) if f":{name}" in statement}
            connection.execute(text(statement), used)
    migrate.upgrade(database, "0023")
    with database.begin() as connection:
        connection.execute(text("UPDATE card_events SET reason = 'told by telephone'"))
    before = rows(database)
    migrate.upgrade(database, "0024")
    assert [one["reason"] for one in rows(database)["card_events"]] == ["told by telephone"]
    migrate.downgrade(database, "0023")
    assert rows(database) == before
    migrate.upgrade(database, "0024")
    with database.begin() as connection:
        connection.execute(text("UPDATE card_events SET reason = NULL, reason_sealed = '\\x02'"))
    with pytest.raises(RuntimeError, match="an older version cannot open"):
        migrate.downgrade(database, "0023")
    assert rows(database)["card_events"][0]["reason_sealed"] == "\\x02"
