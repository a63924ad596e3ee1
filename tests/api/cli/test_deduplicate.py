"""`renzheng deduplicate` over a register of its own, with templates as the engines make them; `renzheng duplicates`."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from datetime import date
from hashlib import sha256
from uuid import uuid4

import numpy as np
import pytest
from fastapi import FastAPI
from sqlalchemy import func, select, text

from api.cards import holdings, register, templates
from api.cards.identity import CardIdentity, indexes
from api.cards.leaves import event_leaf
from api.duplicates import searches
from api.evidence import leaves
from api.feed.snapshots.publishing import deployment_id
from api.institutions import principals
from api.institutions.roles import Role
from api.matching.comparison import EnrolledTemplate
from api.service import Service
from api.storage.copying import copy_rows
from api.storage.database import Database
from api.storage.keys import Keys
from api.storage.recordkeys.opening import with_records
from api.storage.sealing import seal
from api.storage.tables import cards, duplicate_blocks, duplicate_cases, duplicate_searches
from api.storage.tables import templates as stored
from biometrics.face import FaceEngine, FaceTemplate
from tests.api.bodies import new_number
from tests.api.bodies import register as register_card
from tests.api.cli.conftest import CommandLine
from tests.api.clients import KeyedClient
from tests.api.duplicates.filed import file_case
from tests.api.entries import new_key

COMMAND = ("deduplicate", "--case-reference", "Q-17", "--threads", "1")


def fill(database: Database, keys: Keys, key: str, people: int, planted: int) -> None:
    """A register of people with random faces, of whom the last `planted` hold a second number each."""
    with database.begin() as connection:
        caller = principals.authenticate(connection, key)
        assert caller is not None
        for face in faces(people, planted):
            card = CardIdentity(new_number(), "bureau", date(2016, 3, 1), None)
            event = register.add(connection, keys, card, indexes(keys.index, card), caller)
            made = EnrolledTemplate("face", None, FaceEngine.engine, face, 80.0)
            templates.add(connection, keys, event.card_id, (made,))
            event = holdings.record(connection, keys, event)
            leaf = event_leaf(caller, event)
            leaves.append(connection, keys, "card_event", event.id, event.recorded_at, leaf)


def fill_fast(database: Database, keys: Keys, key: str, people: int, planted: int) -> None:
    """As `fill`, without what tells of it."""
    with database.begin() as connection:
        caller = principals.authenticate(connection, key)
        assert caller is not None
        given = [(uuid4(), uuid4(), new_number(), face) for face in faces(people, planted)]
        columns = ("id", "instance_index", "number_index", "number_sealed", "type", "issuer", "valid_from", "status")
        rows = (
            (card, card.bytes, sha256(number.encode()).digest(), b"", "resident", "b", date(2016, 3, 1), "valid")
            for card, _, number, _ in given
        )
        copy_rows(connection, cards, (*columns, "registered_by"), ((*row, caller.principal_id) for row in rows))
        copy_rows(
            connection,
            stored,
            ("id", "card_id", "modality", "engine", "template_sealed", "master_key_id"),
            (
                (one, card, "face", FaceEngine.engine, seal(keys.master, face, templates.context(one, card)), "k")
                for card, one, _, face in given
            ),
        )


def faces(people: int, planted: int) -> list[bytes]:
    drawn = np.random.default_rng(7).standard_normal((people, 128))
    return [FaceTemplate.of(FaceEngine.engine, one, 80).to_bytes() for one in (*drawn, *drawn[-planted:])]


@pytest.fixture
def register_line(log_line: CommandLine, logged: Database, service: Service) -> CommandLine:
    """The command line of an authority on a register of 12 identities of 10 people."""
    key = new_key(logged, service.keys, Role.AUTHORITY, "bureau")
    log_line.environment |= {"RENZHENG_KEY": key}
    settings = service.settings.model_copy(update={"database_url": log_line.environment["RENZHENG_DATABASE_URL"]})
    with logged.begin() as connection:
        deployment = deployment_id(connection)
    with closing(with_records(settings, logged, service.keys, deployment).of_records) as records:
        fill(logged, replace(service.keys, records=records), key, 10, 2)
    return log_line


def test_a_register_is_searched_and_the_outcome_told(register_line: CommandLine) -> None:
    done = register_line(*COMMAND)
    assert (done.exit_code, done.stdout) == (
        0,
        "已比对 12 人，相似 2 对；新立案 2 件，更新 0 件，未变 0 件。"
        " 12 people compared, 2 pairs alike: 2 cases opened, 0 changed, 0 as they were.\n",
    ), done.output
    again = register_line(*COMMAND)
    assert "2 pairs alike: 0 cases opened, 0 changed, 2 as they were." in again.stdout
    assert not list((register_line.folder / "duplicates").iterdir())
    assert register_line("fsck").exit_code == 0


def test_people_who_cannot_be_compared_are_told_and_end_it_with_1(register_line: CommandLine, logged: Database) -> None:
    with logged.begin() as connection:
        some = "id IN (SELECT id FROM templates ORDER BY id LIMIT {})"
        connection.execute(text(f"UPDATE templates SET engine = 'older-1' WHERE {some.format(1)}"))
        connection.execute(
            text(
                "UPDATE templates SET template_sealed = 'x' WHERE id IN"
                " (SELECT id FROM templates WHERE engine <> 'older-1' ORDER BY id LIMIT 2)"
            )
        )
    done = register_line(*COMMAND)
    assert done.exit_code == 1, done.output
    assert "1 person with faces of other recognisers only were left out" in done.stdout
    assert "2 faces could not be opened and were left out." in done.stdout
    assert "9 people compared" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("deduplicate",), "--case-reference"),
        (("deduplicate", "--case-reference", " "), "case_reference_invalid"),
        (("deduplicate", "--case-reference", "110105194912310021"), "case_reference_invalid"),
        ((*COMMAND, "--purpose", "张三"), "purpose_invalid"),
        ((*COMMAND, "--false-per-1000", "0"), "--false-per-1000"),
        ((*COMMAND, "--engine", "abacus"), "--engine"),
        ((*COMMAND, "--engine", "ray"), "renzheng[ray]"),
        ((*COMMAND, "--address", "auto"), "--engine ray"),
    ],
)
def test_what_is_no_search(
    renzheng: CommandLine, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # as where it is not installed
    done = renzheng(*arguments)
    assert done.exit_code == 2, done.output
    assert said in done.output


def test_who_may_not_search_and_what_runs_already(
    register_line: CommandLine, logged: Database, service: Service
) -> None:
    with searches.alone(logged):
        busy = register_line(*COMMAND)
    assert busy.exit_code == 3
    assert "Another search for duplicates is running." in busy.stderr
    register_line.environment |= {"RENZHENG_KEY": new_key(logged, service.keys, Role.SUPERVISOR)}
    refused = register_line(*COMMAND)
    assert refused.exit_code == 3
    assert "not an issuing authority's" in refused.stderr
    with logged.begin() as connection:
        assert connection.execute(select(func.count()).select_from(duplicate_searches)).scalar_one() == 0


def test_cases_are_listed_shown_and_decided(authority_line: CommandLine, service: Service, app: FastAPI) -> None:
    line = authority_line
    key = line.environment["RENZHENG_KEY"]
    assert key is not None
    client = KeyedClient(app, headers={"Authorization": f"Bearer {key}"})
    held = [register_card(client, face=None, right_index="person:x")[0] for _ in range(2)]
    case = file_case(service, key, *held, kind="face_alike_fingers_differ")
    listed = line("duplicates", "list", "--state", "open", "--kind", "kin_or_twins")
    assert (listed.exit_code, listed.stdout.splitlines()[1].split("\t")[:6]) == (
        0, [case, "kin_or_twins", "open", "1", "14.75", "2"],
    ), listed.output  # fmt: skip
    shown = line("duplicates", "show", case)
    assert shown.exit_code == 0, shown.output
    for words in ("近亲或双胞胎", "待处理", *held, "8.25", "6.50", "right_index", "2.5e-07 (extrapolated)"):
        assert words in shown.stdout
    assert json.loads(line("duplicates", "show", case, "--json").stdout)["id"] == case
    proposed = line("duplicates", "decide", case, "confirmed", "--revision", "1", "--reason", "a scar")
    assert "proposed 待他人认定 · revision 2" in proposed.stdout, proposed.output
    alone = line("duplicates", "decide", case, "confirmed", "--revision", "2", "--reason", "a scar")
    assert (alone.exit_code, "second_person_needed" in alone.stderr) == (3, True)
    members = [who["id"] for who in json.loads(line("duplicates", "show", case, "--json").stdout)["members"]]
    named = [part for one in members for part in ("--member", one)]
    stale = line("duplicates", "decide", case, "rejected", "--revision", "1", "--reason", "twins", "--json")
    assert (stale.exit_code, json.loads(stale.stdout)["code"]) == (3, "duplicate_changed")
    unfit = line("duplicates", "decide", case, "rejected", "--revision", "2", "--reason", "twins", *named)
    assert "duplicate_members_unknown" in unfit.stderr
    rejected = line("duplicates", "decide", case, "rejected", "--revision", "2", "--reason", "twins")
    assert "rejected 已排除 · revision 3" in rejected.stdout, rejected.output
    assert "理由 reason: twins" in line("duplicates", "show", case).stdout
    assert line("duplicates", "list", "--state", "open").stdout == ""
    assert "not_found" in line("duplicates", "show", held[0]).stderr


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "nowhere", "127.0.0.1:x"])
def test_a_cluster_that_is_not_there_is_told_at_once(renzheng: CommandLine, address: str) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: the address of a cluster is not tested")
    done = renzheng(*COMMAND, "--engine", "ray", "--address", address)
    assert (done.exit_code, "The Ray cluster cannot be used" in done.stderr) == (3, True), done.output


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_cluster_finds_the_same(register_line: CommandLine) -> None:
    """On a cluster that the command starts; the engine's own tests are in `tests/api/duplicates/test_ray.py`."""
    pytest.importorskip("ray", reason="Ray is not installed: the engine of a cluster is not tested")
    done = register_line(*COMMAND, "--engine", "ray")
    assert done.exit_code == 0, done.output
    assert "12 people compared, 2 pairs alike: 2 cases opened" in done.stdout
    again = register_line(*COMMAND)
    assert "2 pairs alike: 0 cases opened, 0 changed, 2 as they were." in again.stdout, "as this machine finds it"


