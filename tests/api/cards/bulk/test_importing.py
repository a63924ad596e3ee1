"""Files read into the register: whole rows with events and evidence, bad ones told, resumable."""

import json
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, exc, func, select, text
from starlette.testclient import TestClient

from api.cards.bulk import importing
from api.cards.bulk.importing import ImportMoved, Tally
from api.cards.identity import indexes
from api.cards.schemas import CardBody
from api.institutions import credentials, principals
from api.institutions.caller import Caller
from api.institutions.credentials import KeyRevoked
from api.institutions.roles import Role
from api.service import Service
from api.storage.copying import copy_rows
from api.storage.database import Database
from api.storage.errors import DatabaseUnavailable
from api.storage.tables import acts, card_events, cards, evidence
from tests.api.bodies import Json, new_card, register, registration, report, verify
from tests.api.books import findings
from tests.api.conftest import NewClient
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
    assert findings(service) == []


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
        {**new_card(), "valid_from": "2046-11-31", "valid_to": "2020/01/01", "status": "lost", "serial": 7},
    ]
    faults: list[Any] = []
    assert load(service, caller, written(tmp_path / "a.jsonl", rows), faults) == Tally(12, 1, 11)
    assert faults == [
        (2, "number", "number_check_digit"),
        (3, "valid_from", "day_invalid"),
        (4, "", "valid_to_before_valid_from"),
        (5, "", "card_exists"),
        (6, "", "card_exists"),
        (7, "status", "status_unknown"),
        (8, "", "request_invalid"),
        (9, "", "row_malformed"),
        (10, "type", "card_type_unsupported"),
        (11, "issuer", "request_invalid"),
        (12, "serial", "request_invalid"),
        (12, "status", "status_unknown"),
        (12, "valid_from", "day_invalid"),
        (12, "valid_to", "day_invalid"),
    ]
    assert counted(service, caller) == (2, 2, 2)


def test_an_import_goes_on_where_it_broke_off(
    service: Service, caller: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 10)
    path = written(tmp_path / "a.jsonl", [new_card() for _ in range(35)])
    real, chunks = importing._tell, 0

    def dying(*arguments: Any) -> Any:
        nonlocal chunks
        chunks += 1
        told = real(*arguments)
        if chunks == 3:
            raise KeyboardInterrupt
        return told

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


def test_two_imports_of_the_same_cards_in_opposite_orders_both_end(
    service: Service, caller: Caller, tmp_path: Path
) -> None:
    """Each waits for cards that the other has registered and not committed yet: never both at once."""
    for turn in range(4):
        rows = [new_card() for _ in range(400)]
        there = written(tmp_path / f"there-{turn}.jsonl", rows)
        back = written(tmp_path / f"back-{turn}.jsonl", rows[::-1])
        shuffled = written(tmp_path / f"shuffled-{turn}.jsonl", random.Random(turn).sample(rows, len(rows)))
        together = threading.Barrier(3)

        def read(path: Path, together: threading.Barrier = together) -> Tally:
            together.wait()
            return load(service, caller, path)

        with ThreadPoolExecutor(3) as pool:
            tallies = list(pool.map(read, (there, back, shuffled)))
        assert sum(tally.registered for tally in tallies) == 400
        assert sum(tally.left_out for tally in tallies) == 800


@pytest.mark.parametrize(("order", "registered"), [(importing._TAKE, ["0", "2"]), ("", ["2", "40P01"])], ids=bool)
def test_cards_are_taken_in_one_order_whatever_the_files(
    service: Service, caller: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: str, registered: list[str]
) -> None:
    """Slowed down, so that each has its first row while the other asks for it: with the order taken out they stop each
    other, and the database ends one of them."""
    take = order or importing._TAKE.replace(" ORDER BY instance_index", "")
    monkeypatch.setattr(importing, "_TAKE", take.replace("RETURNING id", "RETURNING id, pg_sleep(1.5)"))
    first, last = sorted((new_card() for _ in range(2)), key=lambda card: index_of(service, card))
    together = threading.Barrier(2)

    def read(path: Path) -> str:
        together.wait()
        try:
            return str(load(service, caller, path).registered)
        except DatabaseUnavailable as error:
            return str(error).rpartition(" ")[2]

    paths = [written(tmp_path / "a.jsonl", [first, last]), written(tmp_path / "b.jsonl", [last, first])]
    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(read, paths)) == registered


