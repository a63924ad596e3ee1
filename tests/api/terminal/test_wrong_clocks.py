"""Clocks that were wrong, the service's too: what cannot be dated is of unknown age, and never fresh."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.terminal.__main__ import main
from api.terminal.answer import Verdict
from api.terminal.checking import check
from api.terminal.client import Terminal
from api.terminal.follower import Follower
from api.terminal.holding import Holding
from api.terminal.remote import Told
from tests.api.terminal.worlds import BEGAN, ManualClock, World, WorldRemote, card

GOOD = 60
HOURS = 3600


@pytest.fixture
def world() -> World:
    made = World()
    for number in range(4):
        made.change(number, True)
    return made


@pytest.fixture
def clock(world: World) -> ManualClock:
    return ManualClock(world.time)


@pytest.fixture
def holding(world: World, clock: ManualClock, tmp_path: Path) -> Holding:
    return Holding(tmp_path, world.signers, writing=True, clock=clock)


@pytest.fixture
def follower(holding: Holding, world: World, tmp_path: Path) -> Follower:
    return Follower(holding, WorldRemote(world), tmp_path)  # type: ignore[arg-type]


def test_a_snapshot_of_the_future_has_no_age(
    world: World, holding: Holding, clock: ManualClock, tmp_path: Path
) -> None:
    holding.take(world.snapshot(), world.feed_key)
    holding.confirm(world.head, world.time, clock.ticks())
    world.change(9, True)
    holding.take(world.snapshot(as_of=world.time + timedelta(hours=12)))
    for passed_s in (0, 6 * HOURS):
        clock.pass_s(passed_s)
        answer = check(holding, card(GOOD), 1e9)
        assert (answer.verdict, answer.reason, answer.age_s, answer.stale) == (Verdict.REVIEW, "stale", None, True)
    with Terminal(tmp_path, world.signers, clock=clock, stale_after_s=1e9) as reader:
        assert (reader.status()["age_s"], reader.status()["stale"]) == (None, True)


def test_what_the_service_says_after_such_a_snapshot_has_its_age(
    world: World, holding: Holding, follower: Follower, clock: ManualClock
) -> None:
    right = world.time
    world.time += timedelta(hours=12)
    follower.catch_up()
    world.time = right + timedelta(seconds=5)
    clock.pass_s(5)
    follower.catch_up()
    fresh = check(holding, card(GOOD))
    assert (fresh.verdict, fresh.age_s, fresh.as_of_time) == (Verdict.NOT_LISTED, 0, world.time)
    clock.pass_s(6 * HOURS)
    old = check(holding, card(GOOD))
    assert (old.verdict, old.reason, old.age_s) == (Verdict.REVIEW, "stale", 6 * HOURS)


def test_one_of_the_same_number_replaces_it(world: World, holding: Holding, clock: ManualClock) -> None:
    right = world.snapshot()
    holding.take(world.snapshot(as_of=world.time + timedelta(hours=12)), world.feed_key)
    holding.confirm(world.head, world.time, clock.ticks())
    holding.take(right)
    assert holding.view is not None
    assert holding.view.snapshot.head.as_of == world.time


def test_a_second_ahead_is_the_way_of_a_word(world: World, holding: Holding, clock: ManualClock) -> None:
    holding.take(world.snapshot(as_of=world.time + timedelta(seconds=1)), world.feed_key)
    holding.confirm(world.head, world.time, clock.ticks())
    assert check(holding, card(GOOD)).age_s == 0


def test_a_machine_that_was_saved_and_resumed(
    world: World, holding: Holding, follower: Follower, clock: ManualClock
) -> None:
    follower.catch_up()
    clock.now += timedelta(hours=8)
    clock.counted += 1
    old = check(holding, card(GOOD))
    assert (old.verdict, old.reason, old.age_s) == (Verdict.REVIEW, "stale", 8 * HOURS)
    said_before = Told([], world.head, world.time + timedelta(seconds=1), "")
    assert not follower._take(said_before), (
        "a heartbeat that waited to be read makes nothing fresh: the service is asked"
    )
    assert check(holding, card(GOOD)).stale
    world.time += timedelta(hours=8)
    follower.catch_up()
    assert check(holding, card(GOOD)).age_s == 0
    assert follower._take(Told([], world.head, world.time, ""))


def test_a_calendar_clock_that_goes_back_makes_nothing_younger(
    holding: Holding, follower: Follower, clock: ManualClock
) -> None:
    follower.catch_up()
    clock.pass_s(2 * HOURS)
    clock.now -= timedelta(days=1)
    assert check(holding, card(GOOD)).age_s == 2 * HOURS


def test_a_clock_that_is_set_at_last_costs_one_question(
    world: World, holding: Holding, follower: Follower, clock: ManualClock
) -> None:
    """A terminal without a battery begins in 1970."""
    clock.now = datetime(1970, 1, 1, tzinfo=UTC)
    follower.catch_up()
    assert check(holding, card(GOOD)).age_s == 0
    clock.now = world.time
    assert check(holding, card(GOOD)).stale
    follower.catch_up()
    assert check(holding, card(GOOD)).age_s == 0


def test_a_word_of_the_service_whose_clock_was_ahead_is_put_right_by_the_next(
    world: World, holding: Holding, follower: Follower, clock: ManualClock
) -> None:
    follower.catch_up()
    holding.confirm(world.head, world.time + timedelta(hours=12), clock.ticks(), clock.wall())
    world.time += timedelta(seconds=10)
    clock.pass_s(10)
    follower.catch_up()
    assert check(holding, card(GOOD)).age_s == 0


@pytest.mark.parametrize(
    "written",
    [
        {"ticks": float("inf")},
        {"ticks": float("nan")},
        {"ticks": 1e9},
        {"ticks": -1.0},
        {"as_of": "9999-12-31T23:59:59+00:00"},
        {"now": "9999-12-31T23:59:59+00:00"},
        {"now": "0001-01-01T00:00:00+14:00"},
        {"wall": "9999-12-31T23:59:59+00:00"},
        {"as_of": "2026-11-22T01:00:00"},
        {"seq": float("inf")},
        {"seq": "4"},
    ],
)
def test_a_standing_out_of_bounds_is_none(
    world: World, holding: Holding, follower: Follower, clock: ManualClock, tmp_path: Path, written: dict[str, Any]
) -> None:
    """What it said would be fresh for ever, or raise. Without it the snapshot's own time counts."""
    follower.catch_up()
    holding.close()
    file = tmp_path / "standing.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **written}))
    clock.pass_s(2 * HOURS)
    again = Holding(tmp_path, world.signers, writing=False, clock=clock)
    answer = check(again, card(GOOD))
    assert (answer.verdict, answer.reason, answer.stale) == (Verdict.REVIEW, "stale", True)


@pytest.mark.parametrize("wall", [datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)])
def test_no_calendar_clock_makes_it_raise(
    world: World, holding: Holding, follower: Follower, clock: ManualClock, wall: datetime
) -> None:
    follower.catch_up()
    clock.now = wall
    assert check(holding, card(1)).reason == "listed"
    clock.now = BEGAN
    assert check(holding, card(GOOD)).age_s == 0


@pytest.mark.parametrize("limit", [float("nan"), float("inf"), -1.0])
def test_a_limit_that_is_none_is_refused(
    world: World, tmp_path: Path, limit: float, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match="number of seconds"):
        Terminal(tmp_path, world.signers, stale_after_s=limit)
    with pytest.raises(SystemExit) as ended:
        main(["status", "--folder", str(tmp_path), "--signer", "none", f"--stale-after={limit}"])
    assert ended.value.code == 2
    assert "--stale-after" in capsys.readouterr().err


def test_no_age_is_below_no_number(holding: Holding, follower: Follower, clock: ManualClock) -> None:
    follower.catch_up()
    clock.pass_s(1e6)
    assert check(holding, card(GOOD), float("nan")).stale
