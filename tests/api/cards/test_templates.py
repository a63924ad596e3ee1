"""Templates at rest: they open for their card under the deployment's key; one that does not takes no other with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import select, text, update
from starlette.testclient import TestClient

from api.cards import templates
from api.matching.captures import Reference
from api.service import Service
from api.storage import tables
from api.storage.errors import MasterKeyUnavailable
from api.storage.recordkeys import RecordKeys
from api.storage.recordkeys.masters import MasterKeys
from api.storage.recordkeys.wrapping import LocalMasterKey
from api.storage.sealing import seal
from tests.api.bodies import Json, register, verify


def opened(service: Service, card_id: str, master: bytes | None = None) -> tuple[Reference, ...]:
    keys = service.keys
    if master is not None:
        store = RecordKeys(keys.of_records.database, MasterKeys([LocalMasterKey(master)]))
        keys = replace(keys, master=master, records=store)
    with service.database.begin() as connection:
        index = connection.execute(
            select(tables.cards.c.instance_index).where(tables.cards.c.id == card_id)
        ).scalar_one()
        return templates.of_instance(connection, keys, index)


@contextmanager
def spoilt(service: Service, card_id: str) -> Iterator[None]:
    """What is done to the card's templates here is put back: the log is checked over all that the tests leave."""
    columns = (tables.templates.c.id, tables.templates.c.template_sealed)
    with service.database.begin() as connection:
        before = connection.execute(select(*columns).where(tables.templates.c.card_id == card_id)).all()
    try:
        yield
    finally:
        with service.database.begin() as connection:
            for row in before:
                mended = update(tables.templates).values(template_sealed=row.template_sealed)
                connection.execute(mended.where(tables.templates.c.id == row.id))


def damage(service: Service, card_id: str, modality: str) -> None:
    """One bit of the sealed template."""
    with service.database.begin() as connection:
        connection.execute(
            text(
                "UPDATE templates SET template_sealed ="
                " set_bit(template_sealed, 240, 1 - get_bit(template_sealed, 240))"
                " WHERE card_id = :card AND modality = :modality"
            ),
            {"card": card_id, "modality": modality},
        )


def test_they_open_for_their_card(authority: TestClient, service: Service) -> None:
    card_id, _ = register(authority, right_index="person:a", left_index="person:a")
    found = opened(service, card_id)
    assert [(one.modality, one.position, one.engine, one.template) for one in found] == [
        ("face", None, "scripted-1", b"person:a"),
        ("finger", "left_index", "scripted-1", b"person:a"),
        ("finger", "right_index", "scripted-1", b"person:a"),
    ]


def test_a_damaged_one_does_not_open_and_the_others_do(
    authority: TestClient, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    card_id, _ = register(authority, right_index="person:a")
    with spoilt(service, card_id):
        damage(service, card_id, "face")
        assert [one.template for one in opened(service, card_id)] == [None, b"person:a"]
    assert "does not open" in caplog.text
    assert "person:a" not in caplog.text


def test_without_the_master_key_none_opens(authority: TestClient, service: Service) -> None:
    """That is no damage of one template's: it is said so, and nothing is decided."""
    card_id, _ = register(authority, right_index="person:a")
    with pytest.raises(MasterKeyUnavailable):
        opened(service, card_id, bytes(32))


def test_under_a_lost_key_from_before_the_store_none_opens(authority: TestClient, service: Service) -> None:
    card_id, _ = register(authority)
    with spoilt(service, card_id):
        with service.database.begin() as connection:
            (row,) = connection.execute(select(tables.templates).where(tables.templates.c.card_id == card_id))
            sealed = seal(bytes(32), b"person:a", templates.context(row.id, row.card_id))
            connection.execute(
                update(tables.templates).where(tables.templates.c.id == row.id).values(template_sealed=sealed)
            )
        assert [(one.template, one.erased) for one in opened(service, card_id)] == [(None, False)]


def test_another_cards_template_put_in_its_place_does_not_open(authority: TestClient, service: Service) -> None:
    """Who can write to the database cannot make himself the holder of a card."""
    (victim, _), (own, _) = register(authority), register(authority, face="person:thief")
    with service.database.begin() as connection:
        sealed = connection.execute(
            select(tables.templates.c.template_sealed).where(tables.templates.c.card_id == own)
        ).scalar_one()
    with spoilt(service, victim):
        with service.database.begin() as connection:
            exchanged = update(tables.templates).where(tables.templates.c.card_id == victim)
            connection.execute(exchanged.values(template_sealed=sealed))
        assert [one.template for one in opened(service, victim)] == [None]


def test_a_card_whose_face_does_not_open_is_reviewed(
    authority: TestClient, terminal: TestClient, service: Service
) -> None:
    card_id, card = register(authority, right_index="person:a")
    with spoilt(service, card_id):
        damage(service, card_id, "face")
        answer = verify(terminal, card, fingers={"right_index": "person:a"})
    assert answer["decision"] == "REVIEW"
    assert answer["person"]["reasons"] == ["match", "template_damaged"]
    assert spoken(answer, "template_damaged")


def spoken(answer: Json, code: str) -> bool:
    return any(reason["code"] == code and reason["zh"] and reason["en"] for reason in answer["words"]["reasons"])
