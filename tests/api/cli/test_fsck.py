"""`renzheng fsck`, on a log of its own."""

import shutil

import pytest
from sqlalchemy import text

from api.evidence import log
from api.evidence.sequencer import drain
from api.service import Service
from api.storage import migrate
from api.storage.database import Database
from tests.api.cli.conftest import CommandLine
from tests.api.conftest import NewDatabase
from tests.api.evidence.conftest import write


@pytest.fixture
def database(new_database: NewDatabase, service: Service) -> Database:
    made = new_database()
    migrate.upgrade(made)
    write(made, service.keys, 5)
    drain(made, service.keys)
    return made


@pytest.fixture
def line(service: Service, database: Database, renzheng: CommandLine) -> CommandLine:
    # A home of its own with the same keys: the end of a command ends the server in its home.
    shutil.copytree(service.settings.keys_dir, renzheng.folder / "keys")
    renzheng.environment |= {
        "RENZHENG_HOME": str(renzheng.folder),
        "RENZHENG_DATABASE_URL": database.url.render_as_string(hide_password=False),
    }
    return renzheng


@pytest.fixture
def kept(line: CommandLine, database: Database) -> str:
    with database.begin() as connection:
        return line.file("kept.note", log.latest_checkpoint(connection) or "")


def test_a_sound_log(line: CommandLine, kept: str) -> None:
    result = line("fsck", "--checkpoint", kept)
    assert result.exit_code == 0, result.output
    assert result.stdout == "Sound: 5 leaves, 0 waiting, 1 tiles, 1 checkpoints (1 kept outside), 5 acts.\n"


def test_without_a_checkpoint_from_outside_it_says_what_that_means(line: CommandLine) -> None:
    result = line("fsck")
    assert result.exit_code == 0
    assert "No checkpoint from outside was given" in result.stdout


def test_a_damaged_log_is_a_negative_answer(line: CommandLine, database: Database, kept: str) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE evidence_texts SET leaf = leaf || ' ' WHERE seq = 3"))
    result = line("fsck", "--checkpoint", kept)
    assert result.exit_code == 1
    assert result.stdout.startswith("leaf 2: its text is not what was hashed\nDAMAGED in 1 places: 5 leaves")


def test_another_log_is_a_negative_answer(line: CommandLine, database: Database, service: Service, kept: str) -> None:
    """The database was replaced by one that is sound in itself."""
    with database.begin() as connection:
        for table in ("evidence", "evidence_texts", "evidence_tiles", "evidence_checkpoints", "acts"):
            connection.execute(text(f"DELETE FROM {table}"))
    write(database, service.keys, 6)
    drain(database, service.keys)
    assert line("fsck").exit_code == 0
    result = line("fsck", "--checkpoint", kept)
    assert result.exit_code == 1
    assert f"{kept}: the log of its 5 leaves was another, it was rewritten since" in result.stdout


@pytest.mark.parametrize("option", ["--checkpoint", "--archive"])
def test_what_is_not_there_is_a_failure(line: CommandLine, option: str) -> None:
    result = line("fsck", option, "/nowhere/at/all")
    assert result.exit_code == 3
    assert "/nowhere/at/all" in result.stderr


def test_commands_leave_no_promise_open(line: CommandLine, database: Database) -> None:
    """No service may be running: what a command did is in the log when it ends."""
    assert line("terminals", "add", "a bank", "a counter").exit_code == 0
    with database.begin() as connection:
        standing = log.standing(connection)
    assert standing.waiting == 0
    assert standing.size > 5


def test_many_findings_are_counted(line: CommandLine, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.evidence.fsck.report.MOST_FINDINGS", 2)
    with database.begin() as connection:
        connection.execute(text("UPDATE evidence_texts SET leaf = leaf || ' '"))
    result = line("fsck")
    assert "… and 3 more." in result.stdout
    assert "DAMAGED in 5 places" in result.stdout
