"""`renzheng archive`, on a log of its own."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from api.storage.database import Database
from tests.api.cli.conftest import CommandLine


def test_old_leaves_go_into_a_file_that_fsck_reads(log_line: CommandLine, logged: Database, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    today = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    young = log_line("archive", "--before", today, "--out", str(folder))
    assert (young.exit_code, young.stdout) == (0, "Nothing to archive.\n"), young.output
    with logged.begin() as connection:
        connection.execute(text("UPDATE evidence SET created_at = created_at - interval '9 days'"))
    result = log_line("archive", "--before", today, "--out", str(folder))
    assert result.exit_code == 0, result.output
    (file,) = folder.iterdir()
    assert result.stdout == f"{file}: leaves 0 to 4\n"
    assert log_line("fsck", "--archive", str(folder)).exit_code == 0
    assert "5 archived leaves are not at hand" in log_line("fsck").stdout
    file.write_bytes(file.read_bytes() + b"x")
    damaged = log_line("fsck", "--archive", str(folder))
    assert damaged.exit_code == 1
    assert f"archive {file.name}: it is not the file that was recorded" in damaged.stdout


@pytest.mark.parametrize(
    ("before", "folder", "code", "told"),
    [
        ("2999-01-01", ".", 3, "still to come"),
        ("2020-01-01", "nowhere", 3, "nowhere is no folder"),
        ("yesterday", ".", 2, "yesterday"),
    ],
)
def test_what_cannot_be_is_refused(log_line: CommandLine, before: str, folder: str, code: int, told: str) -> None:
    result = log_line("archive", "--before", before, "--out", str(log_line.folder / folder))
    assert result.exit_code == code
    assert told in result.stderr


def test_a_damaged_log_is_not_archived(log_line: CommandLine, logged: Database, tmp_path: Path) -> None:
    with logged.begin() as connection:
        connection.execute(text("UPDATE evidence SET created_at = created_at - interval '9 days'"))
        connection.execute(text("UPDATE evidence_texts SET leaf = leaf || ' ' WHERE seq = 3"))
    result = log_line(
        "archive", "--before", f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%d}", "--out", str(tmp_path)
    )
    assert result.exit_code == 3
    assert "Leaf 2 is missing or damaged: run renzheng fsck first." in result.stderr
