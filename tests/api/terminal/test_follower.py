"""Following: what is asked for and when, and how it goes on after trouble; the service is a world without a server."""

import threading
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api.terminal.answer import Verdict
from api.terminal.checking import check
from api.terminal.client import Terminal
from api.terminal.follower import Follower
from api.terminal.holding import Holding
from api.terminal.journal import Journal
from api.terminal.remote import RemoteFailed
from api.terminal.snapshot import SnapshotRefused
from api.terminal.trouble import Trouble
from tests.api.terminal.worlds import BEGAN, ManualClock, World, WorldRemote, card


@pytest.fixture
def world() -> World:
    made = World()
    for number in range(4):
        made.change(number, True)
    return made


@pytest.fixture
def remote(world: World) -> WorldRemote:
    return WorldRemote(world)


@pytest.fixture
def holding(world: World, tmp_path: Path) -> Holding:
    return Holding(tmp_path, world.signers, writing=True, clock=ManualClock())


@pytest.fixture
def follower(holding: Holding, remote: WorldRemote, tmp_path: Path) -> Follower:
    return Follower(holding, remote, tmp_path)  # type: ignore[arg-type]


def restore(world: World, length: int) -> None:
    """The register goes back to an earlier point, and on from there."""
    del world.changes[length:]
    world.time += timedelta(minutes=5)


def test_from_nothing_to_all(follower: Follower, holding: Holding, remote: WorldRemote, world: World) -> None:
    follower.catch_up()
    assert remote.asked == ["key", "snapshot", "page"]
    assert (holding.seq, holding.as_of) == (world.head, world.time)
    world.change(1, False)
    follower.catch_up()
    assert remote.asked[3:] == ["page"]
    assert (holding.seq, check(holding, card(1), 1e9).verdict) == (5, Verdict.NOT_LISTED)


