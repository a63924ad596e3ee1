"""The first master key, retired: everything that it wrapped or sealed is under another one, and it is not missed."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import MetaData, select, update

from api import service as services
from api.cards.number import sealed_as
from api.institutions.roles import Role
from api.personal.texts import TEXTS, reseal_texts, under_first
from api.screening import cases
from api.service import Service
from api.settings import Settings
from api.storage import tables
from api.storage.errors import SealBroken
from api.storage.keys import load
from api.storage.recordkeys import tables as of_keys
from api.storage.recordkeys.sweeping import SEALED
from api.storage.recordkeys.texts import open_text, seal_text
from api.storage.sealing import record_key_of, seal
from tests.api.bodies import register, verify
from tests.api.cli.conftest import CommandLine, renzheng
from tests.api.databases import own_database
from tests.api.screening.conftest import Town
from tests.api.screening.entries import act, somebody
from tests.api.scripted import ScriptedComparer

__all__ = ["renzheng"]


@pytest.fixture(scope="module")
def replica(service: Service, migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service of its own."""
    with own_database(service, migrated) as database:
        home, address = tmp_path_factory.mktemp("retiring"), database.url.render_as_string(hide_password=False)
        built = services.build(Settings(home=home, database_url=address, receipt_wait_s=0), ScriptedComparer())
        yield built
        built.close()


def as_before(service: Service, table: str, column: str, subject_id: UUID, value: bytes, context: str) -> None:
    """Seal a text as versions before the texts' key did."""
    held = tables.metadata.tables[table]
    sealed = seal(service.keys.master, value, context)
    with service.database.begin() as connection:
        connection.execute(update(held).where(held.c.id == subject_id).values({column: sealed}))


def number_of(service: Service, card_id: UUID) -> tuple[bytes, str]:
    """A card's number as it is sealed, and in clear."""
    with service.database.begin() as connection:
        card = select(tables.cards.c.number_sealed).where(tables.cards.c.id == card_id)
        sealed: bytes = connection.execute(card).scalar_one()
    return sealed, open_text(service.keys, sealed, sealed_as(card_id)).decode()


def everything(service: Service) -> str:
    """Every value of every table of both databases."""

    def rows(database: Any, metadata: MetaData) -> Iterator[str]:
        with database.begin() as connection:
            for table in metadata.sorted_tables:
                for row in connection.execute(select(table)):
                    yield repr(tuple(row))

    store = service.keys.of_records.database
    return "\n".join(chain(rows(service.database, tables.metadata), rows(store, of_keys.metadata)))


def test_every_sealed_column_is_known() -> None:
    """A new one is sealed anew with the others, and its key is not swept."""
    held = {
        (table.name, column.name)
        for table in tables.metadata.sorted_tables
        for column in table.columns
        if column.name.endswith("_sealed")
    }
    assert held == set(SEALED)
    templates = {("templates", "template_sealed"), ("impostor_templates", "template_sealed")}
    assert {(one.table, one.column) for one in TEXTS} == held - templates


def test_texts_from_before_open_and_are_sealed_anew(replica: Service) -> None:
    town = Town([replica])
    (card_id, card), (broken, _) = (register(town.new(Role.AUTHORITY), face=somebody()) for _ in range(2))
    one, other = UUID(card_id), UUID(broken)
    _, number = number_of(replica, one)
    sound, _ = number_of(replica, other)
    as_before(replica, "cards", "number_sealed", one, number.encode(), sealed_as(one))
    as_before(replica, "cards", "number_sealed", other, b"?", "another card's")
    assert number_of(replica, one)[1] == card["number"], "before it is done"
    told: list[int] = []
    assert reseal_texts(replica.database, replica.keys, told.append, rows_at_once=1) == (1, 1)
    assert sum(told) == 1
    sealed, again = number_of(replica, one)
    assert again == number
    assert record_key_of(sealed) == replica.keys.of_records.of_texts
    assert under_first(replica.database) == 1
    assert reseal_texts(replica.database, replica.keys) == (0, 1), "what is done is done"
    with replica.database.begin() as connection:
        connection.execute(update(tables.cards).where(tables.cards.c.id == other).values(number_sealed=sound))
    assert under_first(replica.database) == 0