def blocks_done(database: Database) -> int:
    with database.begin() as connection:
        done: int = connection.execute(select(func.count()).select_from(duplicate_blocks)).scalar_one()
    return done


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_search_that_is_killed_goes_on(log_line: CommandLine, logged: Database, service: Service) -> None:
    """SIGKILL between two blocks; the same command finds all that were planted, and each block was done once."""
    key = new_key(logged, service.keys, Role.AUTHORITY, "bureau")
    fill_fast(logged, service.keys, key, 20_000, 20)
    log_line.environment |= {"RENZHENG_KEY": key}
    environment = {**os.environ, **{name: value for name, value in log_line.environment.items() if value is not None}}
    output = log_line.folder / "output"
    with output.open("wb") as file:
        command = [sys.executable, "-m", "api.cli", *COMMAND]
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT)
    try:
        until = time.monotonic() + 400
        while not blocks_done(logged):
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < until
            time.sleep(0.005)
        with logged.begin() as connection:
            # The next block cannot be noted while somebody holds the search.
            connection.execute(select(duplicate_searches).with_for_update())
            process.send_signal(signal.SIGKILL)
            process.wait()
    finally:
        process.kill()
        process.wait()
    assert blocks_done(logged) in {1, 2}
    with logged.begin() as connection:
        (state,) = connection.execute(select(duplicate_searches.c.state)).scalars()
        assert (state, connection.execute(select(duplicate_cases)).first()) == ("running", None)
    rest = log_line(*COMMAND)
    assert rest.exit_code == 0, rest.output
    assert "this run went on from there." in rest.stdout
    assert "20,020 people compared, 20 pairs alike: 20 cases opened" in rest.stdout
    with logged.begin() as connection:
        ended = connection.execute(select(duplicate_searches)).one()
        acts = connection.execute(
            text("SELECT act FROM acts WHERE act LIKE 'duplicates_search_%' ORDER BY at")
        ).scalars()
        assert list(acts) == ["duplicates_search_begun", "duplicates_search_finished"]
    assert (ended.state, ended.opened, ended.blocks) == ("finished", 20, 3)
