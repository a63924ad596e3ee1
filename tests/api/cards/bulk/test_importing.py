"""Files read into the register: whole rows with events and evidence, bad ones told, resumable."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from starlette.testclient import TestClient

from api.cards.bulk import importing
from api.cards.bulk.importing import ImportMoved, Tally
from api.evidence import fsck
from api.evidence.sequencer import drain
from api.institutions import principals
from api.institutions.caller import Caller
from api.institutions.roles import Role
from api.service import Service
from api.storage.database import Database
from api.storage.tables import acts, card_events, cards, evidence
from tests.api.bodies import Json, new_card, verify
from tests.api.entries import new_key


@pytest.fixture
def caller(service: Service) -> Caller:
    key = new_key(service.database, service.keys, Role.AUTHORITY)
    with service.database.begin() as connection:
        found = principals.authenticate(connection, key)
    assert found is not None
    return found


def written(path: Path, rows: list[Json]) -> Path:
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    return path


def load(service: Service, caller: Caller, path: Path, faults: list[Any] | None = None) -> Tally:
    told: list[Any] = [] if faults is None else faults
    return importing.load(service.database, service.keys, caller, path, lambda *fault: told.append(fault))


def counted(service: Service, caller: Caller) -> tuple[int, int, int]:
    """Cards, events and leaves of events of this authority."""
    of_caller = select(card_events.c.id).where(card_events.c.recorded_by == caller.principal_id)
    with service.database.begin() as connection:
        return tuple(  # type: ignore[return-value]
            connection.execute(statement).scalar_one()
            for statement in (
                select(func.count()).select_from(cards).where(cards.c.registered_by == caller.principal_id),
                select(func.count()).select_from(of_caller.subquery()),
                select(func.count()).select_from(evidence).where(evidence.c.subject_id.in_(of_caller)),
            )
        )


def test_cards_of_a_file_are_registered_with_their_status(
    service: Service, caller: Caller, terminal: TestClient, tmp_path: Path
) -> None:
    sound, lost, stolen = new_card(serial="AB12"), new_card(valid_to="长期"), new_card(valid_to=None)
    rows = [sound, {**lost, "status": "card_reported_lost"}, {**stolen, "status": "card_reported_stolen"}]
    faults: list[Any] = []
    assert load(service, caller, written(tmp_path / "a.jsonl", rows), faults) == Tally(3, 3, 0)
    assert faults == []
    assert counted(service, caller) == (3, 5, 5)
    shown = [verify(terminal, card)["document"]["status"] for card in (sound, lost, stolen)]
    assert shown == ["valid", "card_reported_lost", "card_reported_stolen"]
    drain(service.database, service.keys)
    with service.database.begin() as connection:
        assert fsck.check(connection, service.keys).findings == []


def test_a_card_without_templates_says_what_keeps_its_holder_from_passing(
    service: Service, caller: Caller, terminal: TestClient, tmp_path: Path
) -> None:
    card = new_card()
    load(service, caller, written(tmp_path / "cards.jsonl", [card]))
    answer = verify(terminal, card, chip_photo="person:a")
    assert (answer["decision"], answer["person"]["reasons"]) == ("REVIEW", ["match"])
    assert answer["document"]["reasons"] == ["chip_photo_unconfirmed"]


def test_bad_rows_are_left_out_and_told_by_line_field_and_code(
    service: Service, caller: Caller, tmp_path: Path
) -> None:
    known, good = new_card(), new_card()
    load(service, caller, written(tmp_path / "known.jsonl", [known]))
    rows: list[Any] = [
        good,
        {**new_card(), "number": "110105194912310021"},
        {**new_card(), "valid_from": "yesterday"},
        {**new_card(), "valid_to": "2001-01-01"},
        known,
        good,
        {**new_card(), "status": "card_expired"},
        {**new_card(), "colour": "blue"},
        ["no card"],
        {**new_card(), "type": "passport"},
        {name: value for name, value in new_card().items() if name != "issuer"},
    ]
    faults: list[Any] = []
    assert load(service, caller, written(tmp_path / "a.jsonl", rows), faults) == Tally(11, 1, 10)
    assert faults == [
        (2, "number", "number_check_digit"),
        (3, "valid_from", "request_invalid"),
        (4, "", "valid_to_before_valid_from"),
        (5, "", "card_exists"),
        (6, "", "card_exists"),
        (7, "status", "request_invalid"),
        (8, "", "request_invalid"),
        (9, "", "row_malformed"),
        (10, "type", "card_type_unsupported"),
        (11, "issuer", "request_invalid"),
    ]
    assert counted(service, caller) == (2, 2, 2)


def test_an_import_goes_on_where_it_broke_off(
    service: Service, caller: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 10)
    path = written(tmp_path / "a.jsonl", [new_card() for _ in range(35)])
    real, chunks = importing._tell, 0

    def dying(*arguments: Any) -> None:
        nonlocal chunks
        chunks += 1
        real(*arguments)
        if chunks == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(importing, "_tell", dying)
    with pytest.raises(KeyboardInterrupt):
        load(service, caller, path)
    assert counted(service, caller) == (20, 20, 20), "whole chunks only"
    monkeypatch.setattr(importing, "_tell", real)
    assert load(service, caller, path) == Tally(35, 35, 0)
    assert counted(service, caller) == (35, 35, 35)
    assert load(service, caller, path) == Tally(35, 35, 0), "a file that is done is done"
    with service.database.begin() as connection:
        told = select(func.count()).select_from(acts)
        by_caller = told.where(acts.c.act == "cards_imported", acts.c.actor_id == caller.principal_id)
        assert connection.execute(by_caller).scalar_one() == 1


def test_two_imports_of_one_file_do_not_mix(
    service: Service, caller: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 10)
    path = written(tmp_path / "a.jsonl", [new_card() for _ in range(20)])
    real, inner = importing._sound, False

    def overtaken(*arguments: Any) -> Any:
        nonlocal inner
        if not inner:
            inner = True
            load(service, caller, path)
        return real(*arguments)

    monkeypatch.setattr(importing, "_sound", overtaken)
    with pytest.raises(ImportMoved):
        load(service, caller, path)
    assert counted(service, caller) == (20, 20, 20)


def test_what_was_read_in_is_sealed(service: Service, caller: Caller, tmp_path: Path) -> None:
    card = new_card(serial="SERIAL77")
    load(service, caller, written(tmp_path / "a.jsonl", [card]))
    assert isinstance(service.database, Database)
    with service.database.begin() as connection:
        row = connection.execute(select(cards).where(cards.c.registered_by == caller.principal_id)).one()
    assert card["number"] not in str(tuple(row))
    assert "SERIAL77" not in str(tuple(row))