def test_a_text_in_anothers_place_does_not_open(replica: Service) -> None:
    envelope = seal_text(replica.keys, b"text", "here")
    assert open_text(replica.keys, envelope, "here") == b"text"
    for damaged, place in ((envelope, "there"), (envelope[:-1], "here"), (b"", "here")):
        with pytest.raises(SealBroken):
            open_text(replica.keys, damaged, place)


def test_the_key_of_an_entry_that_ended_goes_at_once(replica: Service) -> None:
    """Nobody waits for the clock, and its leaf says so."""
    town = Town([replica])
    listed = town.listed(somebody())
    with replica.database.begin() as connection:
        held = tables.impostor_templates
        sealed = select(held.c.template_sealed).where(held.c.impostor_id == UUID(listed))
        key_id = record_key_of(connection.execute(sealed).scalar_one())
    assert key_id is not None
    assert key_id in replica.keys.of_records.read([key_id])
    act(town.new(Role.SUPERVISOR), listed, "remove")
    assert replica.keys.of_records.read([key_id]) == {}
    with replica.database.begin() as connection:
        told = select(tables.acts.c.details).where(tables.acts.c.act == "record_keys_erased")
        assert str(key_id) in {one for details in connection.execute(told).scalars() for one in details["keys"]}


def test_after_the_old_key_is_retired_everything_opens(replica: Service, renzheng: CommandLine) -> None:
    """And no table of either database names it any more."""
    town, word, keys = Town([replica]), somebody(), replica.keys
    card_id, card = register(town.new(Role.AUTHORITY), face=word)
    listed = UUID(town.listed(word, case_reference="A-17"))
    one = UUID(card_id)
    as_before(replica, "cards", "number_sealed", one, card["number"].encode(), sealed_as(one))
    as_before(replica, "impostors", "case_sealed", listed, b"A-17", cases.context(listed))
    old = keys.of_records.chosen
    assert old == keys.master_id
    assert old in everything(replica)
    renzheng.environment |= {
        "RENZHENG_HOME": str(replica.settings.home),
        "RENZHENG_DATABASE_URL": replica.database.url.render_as_string(hide_password=False),
    }
    name = renzheng("keys", "new-master").stdout.strip()
    refused = renzheng("keys", "retire", old)
    assert refused.exit_code == 1, "it seals and wraps"
    done = renzheng("keys", "rotate", "--to", name)
    assert done.exit_code == 0, done.output
    assert "2 things sealed anew" in done.stdout
    assert keys.of_records.by_master().keys() == {name}
    assert old not in everything(replica)
    done = renzheng("keys", "retire", old)
    assert done.exit_code == 0, done.output
    folder = replica.settings.keys_dir
    assert load(folder).master_id == name
    assert renzheng("keys", "retire", old).exit_code == 3, "there is none"
    started = services.build(replica.settings, ScriptedComparer())
    try:
        assert started.keys.master_id == name
        assert started.keys.of_records.masters.names() == [name]
        assert number_of(started, one)[1] == card["number"]
        with started.database.begin() as connection:
            case = select(tables.impostors.c.case_sealed).where(tables.impostors.c.id == listed)
            assert cases.opened(started.keys, listed, connection.execute(case).scalar_one()) == "A-17"
        answer = verify(Town([started]).new(Role.TERMINAL), card, face=word)
        assert {"match", "screening_hit"} <= set(answer["person"]["reasons"])
    finally:
        started.close()
    # The replica that ran all the time has the old key in memory, and needs it for nothing.
    assert number_of(replica, one)[1] == card["number"]


def test_a_first_key_goes_also_where_the_chosen_one_is_in_no_file(tmp_path: Path) -> None:
    from api.storage.recordkeys.masters import new_file, remove_file

    first = load(tmp_path).master_id
    assert not remove_file(tmp_path, "0123456789abcdef", "transit:renzheng")
    assert remove_file(tmp_path, first, "transit:renzheng")
    assert load(tmp_path).master_id != first, "one that wraps nothing"
    second, chosen = load(tmp_path).master_id, new_file(tmp_path)
    assert remove_file(tmp_path, second, chosen)
    assert load(tmp_path).master_id == chosen
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("master*.key")} == {0o600}
