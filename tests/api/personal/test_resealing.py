"""Templates from before there was a store of keys: sealed anew, one record after another, and what they were."""

from uuid import UUID

from sqlalchemy import select, update
from starlette.testclient import TestClient

from api.cards.templates import context
from api.evidence import fsck
from api.personal.rotation import reseal
from api.service import Service
from api.storage.sealing import record_key_of, seal
from api.storage.tables import templates
from tests.api.bodies import register, verify


def as_before(service: Service, card_id: str, content: bytes) -> None:
    """Seal a card's templates as older versions did."""
    with service.database.begin() as connection:
        for row in connection.execute(select(templates).where(templates.c.card_id == UUID(card_id))).all():
            sealed = seal(service.keys.master, content, context(row.id, row.card_id))
            old = {"template_sealed": sealed, "master_key_id": service.keys.master_id}
            connection.execute(update(templates).where(templates.c.id == row.id).values(old))


def test_they_get_a_key_and_are_what_they_were(service: Service, authority: TestClient, terminal: TestClient) -> None:
    _, broken_before = reseal(service.database, service.keys)
    (card_id, card), (broken_id, _) = register(authority, right_index="person:a"), register(authority)
    as_before(service, card_id, b"person:a")
    assert verify(terminal, card)["decision"] == "PASS", "before it is done"
    with service.database.begin() as connection:
        of_broken = update(templates).where(templates.c.card_id == UUID(broken_id)).returning(templates.c.id)
        kept = connection.execute(select(templates).where(templates.c.card_id == UUID(broken_id))).one()
        connection.execute(of_broken.values(template_sealed=b"\x01" + bytes(80)))
    told: list[int] = []
    done, left = reseal(service.database, service.keys, told.append)
    assert (done, left, sum(told)) == (2, 1 + broken_before, 3 + broken_before)
    assert reseal(service.database, service.keys) == (0, 1 + broken_before), "what is done is done"
    with service.database.begin() as connection:
        connection.execute(
            update(templates).where(templates.c.id == kept.id).values(template_sealed=kept.template_sealed)
        )
        rows = connection.execute(select(templates).where(templates.c.card_id == UUID(card_id))).all()
        assert len({record_key_of(row.template_sealed) for row in rows} - {None}) == 1
        assert {row.master_key_id for row in rows} == {None}
        findings = fsck.check(connection, service.keys).findings
    assert not [finding for finding in findings if card_id in finding]
    assert verify(terminal, card, fingers={"right_index": "person:a"})["decision"] == "PASS"