def index_of(service: Service, card: Json) -> bytes:
    return indexes(service.keys.index, CardBody.model_validate(card).identity()).instance


def test_a_revoked_key_imports_no_further_chunk(
    service: Service, caller: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 10)
    path = written(tmp_path / "a.jsonl", [new_card() for _ in range(30)])
    seen: list[int] = []

    def revoke(tally: Tally) -> None:
        seen.append(tally.rows_done)
        if tally.rows_done == 20:
            with service.database.begin() as connection:
                credentials.revoke(
                    connection, service.keys, caller.key_id, caller.institution_id, actor_id=caller.principal_id
                )

    with pytest.raises(KeyRevoked):
        importing.load(service.database, service.keys, caller, path, lambda *_: None, revoke)
    assert seen == [10, 20]
    assert counted(service, caller) == (20, 20, 20)


def test_a_key_revoked_after_the_last_chunk_ends_no_file(service: Service, caller: Caller, tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", [new_card()])

    def revoke(_: Tally) -> None:
        with service.database.begin() as connection:
            credentials.revoke(connection, service.keys, caller.key_id, caller.institution_id, actor_id=None)

    with pytest.raises(KeyRevoked):
        importing.load(service.database, service.keys, caller, path, lambda *_: None, revoke)


def events_of(client: TestClient, card_id: str) -> list[str]:
    return [event["event"] for event in client.get(f"/v1/cards/{card_id}").json()["events"]]


DEAD = {"status": "holder_deceased"}


def other(card: Json, **changes: Any) -> Json:
    """Another card of the same person."""
    return {**card, "valid_from": "2026-03-01", "valid_to": "2046-03-01", **changes}


@pytest.mark.parametrize("chunk", [1, 100])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_death_in_a_file_is_of_every_card_of_the_number(
    service: Service,
    caller: Caller,
    terminal: TestClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    chunk: int,
    order: tuple[int, ...],
) -> None:
    """Whichever row comes first, in the same chunk or in another."""
    monkeypatch.setattr(importing, "CHUNK", chunk)
    card = new_card()
    rows = [other(card), {**card, **DEAD}, {**other(card, issuer="b"), "status": "card_reported_lost"}]
    stranger = new_card()
    path = written(tmp_path / "a.jsonl", [*(rows[at] for at in order), stranger])
    assert load(service, caller, path).registered == 4
    for row in rows:
        shown = {name: value for name, value in row.items() if name != "status"}
        assert verify(terminal, shown)["document"]["status"] == "holder_deceased"
    assert verify(terminal, stranger)["document"]["status"] == "valid"
    assert counted(service, caller) == (4, 8, 8)
    assert findings(service) == []


def test_a_death_in_a_file_reaches_others_cards_and_tells_their_authorities(
    service: Service, authority: TestClient, new_client: NewClient, terminal: TestClient, tmp_path: Path
) -> None:
    """As where it is reported; see `test_succession`."""
    name = "bulk deaths"
    reader = named_caller(service, name)
    own_id, card = register(new_client(Role.AUTHORITY, name))
    other_id, theirs = register(authority, other(card, issuer="上海市公安局"))
    tally = load(service, reader, written(tmp_path / "a.jsonl", [{**other(card), **DEAD}]))
    assert tally.also_dead == 1, "their own; of others' cards not even the number is told"
    own = new_client(Role.AUTHORITY, name)
    assert events_of(own, own_id) == ["registered", "holder_deceased"]
    assert events_of(authority, other_id) == ["registered", "holder_deceased"]
    assert verify(terminal, theirs)["document"]["status"] == "holder_deceased"
    (alert,) = authority.get("/v1/alerts").json()["items"]
    assert (alert["kind"], alert["card_id"]) == ("holder_deceased_elsewhere", other_id)
    assert alert["details"]["reported_by"] == str(reader.institution_id)
    assert own.get("/v1/alerts").json()["items"] == [], "their own cards are not told of"
    assert findings(service) == []


def test_whom_this_authority_recorded_dead_comes_in_dead_and_whom_another_did_does_not(
    service: Service, authority: TestClient, new_client: NewClient, terminal: TestClient, tmp_path: Path
) -> None:
    name = "bulk dead before"
    reader = named_caller(service, name)
    own_id, own = register(new_client(Role.AUTHORITY, name))
    report(new_client(Role.AUTHORITY, name), own_id, "holder_deceased")
    other_id, theirs = register(authority)
    report(authority, other_id, "holder_deceased")
    load(service, reader, written(tmp_path / "a.jsonl", [other(own), other(theirs)]))
    assert verify(terminal, other(own))["document"]["status"] == "holder_deceased"
    assert verify(terminal, other(theirs))["document"]["status"] == "valid", "a stranger's report binds nobody else"


def test_a_card_is_not_registered_while_a_file_records_its_holder_dead(
    service: Service, new_client: NewClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new card waits for the death, and is refused: it would else be the one good card of somebody dead."""
    name = "bulk death meanwhile"
    reader, own = named_caller(service, name), new_client(Role.AUTHORITY, name)
    card = new_card()
    real, answers = importing._tell, []

    def meanwhile(*arguments: Any) -> Any:
        asked = threading.Thread(target=lambda: answers.append(own.post("/v1/cards", json=asked_for).json()))
        asked.start()
        asked.join(0.5)
        assert asked.is_alive(), "it waits"
        waiting.append(asked)
        return real(*arguments)

    asked_for, waiting = registration(other(card)), list[threading.Thread]()
    monkeypatch.setattr(importing, "_tell", meanwhile)
    load(service, reader, written(tmp_path / "a.jsonl", [{**card, **DEAD}]))
    waiting[0].join(10)
    assert answers[0]["code"] == "holder_recorded_deceased"


def test_rows_with_deaths_make_short_chunks(
    service: Service, caller: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "MOST_DEATHS", 2)
    path = written(tmp_path / "a.jsonl", [new_card(), *({**new_card(), **DEAD} for _ in range(3)), new_card()])
    seen: list[int] = []
    importing.load(service.database, service.keys, caller, path, lambda *_: None, lambda at: seen.append(at.rows_done))
    assert seen == [3, 5]


def named_caller(service: Service, name: str) -> Caller:
    key = new_key(service.database, service.keys, Role.AUTHORITY, name)
    with service.database.begin() as connection:
        found = principals.authenticate(connection, key)
    assert found is not None
    return found


@contextmanager
def without_a_server(connection: Connection) -> Iterator[None]:
    """The server ends this connection."""
    pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with connection.engine.connect() as beside:
        beside.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    yield


def test_a_server_that_is_gone_in_the_middle_of_a_copy_is_told_as_such(service: Service) -> None:
    """Not as the driver's own error, which nobody above knows."""
    with (
        pytest.raises(DatabaseUnavailable),
        service.database.begin() as connection,
        without_a_server(connection),
    ):
        copy_rows(connection, cards, ("id",), [])
    service.database.check()


def test_rows_that_the_table_does_not_take_are_told_without_them(service: Service) -> None:
    with pytest.raises(exc.DBAPIError) as told, service.database.begin() as connection:
        copy_rows(connection, cards, ("issuer",), [("somebody's",)])
    assert "somebody's" not in str(told.value)
