"""Answers: never a pass, how old they are, and what a wrong clock does."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from api.cards import number as numbers
from api.terminal.answer import WORDS, Verdict
from api.terminal.card import Card
from api.terminal.checking import check
from api.terminal.client import Terminal
from api.terminal.holding import Holding
from api.terminal.lock import FolderInUse
from api.terminal.snapshot import SnapshotRefused
from tests.api.terminal.worlds import BEGAN, ManualClock, World, card

LOST, GOOD, FOUND, LATER = 1, 2, 3, 4


@pytest.fixture
def world() -> World:
    made = World()
    made.change(LOST, True)
    made.change(FOUND, True)
    return made


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def holding(world: World, clock: ManualClock, tmp_path: Path) -> Holding:
    made = Holding(tmp_path, world.signers, writing=True, clock=clock)
    made.take(world.snapshot(), world.feed_key)
    clock.now = world.time
    confirm(made, world)
    return made


def confirm(holding: Holding, world: World) -> None:
    holding.confirm(world.head, world.time, holding.clock.ticks())


def test_there_is_no_pass() -> None:
    assert set(Verdict) == {"REVIEW", "NOT_LISTED"}


def test_nothing_is_known_without_a_snapshot(world: World, tmp_path: Path) -> None:
    empty = Holding(tmp_path / "empty", world.signers, writing=True)
    answer = check(empty, card(GOOD))
    assert (answer.verdict, answer.reason, answer.as_of_seq, answer.stale) == (Verdict.REVIEW, "no_data", None, True)


def test_what_is_said_of_cards(world: World, holding: Holding) -> None:
    world.change(FOUND, False)
    world.change(LATER, True)
    holding.apply([world.delta(3), world.delta(4)])
    said = {number: check(holding, card(number)) for number in (LOST, GOOD, FOUND, LATER)}
    assert {number: (one.verdict, one.reason) for number, one in said.items()} == {
        LOST: (Verdict.REVIEW, "listed"),
        GOOD: (Verdict.NOT_LISTED, "not_listed"),
        FOUND: (Verdict.NOT_LISTED, "not_listed"),
        LATER: (Verdict.REVIEW, "card_reported_lost"),
    }
    assert {one.as_of_seq for one in said.values()} == {4}


def test_another_card_of_the_same_number_is_another(world: World, holding: Holding) -> None:
    new = replace(card(LOST), valid_from=date(2026, 3, 1), valid_to=None)
    assert check(holding, new).verdict is Verdict.NOT_LISTED
    assert check(holding, replace(card(LOST), issuer=" 北京市 公安局")).verdict is Verdict.REVIEW


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"valid_to": date(2026, 11, 21)}, "card_expired"),
        ({"valid_to": date(2026, 11, 22)}, "not_listed"),
        ({"valid_from": date(2026, 11, 23)}, "not_yet_valid"),
        ({"valid_from": date(2026, 11, 22)}, "not_listed"),
        ({"number": "110105194912310021"}, "card_unreadable"),
        ({"number": "11010519491231"}, "card_unreadable"),
        ({"number": "１１０１０５１９４９１２３１００２X"}, "card_unreadable"),
        ({"issuer": "\ud800"}, "card_unreadable"),
        ({"number": " 11010519491231002x "}, "not_listed"),
    ],
)
def test_what_the_card_alone_says(holding: Holding, changed: dict[str, object], reason: str) -> None:
    """`BEGAN` is nine in the morning of 22 November in Shanghai."""
    answer = check(holding, replace(card(2), **changed))  # type: ignore[arg-type]
    assert answer.reason == reason
    assert answer.verdict is (Verdict.NOT_LISTED if reason == "not_listed" else Verdict.REVIEW)


def test_the_day_is_that_of_shanghai(holding: Holding, clock: ManualClock) -> None:
    clock.pass_s((BEGAN.replace(hour=15, minute=59, second=59) - clock.now).total_seconds())
    last = replace(card(GOOD), valid_to=date(2026, 11, 22))
    assert check(holding, last, 1e9).reason == "not_listed"
    clock.pass_s(1)
    assert check(holding, last, 1e9).reason == "card_expired"


def test_it_grows_old(holding: Holding, clock: ManualClock, world: World) -> None:
    clock.pass_s(59)
    fresh = check(holding, card(GOOD), 60)
    assert (fresh.verdict, fresh.age_s, fresh.stale) == (Verdict.NOT_LISTED, 59, False)
    assert fresh.as_of_time == world.time
    clock.pass_s(2)
    old = check(holding, card(GOOD), 60)
    assert (old.verdict, old.reason, old.age_s, old.stale) == (Verdict.REVIEW, "stale", 61, True)
    assert check(holding, card(LOST), 60).reason == "listed", "what is known is said all the same"
    confirmed = world.time + timedelta(seconds=61)
    holding.confirm(world.head, confirmed, clock.ticks())
    assert check(holding, card(GOOD), 60).age_s == 0


@pytest.mark.parametrize("hours", [-48, -1])
def test_setting_the_clock_back_changes_nothing_while_the_machine_runs(
    holding: Holding, clock: ManualClock, world: World, tmp_path: Path, hours: int
) -> None:
    clock.pass_s(30)
    clock.now += timedelta(hours=hours)
    assert check(holding, card(GOOD), 60).age_s == 30
    expiring = replace(card(GOOD), valid_to=date(2026, 11, 22))
    assert check(holding, expiring, 60).reason == "not_listed"
    holding.close()
    again = Holding(tmp_path, world.signers, writing=True, clock=clock)
    assert check(again, card(GOOD), 60).age_s == 30


def test_after_a_restart_of_the_machine_the_clock_counts(
    holding: Holding, clock: ManualClock, world: World, tmp_path: Path
) -> None:
    clock.pass_s(10)
    holding.close()
    clock.restart()
    clock.now += timedelta(seconds=15)
    again = Holding(tmp_path, world.signers, writing=True, clock=clock)
    assert check(again, card(GOOD), 60).age_s == 25
    clock.now += timedelta(days=2)
    assert check(again, card(GOOD), 60).reason == "stale", "a clock that is ahead errs on the safe side"
    clock.now = BEGAN - timedelta(days=400)
    lying = check(again, card(GOOD), 60)
    assert (lying.verdict, lying.reason, lying.age_s, lying.stale) == (Verdict.REVIEW, "stale", None, True)
    expired = replace(card(GOOD), valid_to=date(2026, 11, 21))
    assert check(again, expired, 60).reason == "card_expired", "what had expired by then has expired"


def test_a_word_that_was_long_on_its_way_makes_nothing_younger(
    holding: Holding, clock: ManualClock, world: World
) -> None:
    clock.pass_s(50)
    holding.confirm(world.head, world.time + timedelta(seconds=20), clock.ticks())
    assert check(holding, card(GOOD)).age_s == 30


def test_a_snapshot_by_hand_is_as_old_as_it_says(world: World, clock: ManualClock, tmp_path: Path) -> None:
    """As from a memory stick, without a word of the service."""
    made = Holding(tmp_path / "by hand", world.signers, writing=True, clock=clock)
    made.take(world.snapshot(), world.feed_key)
    clock.now = world.time + timedelta(seconds=100)
    assert check(made, card(GOOD)).age_s == 100
    clock.now = world.time - timedelta(seconds=1)
    assert check(made, card(GOOD)).age_s is None


def test_what_is_refused_leaves_the_old_one(world: World, holding: Holding, tmp_path: Path) -> None:
    raw = world.snapshot()
    world.change(LATER, True)
    newer = world.snapshot()
    holding.take(newer)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for offered in (raw, newer[:-1], World(world.feed_key, world.signing).snapshot(), b""):
        with pytest.raises(SnapshotRefused):
            holding.take(offered)
        assert check(holding, card(LATER)).verdict is Verdict.REVIEW
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files


def test_another_process_reads_what_one_keeps_fresh(
    world: World, holding: Holding, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.terminal.client.LOOK_EVERY_S", 0.0)
    reader = Terminal(tmp_path, world.signers, clock=clock)
    assert reader.check(card(LATER)).verdict is Verdict.NOT_LISTED
    world.change(LATER, True)
    holding.apply([world.delta(3)])
    assert reader.check(card(LATER)).reason == "card_reported_lost"
    with pytest.raises(SnapshotRefused):
        reader.holding.take(world.snapshot())
    assert reader.holding.apply([world.delta(3)]) == 0
    with pytest.raises(FolderInUse):
        Holding(tmp_path, world.signers, writing=True)


def test_every_reason_has_its_words(holding: Holding) -> None:
    from api.cards.lifecycle import Status

    assert {one.value for one in Status} - {"valid"} <= set(WORDS)
    own = {"listed", "stale", "no_data", "not_listed", "card_unreadable", "card_expired", "not_yet_valid"}
    assert own <= set(WORDS)
    assert all(one["zh"] and one["en"] for one in WORDS.values())
    answer = replace(check(holding, card(LOST)), reason="of_a_newer_service")
    assert answer.words == WORDS["listed"]


def test_a_card_shows_nothing_of_itself() -> None:
    assert card(1).number not in repr(card(1))
    assert "北京" not in str(card(1))


@pytest.mark.parametrize("number", [card(1).number, card(1).number[:-1] + "5", "x" * 18, "", card(7).number.lower()])
def test_numbers_are_judged_as_the_service_judges_them(number: str) -> None:
    try:
        numbers.normalise(number)
        sound = True
    except ValueError:
        sound = False
    assert Card(number, "", date(2020, 1, 1), None).has_sound_number() is sound
