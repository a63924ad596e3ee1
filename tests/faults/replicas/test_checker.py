"""The checker itself: it is silent about histories that keep the promise, and notices every way of breaking it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.faults.replicas.calls import Call
from tests.faults.replicas.checker import AFTER_REPORT, LOST, OTHERWISE, STALE, Checker, Violation
from tests.faults.replicas.commits import Act

CHUNK = "7.0"
CARD = "the card"
STATUS = {
    "registered": "valid",
    "reported_lost": "card_reported_lost",
    "found": "valid",
    "reissued": "card_reissued",
}


class World:
    """A history: calls and commits that agree unless a test sees to it that they do not."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.acts: list[Act] = []
        self.lost: set[str] = set()
        self.checker = Checker()

    def act(self, what: str, at: float, *, status: str = "", until: float | None = None, card: str = CARD) -> Call:
        """Something asked for at `at`, committed next, and answered a moment later, or at `until`."""
        number = len(self.calls) + 1
        event = what in STATUS
        told = STATUS.get(what, what)
        identifier = f"act {number}"
        kind = "event" if event else "verification"
        self.acts.append(Act(number * 100, kind, identifier, card, what, STATUS.get(what, status), f"{CHUNK}-{number}"))
        call = Call(
            "registration" if what == "registered" else "event" if event else "verification",
            f"{CHUNK}-{number}",
            what if event else "",
            "" if what == "registered" else card,
            at,
            at + 0.5 if until is None else until,
            201 if event else 200,
            card if what == "registered" else identifier,
            told,
        )
        self.calls.append(call)
        return call

    def commit_before(self, later: int, earlier: int) -> None:
        """Move a call's act before another's; both by their number, from 0."""
        first, second = self.acts[later], self.acts[earlier]
        self.acts[earlier], self.acts[later] = replace(first, lsn=second.lsn), replace(second, lsn=first.lsn)

    def found(self) -> list[Violation]:
        kept = {act.id for act in self.acts} - self.lost
        return self.checker.check(CHUNK, self.calls, self.acts, kept)


def kept_promise() -> World:
    """Registered, passed, lost, refused, found, passed, re-issued, refused."""
    world = World()
    world.act("registered", 0)
    world.act("PASS", 1, status="valid")
    world.act("reported_lost", 2)
    world.act("REFUSE", 3, status="card_reported_lost")
    world.act("found", 4)
    world.act("PASS", 5, status="valid")
    world.act("reissued", 6)
    world.act("REFUSE", 7, status="card_reissued")
    return world


def answer(world: World, number: int, told: str) -> None:
    """What the client was told and what was committed: both."""
    world.calls[number].told = told
    world.acts[number] = replace(world.acts[number], what=told, status="valid")


def unanswered(world: World, number: int) -> None:
    world.calls[number].answered_s, world.calls[number].status = None, 0
    world.calls[number].told_id = world.calls[number].told = ""


def nobody_was_told(world: World) -> None:
    """A PASS after the report that no client ever saw."""
    answer(world, 3, "PASS")
    unanswered(world, 3)


def overlapping(world: World) -> None:
    """Sent before the report was answered: only the order of commits tells."""
    answer(world, 3, "PASS")
    world.calls[3].started_s = 2.1


def lying_database(world: World) -> None:
    """The log has the PASS before the report: only the clients' clock tells."""
    answer(world, 3, "PASS")
    world.commit_before(3, 2)


def another_replica_s_report_forgotten(world: World) -> None:
    """The report is not in the log at all."""
    answer(world, 3, "PASS")
    del world.acts[2]


def found_too_late(world: World) -> None:
    """The card was found, but only after the PASS had been answered."""
    lying_database(world)
    world.calls[4].started_s = 3.6


def found_before(world: World) -> None:
    """An earlier finding has no part in it."""
    world.calls.append(Call("event", f"{CHUNK}-found", "found", CARD, 0.6, 0.8, 409, code="event_not_possible"))
    lying_database(world)


def refused_for_the_past(world: World) -> None:
    """The card was found, and the decision did not know it."""
    answer(world, 5, "REFUSE")
    world.acts[5] = replace(world.acts[5], status="card_reported_lost")


def done_twice(world: World) -> None:
    world.acts.append(replace(world.acts[7], lsn=900, id="again"))


def out_of_order(world: World) -> None:
    world.acts[4] = replace(world.acts[4], lsn=world.acts[3].lsn)


def told(world: World, number: int, **fields: object) -> None:
    for name, value in fields.items():
        setattr(world.calls[number], name, value)


