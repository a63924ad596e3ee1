"""No invalid card is ever missed: snapshots, deltas, restarts, crashes and faults in any order (hypothesis, stateful).

The claim under test: whatever happened, a terminal that names a number does not answer NOT_LISTED for any card that was
invalid at that number, and everything that happened up to the time that it names is in that number. Each of the bugs
below, put in on purpose, has to be found.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

import hypothesis
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from api.terminal import files, holding, snapshot
from api.terminal.answer import Verdict
from api.terminal.checking import check
from api.terminal.follower import Follower
from api.terminal.holding import Holding, View
from api.terminal.journal import Delta, Journal
from api.terminal.remote import RemoteFailed
from api.terminal.snapshot import SnapshotRefused
from tests.api.terminal.worlds import ManualClock, World, WorldRemote, card

CARDS = 8
CHANGES = st.lists(st.tuples(st.integers(0, CARDS - 1), st.booleans()), min_size=1, max_size=5)
DAMAGE = st.sampled_from(["truncated", "cut head", "flipped", "forged", "other key", "other deployment"])
FAULT = st.sampled_from([None, "unreachable", "gap", "reversed", "repeated", "truncated", "corrupted", "forged"])
FAULTS = st.lists(FAULT, max_size=6)
EVERY_CHECK_OF_HEALTH = list(hypothesis.HealthCheck)


def another(key: bytes) -> bytes:
    """Another key, the same one each time: with one drawn at random a filter's mistakes, and so what is found, would be
    others when an example is run again."""
    return sha256(key).digest()


class Crash(Exception):
    """The process died here."""


class TerminalMachine(RuleBasedStateMachine):
    """A world that goes on, and one terminal."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.world, self.clock = World(), ManualClock()
        self.snapshots: list[bytes] = []
        self.holding = self.opened()

    def held(self) -> tuple[object, ...]:
        view = self.holding.view
        return self.holding.seq, self.holding.as_of, None if view is None else view.overlay

    def opened(self) -> Holding:
        return Holding(self.folder, self.world.signers, writing=True, clock=self.clock)

    def teardown(self) -> None:
        self.holding.close()
        shutil.rmtree(self.folder)

    @initialize(changes=CHANGES, begun=st.booleans())
    def begin(self, changes: list[tuple[int, bool]], begun: bool) -> None:
        """With a snapshot in hand, or with nothing."""
        self.change(changes)
        if begun:
            self.holding.take(self.world.snapshot(), self.world.feed_key)

    @rule(changes=CHANGES)
    def change(self, changes: list[tuple[int, bool]]) -> None:
        for number, invalid in changes:
            self.world.change(number, invalid)
            self.clock.pass_s(1)

    @rule()
    def make_snapshot(self) -> None:
        self.snapshots.append(self.world.snapshot())

    @precondition(lambda self: self.snapshots)
    @rule(data=st.data())
    def take_snapshot(self, data: st.DataObject) -> None:
        """Any that was made, older ones too."""
        before = self.holding.seq
        with contextlib.suppress(SnapshotRefused):
            self.holding.take(data.draw(st.sampled_from(self.snapshots)), self.world.feed_key)
        assert before is None or (self.holding.seq is not None and self.holding.seq >= before)

    @rule(damage=DAMAGE, data=st.data())
    def take_damaged_snapshot(self, damage: str, data: st.DataObject) -> None:
        world = self.world
        raw = world.snapshot()
        if damage == "truncated":
            raw = raw[: -data.draw(st.integers(1, len(raw) - snapshot.HEAD_BYTES))]
        elif damage == "cut head":
            raw = raw[: data.draw(st.integers(0, snapshot.HEAD_BYTES))]
        elif damage == "flipped":
            at = data.draw(st.integers(0, 8 * len(raw) - 1))
            raw = raw[: at // 8] + bytes([raw[at // 8] ^ 1 << at % 8]) + raw[at // 8 + 1 :]
        elif damage == "forged":
            raw = replace(world, signing=Ed25519PrivateKey.generate()).snapshot()
        elif damage == "other key":
            raw = replace(world, feed_key=another(world.feed_key)).snapshot()
        elif self.holding.view is not None:
            raw = replace(world, deployment=uuid4()).snapshot()
        else:
            return
        held = (self.holding.view, self.holding.seq)
        with pytest.raises(SnapshotRefused):
            self.holding.take(raw, world.feed_key)
        assert (self.holding.view, self.holding.seq) == held

    @rule(data=st.data())
    def deliver_deltas(self, data: st.DataObject) -> None:
        """Any, in any order, with repetitions and gaps."""
        if self.world.head:
            seqs = data.draw(st.lists(st.integers(1, self.world.head), max_size=12))
            self.holding.apply([self.world.delta(seq) for seq in seqs])

    @rule(count=st.integers(1, 4))
    def deliver_what_follows(self, count: int) -> None:
        first = (self.holding.seq or 0) + 1
        self.holding.apply([self.world.delta(seq) for seq in range(first, min(self.world.head, first + count) + 1)])

    @rule()
    def confirm(self) -> None:
        self.holding.confirm(self.world.head, self.world.time, self.clock.ticks())

    @rule(seconds=st.integers(0, 100))
    def wait(self, seconds: int) -> None:
        self.clock.pass_s(seconds)

    @rule()
    def restart(self) -> None:
        """Nothing that was taken is lost."""
        before = self.held()
        self.holding.close()
        self.holding = self.opened()
        assert self.held() == before

    @rule()
    def restart_of_the_machine(self) -> None:
        self.clock.restart()
        self.restart()

    @rule(lost=st.integers(1, 100), junk=st.booleans())
    def restart_after_damage(self, lost: int, junk: bool) -> None:
        """The end of the journal is cut or overwritten, as by a crash of the machine."""
        self.holding.close()
        for path in self.folder.glob("*.deltas"):
            raw = path.read_bytes()
            path.write_bytes(raw[:-lost] + (b"\xff" * lost if junk else b""))
        self.holding = self.opened()

    @rule(step=st.integers(0, 4), done=st.booleans())
    def crash_while_taking(self, step: int, done: bool) -> None:
        """The process dies before or after one of the files was replaced."""
        left, whole = step, files.replace

        def dying(path: Path, content: bytes, *, mode: int = 0o600) -> None:
            nonlocal left
            left -= 1
            if left < 0 and not done:
                raise Crash
            whole(path, content, mode=mode)
            if left < 0:
                raise Crash

        files.replace = dying
        try:
            with contextlib.suppress(Crash, SnapshotRefused):
                self.holding.take(self.world.snapshot(), self.world.feed_key)
        finally:
            files.replace = whole
        if self.holding._lock is not None:
            self.holding._lock.release()
        self.holding = self.opened()

    @rule()
    def replace_the_feed_key(self) -> None:
        self.world.feed_key = another(self.world.feed_key)
        self.snapshots.clear()
        self.holding.take(self.world.snapshot(), self.world.feed_key)

    @rule(faults=FAULTS)
    def follow(self, faults: list[str | None]) -> None:
        with contextlib.suppress(RemoteFailed, SnapshotRefused):
            Follower(self.holding, WorldRemote(self.world, faults), self.folder).catch_up()  # type: ignore[arg-type]

    @rule()
    def follow_without_faults(self) -> None:
        """Whatever happened before heals."""
        Follower(self.holding, WorldRemote(self.world), self.folder).catch_up()  # type: ignore[arg-type]
        assert self.holding.seq == self.world.head

    @invariant()
    def no_invalid_card_is_missed(self) -> None:
        seq, as_of = self.holding.seq, self.holding.as_of
        invalid = set() if seq is None else self.world.invalid_at(seq)
        for number in range(CARDS):
            answer = check(self.holding, card(number), stale_after_s=1e9)
            assert answer.as_of_seq == seq
            if seq is None or number in invalid:
                assert answer.verdict is Verdict.REVIEW, "an invalid card was missed"
        if seq is not None and as_of is not None:
            assert seq <= self.world.head
            assert all(one.at > as_of for one in self.world.changes[seq:]), "it is older than it says"

    @invariant()
    def a_card_that_was_found_is_good(self) -> None:
        """A change to good that is held is known, whatever the filter says."""
        if self.holding.view is None or self.holding.seq is None:
            return
        for number in range(CARDS):
            changed = self.holding.view.overlay.get(self.world.tag(number, self.holding.view.key))
            if changed is not None and not changed.invalid:
                assert check(self.holding, card(number), stale_after_s=1e9).verdict is Verdict.NOT_LISTED


@pytest.fixture(autouse=True)
def without_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes die here, and no machine."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def test_no_invalid_card_is_ever_missed() -> None:
    settings = hypothesis.settings(max_examples=40, stateful_step_count=40, suppress_health_check=EVERY_CHECK_OF_HEALTH)
    run_state_machine_as_test(TerminalMachine, settings=settings)


@pytest.mark.long
def test_no_invalid_card_is_ever_missed_in_many_ways() -> None:
    settings = hypothesis.settings(
        max_examples=400, stateful_step_count=80, derandomize=False, suppress_health_check=EVERY_CHECK_OF_HEALTH
    )
    run_state_machine_as_test(TerminalMachine, settings=settings)


def drop_the_overlay(patch: pytest.MonkeyPatch) -> None:
    adopt = Holding._adopt

    def dropping(self: Holding, key: bytes, taken: snapshot.Snapshot, recorded: list[Delta]) -> None:
        adopt(self, key, taken, recorded)
        self.view = View(key, taken, {})

    patch.setattr(Holding, "_adopt", dropping)


def jump_over_gaps(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(holding, "_following", lambda deltas, seq: [one for one in deltas if one.seq > seq])


def take_older_ones(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Holding, "_require_newer", lambda *_: None)


def believe_what_is_not_signed(patch: pytest.MonkeyPatch) -> None:
    class Believing:
        def __init__(self, key: Any) -> None:
            self.public_bytes_raw = key.public_bytes_raw

        def verify(self, *_: object) -> None:
            pass

    whole = snapshot.open_snapshot
    patch.setattr(holding, "open_snapshot", lambda raw, signers: whole(raw, [Believing(one) for one in signers]))  # type: ignore[misc]


def believe_every_word(patch: pytest.MonkeyPatch) -> None:
    """The service's word holds, also where the changes that it was said of were lost."""

    def as_of(self: Holding) -> datetime | None:
        if self.view is None:
            return None
        return self.view.snapshot.head.as_of if self.standing is None else self.standing.as_of

    patch.setattr(Holding, "as_of", property(as_of))


def forget_the_journal(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Journal, "append", lambda *_: None)


def confirm_what_is_not_held(patch: pytest.MonkeyPatch) -> None:
    confirm = Holding.confirm
    patch.setattr(Holding, "confirm", lambda self, seq, as_of, *asked: confirm(self, self.seq or 0, as_of, *asked))


def take_any_key(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Holding, "_require_key", lambda *_: None)


BUGS: list[Callable[[pytest.MonkeyPatch], None]] = [
    drop_the_overlay,
    jump_over_gaps,
    take_older_ones,
    believe_what_is_not_signed,
    believe_every_word,
    forget_the_journal,
    confirm_what_is_not_held,
    take_any_key,
]


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patching:
        yield patching


@pytest.mark.parametrize("bug", BUGS)
def test_the_property_finds_bugs(bug: Callable[[pytest.MonkeyPatch], None], patch: pytest.MonkeyPatch) -> None:
    bug(patch)
    settings = hypothesis.settings(
        max_examples=300,
        stateful_step_count=40,
        phases=[hypothesis.Phase.generate],
        report_multiple_bugs=False,
        database=None,
        suppress_health_check=EVERY_CHECK_OF_HEALTH,
    )
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        run_state_machine_as_test(TerminalMachine, settings=settings)
