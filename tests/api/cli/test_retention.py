"""`renzheng retention`, where the database is: a look that changes nothing, and a run."""

import json
from uuid import uuid4

from sqlalchemy import text

from api.service import Service
from tests.api.cli.conftest import CommandLine


def test_what_is_overdue_is_told_and_then_removed(service: Service, line: CommandLine) -> None:
    with service.database.begin() as connection:
        row = connection.execute(
            text(
                "INSERT INTO card_locks (number_index, locked_at, until) VALUES (sha256(CAST(:name AS bytea)),"
                " now() - interval '5 years', now() - interval '5 years') RETURNING number_index"
            ),
            {"name": uuid4().bytes},
        ).scalar_one()
    looked = line("retention", "--check", "--json")
    assert looked.exit_code == 1, looked.output
    told = json.loads(looked.stdout)
    assert told["stored_faces"]["threshold"] == 100_000
    locks = next(kind for kind in told["kinds"] if kind["kind"] == "card_locks")
    assert (locks["days"], locks["due"] >= 1, locks["overdue"] >= 1) == (365, True, True)
    assert locks["oldest"] < locks["before"]
    shown = line("retention", "--check")
    assert shown.exit_code == 1
    assert "已结束的号码锁定" in shown.stdout
    assert "逾期未删" in shown.stdout
    with service.database.begin() as connection:
        there = text("SELECT count(*) FROM card_locks WHERE number_index = :one")
        assert connection.execute(there, {"one": row}).scalar_one() == 1, "a look changes nothing"
    done = line("retention")
    assert done.exit_code == 0, done.output
    assert "ended locks of numbers: " in done.stdout
    with service.database.begin() as connection:
        assert connection.execute(there, {"one": row}).scalar_one() == 0
    after = line("retention", "--check")
    assert (after.exit_code, "Nothing is overdue." in after.stdout) == (0, True), after.output
    assert json.loads(line("retention", "--json").stdout)["removed"]["card_locks"] == 0


def test_one_at_a_time(service: Service, line: CommandLine) -> None:
    with service.database.begin() as other:
        other.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('retention', 0))"))
        refused = line("retention")
    assert refused.exit_code == 3
    assert "retention_running" in refused.stderr
