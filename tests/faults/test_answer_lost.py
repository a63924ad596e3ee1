"""The process dies at a known point of one request: asked again with the same key, it does the thing once."""

import json
from pathlib import Path

import pytest
from sqlalchemy import func, select

from api.storage.tables import card_events, evidence, idempotency, nonces, verifications
from tests.api.bodies import Json, new_card
from tests.faults.clients import Client
from tests.faults.conftest import Town
from tests.faults.history import Operation
from tests.faults.promises import promised, same

USED = select(nonces).where(nonces.c.used_at.is_not(None)).subquery("nonces")
TABLES = (verifications, card_events, evidence, idempotency, USED)


def rows(town: Town) -> dict[str, int]:
    with town.site.database.begin() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in TABLES
        }


def asked(client: Client, kind: str, card: Json, card_id: str) -> Operation:
    if kind == "verification":
        return client.verify(card)
    return client.register(new_card()) if kind == "registration" else client.report_lost(card, card_id)


WRITTEN = {
    "verification": {"verifications": 1, "evidence": 1, "idempotency": 1, "nonces": 1},
    "registration": {"card_events": 1, "evidence": 1, "idempotency": 1},
    "loss": {"card_events": 1, "evidence": 1, "idempotency": 1},
}


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "point"),
    [
        ("verification", "compared"),
        ("verification", "written"),
        ("verification", "answer"),
        ("registration", "written"),
        ("registration", "answer"),
        ("loss", "written"),
        ("loss", "answer"),
    ],
)
def test_a_kill_between_decision_and_answer(town: Town, tmp_path: Path, kind: str, point: str) -> None:
    mark = tmp_path / "died"
    mark.touch()
    town.site.start("--die-at", point, "--mark", str(mark))
    town.settle(terminals=1)
    mark.unlink()
    terminal, authority = town.clients
    number, card_id = next(iter(town.cards.ids.items()))
    card = town.cards.cards[number]
    before = rows(town)
    client = terminal if kind == "verification" else authority
    client.give_up_percent = 100

    cut = asked(client, kind, card, card_id)
    town.site.await_death()
    assert (cut.answer, cut.cut) == (None, 1), "no byte of an answer came"
    added = {name: count - before[name] for name, count in rows(town).items() if count != before[name]}
    assert added == (WRITTEN[kind] if point == "answer" else {}), "all or nothing"
    with town.site.database.begin() as connection:
        decided = connection.execute(select(idempotency.c.answer).where(idempotency.c.key == cut.key)).scalar()

    town.site.start()
    answer = client.send(cut)
    assert answer is not None
    assert answer.status == (200 if kind == "verification" else 201)
    told = json.loads(answer.content)
    if point == "answer":
        assert promised(told) == decided, "what was decided then, not another decision"
    added = {name: count - before[name] for name, count in rows(town).items() if count != before[name]}
    assert added == WRITTEN[kind], "once"
    assert same(answer, client.send(cut))
    cut.answer = answer
    assert town.broken_promises() == []