def test_a_new_snapshot_comes_when_the_deltas_are_many(
    follower: Follower, holding: Holding, remote: WorldRemote, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower.catch_up()
    monkeypatch.setattr("api.terminal.follower.MOST_DELTAS", 2)
    for number in range(4):
        world.change(number, False)
    follower.catch_up()
    remote.asked.clear()
    remote.faults = ["forged"]
    follower.catch_up()
    assert remote.asked == ["snapshot", "page"], "a refused one stops nothing"
    assert follower.trouble.reason == "unknown_signer"
    follower.catch_up()
    assert remote.asked == ["snapshot", "page", "page"], "it is not asked for at once again"
    monkeypatch.setattr("api.terminal.follower.SNAPSHOT_PAUSE_S", 0.0)
    follower.catch_up()
    assert (holding.deltas, holding.seq) == (0, 8)


def test_who_is_far_behind_gets_a_snapshot_first(
    follower: Follower, holding: Holding, remote: WorldRemote, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower.catch_up()
    monkeypatch.setattr("api.terminal.follower.FAR_BEHIND", 2)
    for number in range(4):
        world.change(number, False)
    remote.asked.clear()
    follower.catch_up()
    assert remote.asked == ["page", "snapshot", "page"]
    assert (holding.deltas, holding.seq) == (0, 8)


@pytest.mark.parametrize("fault", ["gap", "reversed"])
def test_a_gap_is_noticed_and_heals(
    follower: Follower, holding: Holding, remote: WorldRemote, world: World, fault: str
) -> None:
    follower.catch_up()
    world.change(5, True)
    world.change(6, True)
    remote.faults = [fault]
    with pytest.raises(RemoteFailed) as caught:
        follower.catch_up()
    assert (caught.value.code, holding.seq) == ("gap", 4)
    follower.catch_up()
    assert holding.seq == 6


def test_a_restored_register_is_not_believed_under_the_same_key(
    follower: Follower, holding: Holding, world: World
) -> None:
    follower.catch_up()
    before = holding.as_of
    restore(world, 2)
    with pytest.raises(RemoteFailed) as caught:
        follower.catch_up()
    assert caught.value.code == "feed_position_unknown"
    assert (holding.seq, holding.as_of) == (4, before)


def test_a_restored_register_with_a_new_key_begins_anew(follower: Follower, holding: Holding, world: World) -> None:
    follower.catch_up()
    restore(world, 2)
    world.feed_key = bytes(32)
    follower.catch_up()
    assert (holding.seq, holding.as_of) == (2, world.time)
    world.change(7, True)
    follower.catch_up()
    assert check(holding, card(7), 1e9).verdict is Verdict.REVIEW
    assert check(holding, card(3), 1e9).verdict is Verdict.NOT_LISTED


def test_an_old_snapshot_under_an_old_key_is_a_replay(follower: Follower, holding: Holding, world: World) -> None:
    old_key, old = world.feed_key, world.snapshot()
    world.feed_key = bytes(32)
    world.change(5, True)
    follower.catch_up()
    with pytest.raises(SnapshotRefused) as caught:
        holding.take(old, old_key)
    assert caught.value.reason == "older"
    assert check(holding, card(5), 1e9).verdict is Verdict.REVIEW


def test_it_goes_on_by_itself(holding: Holding, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.terminal.follower.FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr("api.terminal.follower.POLL_S", 0.001)
    faults: list[str | None] = ["unreachable", None, "truncated", None, "corrupted", None, None, "unreachable"]
    follower = Follower(holding, WorldRemote(world, faults), tmp_path, stream=False)  # type: ignore[arg-type]
    stop = threading.Event()
    thread = threading.Thread(target=follower.run, args=(stop,))
    thread.start()
    deadline = time.monotonic() + 60
    while faults or holding.seq != world.head or follower.trouble.reason is not None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    stop.set()
    thread.join()


def test_a_change_of_the_key_that_fails_half_way_leaves_all_under_the_old_one(
    follower: Follower, holding: Holding, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changes under the new key, taken in beside the old view, would be found by no card."""
    follower.catch_up()
    world.feed_key = bytes(32)

    def fails(_: Journal, *, mend: bool) -> None:
        raise OSError("too many open files")

    with monkeypatch.context() as broken:
        broken.setattr(Journal, "load", fails)
        with pytest.raises(OSError, match="open files"):
            follower.catch_up()
    assert check(holding, card(1)).verdict is Verdict.REVIEW
    world.change(9, True)
    follower.catch_up()
    assert (check(holding, card(9)).verdict, holding.key) == (Verdict.REVIEW, world.feed_key)


def status(folder: Path, world: World) -> dict[str, Any]:
    """What another process tells of the folder."""
    with Terminal(folder, world.signers, clock=ManualClock()) as reader:
        return reader.status()


def test_trouble_is_seen_by_other_processes_and_ends(
    follower: Follower, remote: WorldRemote, world: World, tmp_path: Path
) -> None:
    remote.faults = ["unreachable"]
    with pytest.raises(RemoteFailed):
        follower.once()
    told = status(tmp_path, world)
    assert (told["trouble"], told["trouble_since"]) == ("unreachable", BEGAN.isoformat()), "before any word was heard"
    follower.once()
    told = status(tmp_path, world)
    assert (told["trouble"], told["trouble_since"], told["as_of_seq"]) == (None, None, world.head)
    remote.faults = ["unreachable"]
    with pytest.raises(RemoteFailed):
        follower.once()
    told = status(tmp_path, world)
    assert (told["trouble"], told["as_of_seq"]) == ("unreachable", world.head)
    assert told["as_of_time"] == world.time.isoformat(), "the last word stands beside it"


def test_a_refused_snapshot_is_told_until_one_is_taken(
    follower: Follower, remote: WorldRemote, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower.once()
    monkeypatch.setattr("api.terminal.follower.MOST_DELTAS", 0)
    world.change(5, True)
    follower.once()
    remote.faults = ["forged"]
    follower.once()
    follower.once()
    assert status(tmp_path, world)["trouble"] == "unknown_signer", "the changes go on, and it is told all the same"
    monkeypatch.setattr("api.terminal.follower.SNAPSHOT_PAUSE_S", 0.0)
    follower.once()
    assert status(tmp_path, world)["trouble"] is None


def test_trouble_that_cannot_be_written_down_is_known_here(
    follower: Follower, remote: WorldRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr("api.terminal.files.replace", full)
    remote.faults = ["unreachable"]
    with pytest.raises(RemoteFailed):
        follower.once()
    assert follower.trouble.reason == "unreachable"


@pytest.mark.parametrize(
    "written",
    [
        None, "x", 1, [], {}, {"reason": "gap"}, {"reason": 1, "since": BEGAN.isoformat(), "of_snapshot": False},
        {"reason": "gap", "since": "2026-11-22T00:00:00", "of_snapshot": False},
        {"reason": "no word", "since": BEGAN.isoformat(), "of_snapshot": False},
    ],
)  # fmt: skip
def test_what_is_no_trouble_is_none(written: object) -> None:
    assert Trouble.from_json(written) == Trouble()


def test_invalid_cards_are_counted_apart(follower: Follower, world: World, tmp_path: Path) -> None:
    follower.once()
    held = len(world.invalid_at(world.head))
    world.change(1, False)
    world.change(7, True)
    world.change(8, True)
    world.change(8, False)
    follower.once()
    told = status(tmp_path, world)
    assert (told["invalid_cards_in_snapshot"], told["deltas"], told["invalid_since"]) == (held, 3, 1)


@pytest.mark.parametrize("since", [1, 2, 3, 30])
def test_numbers_that_passed_the_held_one_after_a_restoration_are_not_taken_on(
    follower: Follower, holding: Holding, world: World, since: int
) -> None:
    """The terminal was away from the restoration on until the numbers had passed its own."""
    follower.catch_up()
    world.change(10, True)
    world.change(11, True)
    follower.catch_up()
    before = holding.as_of
    restore(world, 4)
    for number in range(50, 50 + since):
        world.change(number, True)
    for _ in range(2):
        with pytest.raises(RemoteFailed) as caught:
            follower.catch_up()
        assert caught.value.code == "feed_position_unknown"
    assert (holding.seq, holding.as_of) == (6, before)
    world.feed_key = bytes(32)
    follower.catch_up()
    assert (holding.seq, check(holding, card(50), 1e9).verdict) == (world.head, Verdict.REVIEW)
    assert check(holding, card(10), 1e9).verdict is Verdict.NOT_LISTED


def test_the_same_card_with_another_status_is_another_change(
    holding: Holding, remote: WorldRemote, world: World, follower: Follower
) -> None:
    follower.catch_up()
    world.change(5, True)
    follower.catch_up()
    world.changes[-1] = replace(world.changes[-1], invalid=False)
    with pytest.raises(RemoteFailed) as caught:
        follower.catch_up()
    assert caught.value.code == "feed_position_unknown"


def test_a_change_that_lies_on_the_disk_is_compared_too(
    holding: Holding, remote: WorldRemote, world: World, follower: Follower, tmp_path: Path
) -> None:
    """Also one of a status that only a newer program knows, of which the disk has less."""
    delta = world.delta
    world.delta = lambda seq: replace(delta(seq), status="Of A Newer Service")  # type: ignore[method-assign]
    follower.catch_up()
    world.change(5, True)
    follower.catch_up()
    holding.close()
    again = Holding(tmp_path, world.signers, writing=True, clock=holding.clock)
    assert again.last is not None
    assert again.last.seq == 5
    Follower(again, remote, tmp_path).catch_up()  # type: ignore[arg-type]
    assert again.as_of == world.time


def test_a_snapshot_of_the_restored_register_is_a_beginning(
    follower: Follower, holding: Holding, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower.catch_up()
    world.change(10, True)
    follower.catch_up()
    restore(world, 2)
    for number in range(50, 55):
        world.change(number, True)
    with pytest.raises(RemoteFailed):
        follower.catch_up()
    holding.take(world.snapshot())
    follower.catch_up()
    assert (holding.seq, check(holding, card(50), 1e9).verdict) == (7, Verdict.REVIEW)


def test_a_service_that_knows_what_was_never_named_is_not_asked_without_a_pause(
    follower: Follower, remote: WorldRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WorldRemote, "snapshot", lambda *_: remote.asked.append("snapshot"))
    with pytest.raises(RemoteFailed) as caught:
        follower.catch_up()
    assert (caught.value.code, remote.asked) == ("malformed", ["key", "snapshot"])


def test_more_that_never_comes_is_not_asked_for_without_a_pause(
    follower: Follower, remote: WorldRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = WorldRemote.page
    monkeypatch.setattr(WorldRemote, "page", lambda self, after, limit: replace(page(self, after, limit), more=True))
    follower.catch_up()
    assert remote.asked == ["key", "snapshot", "page"]


def test_a_snapshot_of_the_future_is_replaced_when_there_is_another(
    follower: Follower, holding: Holding, remote: WorldRemote, world: World
) -> None:
    world.time += timedelta(hours=12)
    follower.catch_up()
    world.time -= timedelta(hours=12)
    follower.catch_up()
    remote.asked.clear()
    follower.catch_up()
    assert holding.view is not None
    assert (remote.asked, holding.view.snapshot.head.as_of) == (["snapshot", "page"], world.time)
