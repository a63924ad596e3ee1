"""What lies on the disk: torn and damaged records, a full disk, a damaged snapshot."""

import os
from pathlib import Path

import pytest

from api.terminal.answer import Verdict
from api.terminal.checking import check
from api.terminal.follower import Follower
from api.terminal.holding import Holding
from api.terminal.journal import RECORD_BYTES, UNKNOWN, Delta, Journal, read
from tests.api.terminal.worlds import World, WorldRemote, card

DELTAS = [Delta(seq, bytes([seq]) * 16, seq % 2 == 1, "card_reported_lost") for seq in range(1, 6)]


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    made = Journal(tmp_path / "deltas")
    made.append(DELTAS[:2])
    made.append(DELTAS[2:])
    return made


def test_what_was_appended_is_read(journal: Journal, tmp_path: Path) -> None:
    assert journal.load(mend=False) == DELTAS
    assert (tmp_path / "deltas").stat().st_size == 5 * RECORD_BYTES
    assert Journal(tmp_path / "none").load(mend=True) == []


@pytest.mark.parametrize("lost", range(1, RECORD_BYTES + 1))
def test_a_torn_record_is_cut_off(journal: Journal, tmp_path: Path, lost: int) -> None:
    file = tmp_path / "deltas"
    file.write_bytes(file.read_bytes()[:-lost])
    assert journal.load(mend=True) == DELTAS[:4]
    journal.append(DELTAS[4:])
    assert journal.load(mend=False) == DELTAS


def test_every_changed_byte_is_noticed(journal: Journal, tmp_path: Path) -> None:
    raw = (tmp_path / "deltas").read_bytes()
    for at in range(2 * RECORD_BYTES, 3 * RECORD_BYTES):
        damaged = raw[:at] + bytes([raw[at] ^ 0x10]) + raw[at + 1 :]
        assert list(read(damaged)) == DELTAS[:2]


def test_a_full_disk_leaves_whole_records(journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "no space")

    with monkeypatch.context() as filling:
        filling.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            journal.append([Delta(6, bytes(16), True, "card_cancelled")])
    assert journal.load(mend=False) == DELTAS


@pytest.mark.parametrize("status", ["", "x" * 60, "证件", "a b", "A"])
def test_a_status_of_a_newer_service_counts_all_the_same(status: str) -> None:
    (kept,) = read(Delta(1, bytes(16), True, status).packed())
    assert (kept.invalid, kept.status) == (True, UNKNOWN)


def test_a_full_disk_changes_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    holding = Holding(tmp_path, world.signers, writing=True)
    holding.take(world.snapshot(), world.feed_key)
    world.change(1, True)

    def full(_: int) -> None:
        raise OSError(28, "no space")

    with monkeypatch.context() as filling:
        filling.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            holding.apply([world.delta(1)])
    assert holding.seq == 0
    assert holding.apply([world.delta(1)]) == 1
    assert check(holding, card(1), 1e9).verdict is Verdict.REVIEW


def test_a_damaged_snapshot_on_the_disk_is_none_and_heals(tmp_path: Path) -> None:
    world = World()
    world.change(1, True)
    first = Holding(tmp_path, world.signers, writing=True)
    first.take(world.snapshot(), world.feed_key)
    first.close()
    (file,) = tmp_path.glob("*.snapshot")
    file.write_bytes(file.read_bytes()[:-1] + b"\xff")
    again = Holding(tmp_path, world.signers, writing=True)
    assert (again.fault, check(again, card(2)).reason) == ("corrupted", "no_data")
    Follower(again, WorldRemote(world), tmp_path).catch_up()  # type: ignore[arg-type]
    assert (again.fault, again.seq) == (None, 1)
    assert check(again, card(1), 1e9).verdict is Verdict.REVIEW
