"""The checker notices every kind of broken promise, on histories made up for it, and none where all are kept."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.faults.history import Answer, Kind, Operation
from tests.faults.promises import CHECKS, TEMPLATES, breaches
from tests.faults.stored import Decided, Event, Kept, Leaf, Stored

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass
class World:
    """A card that was registered, passed, was reported lost and refused; one more verification went unanswered."""

    operations: list[Operation]
    stored: Stored

    def operation(self, key: str) -> Operation:
        return next(one for one in self.operations if one.key == key)


def act(world: World, kind: Kind, key: str, told: dict[str, Any], second: int) -> None:
    """An acknowledged operation of the second `second`, with its idempotency row."""
    status = 200 if kind == "verification" else 201
    content = Answer(status, json.dumps(told).encode())
    made = Operation(kind, 0, key, "/", {}, "card", started_s=second, answered_s=second + 0.5, answer=content)
    world.operations.append(made)
    world.stored.kept.append(Kept(key, status, told))
    world.stored.replayed[key] = content


def leaf(kind: str, subject: str) -> Leaf:
    body = {"kind": kind, "id": subject}
    return Leaf(kind, subject, body, json.dumps(body), sound=True)


def happened(world: World, key: str, event: str, status: str, second: int) -> None:
    at = NOON + timedelta(seconds=second + 0.2)
    world.stored.events.append(Event(f"event {event}", "card", event, status, at))
    world.stored.leaves.append(leaf("card_event", f"event {event}"))
    identifier = "card" if event == "registered" else f"event {event}"
    act(world, "registration" if event == "registered" else "loss", key, {"id": identifier}, second)


def decided(world: World, key: str, decision: str, second: int) -> None:
    told_of = leaf("verification", f"decision {key}")
    told = {"id": f"decision {key}", "decision": decision, "receipt": {"leaf": told_of.text}}
    act(world, "verification", key, told, second)
    at = NOON + timedelta(seconds=second + 0.2)
    world.stored.decisions.append(Decided(f"decision {key}", "card", decision, at, told))
    world.stored.leaves.append(told_of)
    world.stored.nonces += 1
    world.stored.used_nonces.add(key)
    world.stored.read[f"decision {key}"] = Answer(200, json.dumps(told).encode())


def kept_promises() -> World:
    world = World([], Stored(card_status={"card": "card_reported_lost"}, templates={"card": TEMPLATES}))
    happened(world, "register", "registered", "valid", 0)
    decided(world, "passed", "PASS", 1)
    happened(world, "report", "reported_lost", "card_reported_lost", 2)
    decided(world, "refused", "REFUSE", 3)
    unanswered = Operation(
        "verification", 0, "unanswered", "/", {}, "card", 4.0, put_off=["database_unavailable"], cut=1
    )
    world.operations.append(unanswered)
    return world


def drop(rows: list[Any], **fields: str) -> None:
    kept = [row for row in rows if any(getattr(row, name) != value for name, value in fields.items())]
    assert len(kept) == len(rows) - 1
    rows[:] = kept


def reanswer(world: World, key: str, **changes: Any) -> None:
    answer = world.operation(key).answer
    assert answer is not None
    told = json.loads(answer.content) | changes
    world.operation(key).answer = Answer(answer.status, json.dumps(told).encode())


def prove(world: World, key: str, root: str, *, again: bool = False) -> None:
    """Add a proof to the answer, or to what was answered when it was asked for again."""
    answer = world.stored.replayed[key] if again else world.operation(key).answer
    assert answer is not None
    told = json.loads(answer.content)
    proven = Answer(answer.status, json.dumps(told | {"receipt": told["receipt"] | {"inclusion": root}}).encode())
    if again:
        world.stored.replayed[key] = proven
    else:
        world.operation(key).answer = proven


def prove_otherwise(world: World) -> None:
    prove(world, "passed", "root")
    prove(world, "passed", "another root", again=True)


def pass_after_the_report(world: World) -> None:
    """Told and stored alike: only the order is wrong."""
    reanswer(world, "refused", decision="PASS")
    answer = world.operation("refused").answer
    assert answer is not None
    told = json.loads(answer.content)
    world.stored.kept = [replace(row, answer=told) if row.key == "refused" else row for row in world.stored.kept]
    world.stored.decisions[1] = replace(world.stored.decisions[1], decision="PASS", answer=told)
    world.stored.replayed["refused"] = world.stored.read["decision refused"] = answer


def in_flight_pass_after_the_report(world: World) -> None:
    """Asked for before the report was acknowledged, and so allowed by the clients' clock, not by the database's."""
    pass_after_the_report(world)
    world.operation("refused").started_s = 2.1


def half_a_decision(world: World) -> None:
    """The unanswered verification left its nonce and nothing else."""
    world.stored.nonces += 1
    world.stored.used_nonces.add("unanswered")


def forget_the_report(world: World) -> None:
    """Nobody was told of the report, and its key went without it."""
    world.operations.remove(world.operation("report"))
    drop(world.stored.kept, key="report")


def forge(world: World) -> None:
    world.stored.leaves[0] = replace(world.stored.leaves[0], sound=False)


def swap(world: World) -> None:
    world.stored.leaves[0] = replace(world.stored.leaves[0], body={"kind": "card_event", "id": "another"})


def another_receipt(world: World) -> None:
    receipts = [row for row in world.stored.decisions if row.id == "decision passed"]
    receipts[0].answer["receipt"] = {"leaf": "another"}


BROKEN: dict[str, tuple[Callable[[World], Any], str]] = {
    "decision lost": (lambda w: drop(w.stored.decisions, id="decision passed"), "decision passed is not there"),
    "report lost": (lambda w: drop(w.stored.events, id="event reported_lost"), "event reported_lost is not there"),
    "card lost": (lambda w: w.stored.card_status.clear(), "registration register: acknowledged, but card is not there"),
    "key lost": (lambda w: drop(w.stored.kept, key="passed"), "passed: acknowledged, but its idempotency key"),
    "key of an unacknowledged event lost": (
        forget_the_report,
        "event event reported_lost: its idempotency key is not there",
    ),
    "other answer stored": (lambda w: reanswer(w, "passed", decision="REFUSE"), "another answer is stored"),
    "other bytes given again": (
        lambda w: w.stored.replayed.update(passed=Answer(200, b"{}")),
        "passed: sent again, it is answered differently",
    ),
    "another proof given again": (
        prove_otherwise,
        "passed: sent again, it is answered differently",
    ),
    "a proof given and taken away": (
        lambda w: prove(w, "passed", "root"),
        "passed: sent again, it is answered differently",
    ),
    "nothing given again": (lambda w: w.stored.replayed.update(report=None), "report: sent again"),
    "other bytes read": (
        lambda w: w.stored.read.update({"decision passed": Answer(200, b"{}")}),
        "passed: read again, the decision is another",
    ),
    "not readable": (
        lambda w: w.stored.read.update({"decision passed": Answer(404, b"")}),
        "passed: read again, the decision is another",
    ),
    "evidence of a decision lost": (
        lambda w: drop(w.stored.leaves, subject_id="decision passed"),
        "decision decision passed: 0 leaves of evidence",
    ),
    "evidence twice": (lambda w: w.stored.leaves.append(w.stored.leaves[1]), "2 leaves of evidence"),
    "evidence of an event lost": (
        lambda w: drop(w.stored.leaves, subject_id="event reported_lost"),
        "event event reported_lost: 0 leaves",
    ),
    "evidence of nothing": (
        lambda w: w.stored.leaves.append(leaf("verification", "nowhere")),
        "decision nowhere: evidence or an answer tells of it",
    ),
    "evidence of no event": (
        lambda w: w.stored.leaves.append(leaf("card_event", "nowhere")),
        "event nowhere: evidence tells of it",
    ),
    "answer to nothing": (
        lambda w: w.stored.kept.append(Kept("unanswered", 200, {"id": "nowhere", "decision": "PASS"})),
        "decision nowhere: evidence or an answer tells of it",
    ),
    "receipt of another leaf": (another_receipt, "its receipt is not its evidence"),
    "signature broken": (forge, "hash or signature do not hold"),
    "leaf of another act": (swap, "the leaf tells of another act"),
    "nonce lost": (lambda w: setattr(w.stored, "nonces", 1), "1 nonces are used for 2 decisions"),
    "half a decision": (half_a_decision, "unanswered: its nonce and its idempotency key do not go together"),
    "status lost": (lambda w: w.stored.card_status.update(card="valid"), "its status is valid, its last event says"),
    "template lost": (lambda w: w.stored.templates.update(card=1), "card card: 1 registrations, 1 templates"),
    "templates of no card": (lambda w: w.stored.templates.update(nowhere=2), "card nowhere: events or templates"),
    "pass after an acknowledged report": (pass_after_the_report, "asked for after the loss report was acknowledged"),
    "pass after a recorded report": (in_flight_pass_after_the_report, "decided after the loss report was recorded"),
    "a 500": (
        lambda w: setattr(w.operation("unanswered"), "answer", Answer(500, b'{"code": "internal"}')),
        "unanswered: answered 500",
    ),
    "put off for good": (
        lambda w: w.operation("unanswered").put_off.append("internal"),
        "unanswered: put off with internal",
    ),
}


def test_kept_promises_are_no_breach() -> None:
    world = kept_promises()
    assert breaches(world.operations, world.stored) == []


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_promise_is_noticed(case: str) -> None:
    breaking, text = BROKEN[case]
    world = kept_promises()
    breaking(world)
    found = breaches(world.operations, world.stored)
    assert any(text in breach for breach in found), found


def test_an_act_that_was_not_acknowledged_may_be_there_whole() -> None:
    world = kept_promises()
    decided(world, "late", "REFUSE", 5)
    world.operation("late").answer = None
    world.operation("late").answered_s = None
    assert breaches(world.operations, world.stored) == []


def test_a_pass_that_raced_the_report_and_came_first_is_kept() -> None:
    """Answered long after the report, but decided before it."""
    world = kept_promises()
    world.operation("passed").answered_s = 9.0
    assert breaches(world.operations, world.stored) == []


def test_a_proof_may_come_later_than_the_answer() -> None:
    world = kept_promises()
    prove(world, "passed", "root", again=True)
    world.stored.read["decision passed"] = world.stored.replayed["passed"]
    assert breaches(world.operations, world.stored) == []


def test_every_check_is_broken_by_some_case() -> None:
    silent = set(CHECKS)
    for breaking, _ in BROKEN.values():
        world = deepcopy(kept_promises())
        breaking(world)
        silent -= {check for check in CHECKS if list(check(world.operations, world.stored))}
    assert not silent