BROKEN: dict[str, tuple[Callable[[World], object], set[str]]] = {
    "pass after the report": (lambda w: answer(w, 3, "PASS"), {AFTER_REPORT}),
    "pass after the re-issue": (lambda w: answer(w, 7, "PASS"), {AFTER_REPORT}),
    "pass that nobody was told of": (nobody_was_told, {AFTER_REPORT}),
    "pass that overlaps the report": (overlapping, {AFTER_REPORT}),
    "pass before the report by the log alone": (lying_database, {AFTER_REPORT}),
    "report lost and pass": (another_replica_s_report_forgotten, {AFTER_REPORT, LOST}),
    "pass before the card was found": (found_too_late, {AFTER_REPORT}),
    "pass after a finding that was refused": (found_before, {AFTER_REPORT}),
    "refusal on an old status": (refused_for_the_past, {STALE}),
    "pass of a card that nobody registered": (lambda w: w.acts.pop(0), {AFTER_REPORT, LOST, OTHERWISE}),
    "decision not committed": (lambda w: w.acts.pop(1), {LOST}),
    "decision lost from the tables": (lambda w: w.lost.add("act 2"), {LOST}),
    "report lost from the tables": (lambda w: w.lost.add("act 3"), {LOST}),
    "another decision told": (lambda w: told(w, 1, told="REFUSE"), {OTHERWISE}),
    "another identifier told": (lambda w: told(w, 1, told_id="x"), {OTHERWISE}),
    "another status told": (lambda w: told(w, 4, told="card_reported_lost"), {OTHERWISE}),
    "refused and done": (lambda w: told(w, 6, status=409, code="event_not_possible"), {OTHERWISE}),
    "a 500": (lambda w: told(w, 1, status=500, code="internal"), {OTHERWISE}),
    "put off with something else": (lambda w: w.calls[1].put_off.append("internal"), {OTHERWISE}),
    "done twice": (done_twice, {OTHERWISE}),
    "no idempotency key": (lambda w: w.acts.__setitem__(1, replace(w.acts[1], key="")), {OTHERWISE, LOST}),
    "nobody asked": (lambda w: w.calls.pop(1), {OTHERWISE}),
    "another event than was asked for": (lambda w: told(w, 6, event="cancelled"), {OTHERWISE}),
    "another card than was asked for": (lambda w: told(w, 1, card_id="another"), {OTHERWISE}),
    "log out of order": (out_of_order, {OTHERWISE}),
    "registered twice": (lambda w: w.act("registered", 8), {OTHERWISE}),
}


def test_a_kept_promise_is_no_violation() -> None:
    assert kept_promise().found() == []


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_promise_is_noticed(case: str) -> None:
    breaking, kinds = BROKEN[case]
    world = kept_promise()
    breaking(world)
    assert {violation.kind for violation in world.found()} == kinds


def test_a_pass_that_overlaps_the_report_and_came_first_is_kept() -> None:
    """Answered long after the report."""
    world = World()
    world.act("registered", 0)
    world.act("PASS", 1, status="valid", until=9)
    world.act("reported_lost", 2)
    assert world.found() == []


@pytest.mark.parametrize("answered", [True, False])
def test_a_pass_that_overlaps_the_finding_is_kept(answered: bool) -> None:
    """The finding came first, whether anybody was told of it or not."""
    world = World()
    world.act("registered", 0)
    world.act("reported_lost", 1)
    world.act("found", 4.2, until=9)
    world.act("PASS", 4, status="valid")
    if not answered:
        unanswered(world, 2)
    assert world.found() == []


def test_a_finding_that_overlaps_the_report_may_have_come_after_it() -> None:
    world = World()
    world.act("registered", 0)
    world.act("reported_lost", 1, until=3)
    world.act("found", 2, until=2.5)
    world.act("PASS", 4, status="valid")
    assert world.found() == []


def test_an_act_that_nobody_was_told_of_may_be_there_or_not() -> None:
    world = kept_promise()
    unanswered(world, 1)
    unanswered(world, 5)
    del world.acts[5]
    assert world.found() == []


def test_calls_that_were_refused_did_nothing() -> None:
    world = kept_promise()
    refused = Call("event", f"{CHUNK}-x", "found", CARD, 1.6, 1.8, 409, code="event_not_possible")
    world.calls.append(refused)
    assert world.found() == []
    refused.code = "card_unknown"
    assert [violation.kind for violation in world.found()][-1:] == [OTHERWISE]


def next_chunk(checker: Checker, decision: str) -> World:
    """The card is shown once more; it was re-issued in the chunk before."""
    world = World()
    world.checker = checker
    world.act(decision, 20, status="card_reissued")
    world.calls[0].key = "7.1-1"
    world.acts[0] = replace(world.acts[0], lsn=2000, key="7.1-1")
    return world


@pytest.mark.parametrize(("in_play", "kinds"), [({CARD}, [AFTER_REPORT, AFTER_REPORT]), (set[str](), [AFTER_REPORT])])
def test_a_report_counts_in_later_chunks(in_play: set[str], kinds: list[str]) -> None:
    """By the log for a chunk longer than by the clients, who know which cards are shown."""
    world = kept_promise()
    assert world.found() == []
    world.checker.retire(in_play)
    assert next_chunk(world.checker, "REFUSE").found() == []
    world = kept_promise()
    world.found()
    world.checker.retire(in_play)
    assert [violation.kind for violation in next_chunk(world.checker, "PASS").found()] == kinds


def test_what_cannot_matter_any_more_is_forgotten() -> None:
    world = kept_promise()
    world.found()
    world.checker.retire({CARD})
    assert [call.event for call in world.checker.reports] == ["reissued"]
    world.checker.check("7.1", [], [], set())
    world.checker.retire(set())
    assert (world.checker.reports, world.checker.statuses) == ([], {})


def test_late_acts_of_an_earlier_chunk_are_judged_by_their_order() -> None:
    world = kept_promise()
    world.found()
    late = Act(3000, "verification", "late", CARD, "REFUSE", "card_reissued", f"{CHUNK}-9")
    assert world.checker.check("7.1", [], [late], {"late"}) == []
    passed = replace(late, lsn=3001, what="PASS", status="valid", id="later")
    assert [one.kind for one in world.checker.check("7.1", [], [passed], {"later"})] == [AFTER_REPORT]
