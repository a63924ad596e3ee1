"""What a card holds, in one keyed hash of its leaves: serial, text, templates."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from api.cards import holdings
from api.cards.bulk import importing
from api.cards.holdings import committed
from api.evidence import fsck, leaves
from api.institutions import principals
from api.institutions.roles import Role
from api.service import Service
from api.storage.recordkeys.envelopes import keys_of, open_sealed
from api.storage.sealing import seal
from api.storage.tables import card_events, cards, evidence, evidence_texts, templates
from tests.api.bodies import Json, encoded, new_card, register, registration
from tests.api.books import findings
from tests.api.entries import new_key

FINDING = "cards with another serial, text or template than their last enrolment says"


def leaves_of(service: Service, card_id: str) -> list[Json]:
    """The card's leaves, oldest first."""
    asked = (
        select(evidence_texts.c.leaf)
        .join(evidence, evidence.c.seq == evidence_texts.c.seq)
        .join(card_events, card_events.c.id == evidence.c.subject_id)
        .where(card_events.c.card_id == UUID(card_id))
        .order_by(evidence.c.seq)
    )
    with service.database.begin() as connection:
        return [json.loads(leaf) for leaf in connection.execute(asked).scalars()]


def found(service: Service, card_id: str) -> bool:
    """Whether the check tells of this card; of others it may."""
    told = [finding for finding in findings(service) if finding.startswith(FINDING)]
    return any(card_id in finding for finding in told)


def now_held(service: Service, card_id: str) -> str:
    with service.database.begin() as connection:
        card = connection.execute(select(cards).where(cards.c.id == UUID(card_id))).one()
        held = connection.execute(select(templates).where(templates.c.card_id == UUID(card_id))).all()
    return committed(service.keys, card.serial_index, card.text_index, held).hex()


def test_every_leaf_that_gives_a_card_something_tells_what_it_holds_then(
    service: Service, authority: TestClient
) -> None:
    card_id, _ = register(authority, new_card(serial="AB12"), face=None, right_index="person:a")
    told = [now_held(service, card_id)]
    authority.post(f"/v1/cards/{card_id}/face", json={"face": {"image": encoded("person:a")}})
    told.append(now_held(service, card_id))
    fingers = {"fingers": [{"position": "left_index", "image": encoded("person:a")}]}
    authority.post(f"/v1/cards/{card_id}/fingerprints", json=fingers)
    told.append(now_held(service, card_id))
    authority.post(f"/v1/cards/{card_id}/events", json={"event": "reported_lost"})
    registered, face, finger, lost = leaves_of(service, card_id)
    assert [leaf["holds"] for leaf in (registered, face, finger)] == told
    assert len(set(told)) == 3
    assert "holds" not in lost, "it gave the card nothing"
    assert {leaf["v"] for leaf in (registered, face, finger, lost)} == {4}
    assert "AB12" not in json.dumps(registered)
    assert not found(service, card_id)


def test_another_serial_makes_another_hash(service: Service, authority: TestClient) -> None:
    one, other = (register(authority, new_card(serial=serial))[0] for serial in ("AB12", "AB13"))
    assert leaves_of(service, one)[0]["holds"] != leaves_of(service, other)[0]["holds"]


def imported(service: Service, folder: Path, card: Json) -> str:
    key = new_key(service.database, service.keys, Role.AUTHORITY)
    with service.database.begin() as connection:
        caller = principals.authenticate(connection, key)
    assert caller is not None
    file = folder / "cards.jsonl"
    file.write_text(json.dumps(card), encoding="utf-8")
    importing.load(service.database, service.keys, caller, file, lambda *_: None)
    with service.database.begin() as connection:
        made = connection.execute(select(cards.c.id).where(cards.c.registered_by == caller.principal_id))
        return str(made.scalar_one())


def test_a_card_of_a_file_tells_it_too(service: Service, tmp_path: Path) -> None:
    card_id = imported(service, tmp_path, {**new_card(serial="AB12"), "status": "card_reported_lost"})
    registered, lost = leaves_of(service, card_id)
    assert registered["holds"] == now_held(service, card_id)
    assert "holds" not in lost
    assert not found(service, card_id)


CHANGES: dict[str, Any] = {
    "serial": update(cards).values(serial_index=bytes(32)),
    "text": update(cards).values(text_index={"name": "00"}),
    "engine": update(templates).values(engine="other"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_changed_in_the_database_is_found(service: Service, authority: TestClient, what: str) -> None:
    card_id, _ = register(authority, new_card(serial="AB12"))
    column = templates.c.card_id if what == "engine" else cards.c.id
    assert not found(service, card_id)
    with service.database.engine.connect() as connection:
        connection.execute(CHANGES[what].where(column == UUID(card_id)))
        told = fsck.check(connection, service.keys).findings
        connection.rollback()
    assert any(finding.startswith(FINDING) and card_id in finding for finding in told)


def test_another_persons_template_under_the_right_seal_is_found(service: Service, authority: TestClient) -> None:
    """By who holds the keys and the database, but not the log that others keep."""
    card_id, _ = register(authority)
    with service.database.engine.connect() as connection:
        row = connection.execute(select(templates).where(templates.c.card_id == UUID(card_id))).one()
        other = seal(service.keys.master, b"scripted:b", f"template:{row.id}:{card_id}")
        connection.execute(update(templates).where(templates.c.id == row.id).values(template_sealed=other))
        told = fsck.check(connection, service.keys).findings
        connection.rollback()
    assert any(finding.startswith(FINDING) and card_id in finding for finding in told)


def test_a_template_that_is_sealed_anew_is_the_same(service: Service, authority: TestClient) -> None:
    card_id, _ = register(authority)
    with service.database.begin() as connection:
        row = connection.execute(select(templates).where(templates.c.card_id == UUID(card_id))).one()
        place = f"template:{row.id}:{card_id}"
        held = open_sealed(service.keys, row.template_sealed, place, keys_of(service.keys, [row.template_sealed]))
        again = seal(service.keys.master, held, place)
        assert again != row.template_sealed
        connection.execute(update(templates).where(templates.c.id == row.id).values(template_sealed=again))
    assert not found(service, card_id)


def test_cards_from_before_are_not_found_fault_with(
    service: Service, authority: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their leaves are of version 3 and tell no holdings; the first that does counts from then on."""
    monkeypatch.setattr(leaves, "LEAF_VERSION", 3)
    real = holdings.record
    monkeypatch.setattr(holdings, "record", lambda _, __, recorded, basis=None: recorded)
    answer = authority.post("/v1/cards", json=registration(new_card(), face=None, right_index="person:a"))
    card_id = answer.json()["id"]
    monkeypatch.setattr(leaves, "LEAF_VERSION", 4)
    monkeypatch.setattr(holdings, "record", real)
    (leaf,) = leaves_of(service, card_id)
    assert leaf["v"] == 3
    assert "holds" not in leaf
    assert findings(service) == []
    authority.post(f"/v1/cards/{card_id}/face", json={"face": {"image": encoded("person:a")}})
    assert leaves_of(service, card_id)[1]["holds"] == now_held(service, card_id)
