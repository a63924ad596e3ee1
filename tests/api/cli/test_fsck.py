"""`renzheng fsck`, on a log of its own."""

import pytest
from sqlalchemy import text

from api.evidence import log
from api.evidence.sequencer import drain
from api.service import Service
from api.storage.database import Database
from tests.api.cli.conftest import CommandLine
from tests.api.evidence.conftest import write


@pytest.fixture
def kept(log_line: CommandLine, logged: Database) -> str:
    with logged.begin() as connection:
        return log_line.file("kept.note", log.latest_checkpoint(connection) or "")


def test_a_sound_log(log_line: CommandLine, kept: str) -> None:
    result = log_line("fsck", "--checkpoint", kept)
    assert result.exit_code == 0, result.output
    assert result.stdout == "Sound: 5 leaves, 0 waiting, 1 tiles, 1 checkpoints (1 kept outside), 5 acts.\n"


def test_without_a_checkpoint_from_outside_it_says_what_that_means(log_line: CommandLine) -> None:
    result = log_line("fsck")
    assert result.exit_code == 0
    assert "No checkpoint from outside was given" in result.stdout


def test_a_damaged_log_is_a_negative_answer(log_line: CommandLine, logged: Database, kept: str) -> None:
    with logged.begin() as connection:
        connection.execute(text("UPDATE evidence_texts SET leaf = leaf || ' ' WHERE seq = 3"))
    result = log_line("fsck", "--checkpoint", kept)
    assert result.exit_code == 1
    assert result.stdout.startswith("leaf 2: its text is not what was hashed\nDAMAGED in 1 places: 5 leaves")


def test_another_log_is_a_negative_answer(log_line: CommandLine, logged: Database, service: Service, kept: str) -> None:
    """The database was replaced by one that is sound in itself."""
    with logged.begin() as connection:
        for table in ("evidence", "evidence_texts", "evidence_tiles", "evidence_checkpoints", "acts"):
            connection.execute(text(f"DELETE FROM {table}"))
    write(logged, service.keys, 6)
    drain(logged, service.keys)
    assert log_line("fsck").exit_code == 0
    result = log_line("fsck", "--checkpoint", kept)
    assert result.exit_code == 1
    assert f"{kept}: the log of its 5 leaves was another, it was rewritten since" in result.stdout


@pytest.mark.parametrize("option", ["--checkpoint", "--archive"])
def test_what_is_not_there_is_a_failure(log_line: CommandLine, option: str) -> None:
    result = log_line("fsck", option, "/nowhere/at/all")
    assert result.exit_code == 3
    assert "/nowhere/at/all" in result.stderr


def test_commands_leave_no_promise_open(log_line: CommandLine, logged: Database) -> None:
    """No service may be running: what a command did is in the log when it ends."""
    assert log_line("terminals", "add", "a bank", "a counter").exit_code == 0
    with logged.begin() as connection:
        standing = log.standing(connection)
    assert standing.waiting == 0
    assert standing.size > 5


def test_many_findings_are_counted(log_line: CommandLine, logged: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.evidence.fsck.report.MOST_FINDINGS", 2)
    with logged.begin() as connection:
        connection.execute(text("UPDATE evidence_texts SET leaf = leaf || ' '"))
    result = log_line("fsck")
    assert "… and 3 more." in result.stdout
    assert "DAMAGED in 5 places" in result.stdout
