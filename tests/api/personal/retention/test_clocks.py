"""A clock that jumps removes nothing: not forward, not when it is put right again."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from api.operations.doctor import clock
from api.operations.doctor.subject import Subject
from api.operations.metrics.serving import registry_of
from api.personal.retention import enforcing
from api.personal.retention.enforcing import ClockDoubted, enforce
from api.personal.retention.keeper import RetentionKeeper
from api.personal.retention.parameters import GAP_DAYS
from tests.api.bodies import register, verify
from tests.api.personal.retention.conftest import Town
from tests.api.personal.retention.test_enforcing import DECISIONS

YEARS = 20 * 366


def diagnosed(town: Town) -> list[str]:
    """What the doctor says of retention's clock."""
    with town.service.database.single() as connection:
        findings: Iterator[Any] | None = clock.retention(Subject(town.service.settings, connection))
        assert findings is not None
        return [one.code for one in findings]


def measured(town: Town) -> tuple[float, float]:
    """What a scrape says: whether the clock is doubted, and for how many hours no run ended."""
    told = {one.name: one.value for family in registry_of(town.service).collect() for one in family.samples}
    # To the hour: what a test takes is no part of it.
    return told["renzheng_retention_clock_doubted"], round(told["renzheng_retention_age_hours"])


def test_after_a_jump_of_years_nothing_is_removed_without_a_persons_word(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    here = town.service
    keeper = RetentionKeeper(here.database, here.keys, here.settings)
    assert keeper.look() is not None, "a first run has none before it"
    assert diagnosed(town) == []
    assert measured(town) == (0, 0)
    # As though the clock had gone forward: what was done lies years back.
    town.ask("UPDATE retention_runs SET finished_at = finished_at - make_interval(days => :days)", days=YEARS)
    town.ask("INSERT INTO card_locks VALUES ('\\x01', now() - interval '19 years', now() - interval '19 years')")
    with caplog.at_level(logging.ERROR, "api.personal.retention.keeper"):
        assert keeper.look() is None
    assert "--clock-is-right" in caplog.text
    assert diagnosed(town) == ["retention_clock"]
    assert measured(town) == (1, YEARS * 24)
    with pytest.raises(ClockDoubted):
        enforce(here.database, here.keys, here.settings)
    assert town.ask("SELECT count(*) FROM retention_runs") == [(1,)], "no run began either"
    assert enforce(here.database, here.keys, here.settings, trusted=True)["card_locks"] == 1
    town.ask("UPDATE retention_runs SET finished_at = finished_at - make_interval(days => :days)", days=GAP_DAYS - 1)
    assert diagnosed(town) == ["retention_late"]
    assert measured(town) == (0, (GAP_DAYS - 1) * 24)
    assert keeper.look() is not None, "so long the service may be away"
    assert diagnosed(town) == []


def test_a_job_that_never_ran_is_late_too(town: Town) -> None:
    town.ask("DELETE FROM retention_counts")
    town.ask("DELETE FROM retention_runs")
    assert diagnosed(town) == []
    town.ask("UPDATE acts SET at = at - interval '3 days'")
    assert diagnosed(town) == ["retention_late"]
    assert measured(town)[0] == 0, "a first run has none before it"


def test_a_database_whose_clock_is_not_the_machines_removes_nothing(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Elsewhen:
        @staticmethod
        def now(_: Any) -> Any:
            return town.now(-1)

    monkeypatch.setattr(enforcing, "datetime", Elsewhen)
    here = town.service
    with pytest.raises(ClockDoubted):
        enforce(here.database, here.keys, here.settings)


def test_a_run_of_the_future_keeps_none_from_running(town: Town) -> None:
    here = town.service
    keeper = RetentionKeeper(here.database, here.keys, here.settings)
    assert keeper.look() is not None
    # As though it had ended under a clock that was put right since.
    town.ask("UPDATE retention_runs SET finished_at = finished_at + make_interval(days => :days)", days=YEARS)
    assert keeper.look() is not None
    assert keeper.look() is None


def test_what_was_broken_off_under_a_wrong_clock_does_not_go_on(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    _, card = register(town.authority)
    for _ in range(3):
        verify(town.terminal, card)
    real = enforcing.remove
    rows: list[int] = []

    def dying(connection: Any, run: Any, kind: Any) -> int:
        if kind.name == "verifications" and rows:
            raise KeyboardInterrupt
        found = real(connection, run, kind)
        if kind.name == "verifications":
            rows.append(found)
        return found

    monkeypatch.setattr(enforcing, "ROWS", 2)
    with monkeypatch.context() as killed:
        killed.setattr(enforcing, "remove", dying)
        with pytest.raises(KeyboardInterrupt):
            town.enforce(DECISIONS + 1)
    assert rows == [2]
    assert town.enforce() == {}, "as of now nothing is over its time"
    assert town.ask("SELECT count(*) FROM verifications WHERE removed_at IS NULL") == [(1,)]
    told = town.ask(
        "SELECT details #>> '{kinds,verifications,removed}' FROM acts WHERE act = 'retention_enforced' ORDER BY at"
    )
    assert told == [("2",), ("0",)], "what it removed is told, and the next one is another"
    assert town.fsck().findings == []
