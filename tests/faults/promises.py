"""What the service promises, checked: a history of clients against what is there afterwards.

- An acknowledged decision, registration or report is there, whole; asked again, the service says the same. Only the
  proof of its place in the log may come later than the answer; once given it stays as it is.
- An act that was not acknowledged is there whole or not at all: its rows, its evidence, its idempotency key, its nonce.
- Every piece of evidence is sound, and tells of an act that is there.
- No decision after a loss report passes the card: neither by the clients' clock after the report was acknowledged, nor
  by the database's after it was recorded.
- A client is answered with what it asked for, or told to try again.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tests.faults.history import Answer, Operation
from tests.faults.stored import Stored

RETRYABLE = {"database_unavailable", "service_busy", "service_overloaded"}
TEMPLATES = 2  # a face and a finger

Check = Callable[[Sequence[Operation], Stored], Iterator[str]]


def breaches(operations: Sequence[Operation], stored: Stored) -> list[str]:
    """Every broken promise in words; empty when all are kept."""
    return [text for check in CHECKS for text in check(operations, stored)]


def _clients_were_served(operations: Sequence[Operation], _: Stored) -> Iterator[str]:
    for one in operations:
        if one.answer is not None and not one.acknowledged:
            yield f"{one.kind} {one.key}: answered {one.answer.status} {one.answer.content[:80]!r}"
        for code in set(one.put_off) - RETRYABLE:
            yield f"{one.kind} {one.key}: put off with {code}"


def _acknowledged_is_there(operations: Sequence[Operation], stored: Stored) -> Iterator[str]:
    kept = {row.key: row for row in stored.kept}
    acts = {row.id for row in stored.decisions} | {row.id for row in stored.events} | set(stored.card_status)
    for one in operations:
        if not one.acknowledged or one.answer is None:
            continue
        told = json.loads(one.answer.content)
        if told["id"] not in acts:
            yield f"{one.kind} {one.key}: acknowledged, but {told['id']} is not there"
        if one.key not in kept:
            yield f"{one.kind} {one.key}: acknowledged, but its idempotency key is not there"
        elif kept[one.key].answer != promised(told) or kept[one.key].status != one.answer.status:
            yield f"{one.kind} {one.key}: another answer is stored than was given"


def _asked_again_it_says_the_same(operations: Sequence[Operation], stored: Stored) -> Iterator[str]:
    for one in operations:
        if one.answer is None:
            continue
        if one.key in stored.replayed and not same(one.answer, stored.replayed[one.key]):
            yield f"{one.kind} {one.key}: sent again, it is answered differently"
        told = json.loads(one.answer.content).get("id")
        read = stored.read.get(told)
        if told in stored.read and not (read is not None and read.status == 200 and same(one.answer, read)):
            yield f"{one.kind} {one.key}: read again, the decision is another"


def same(before: Answer, after: Answer | None) -> bool:
    """Byte for byte, but for a proof that was not there before."""
    if after is None or before.status != after.status:
        return False
    told, told_again = json.loads(before.content), json.loads(after.content)
    if "inclusion" in told.get("receipt", {}) or "inclusion" not in told_again.get("receipt", {}):
        return before.content == after.content
    return list(promised(told_again).items()) == list(told.items())


def promised(told: dict[str, Any]) -> dict[str, Any]:
    """An answer with its receipt as it is stored: without the proof, which is added on the way out."""
    if "receipt" not in told:
        return told
    receipt = {name: value for name, value in told["receipt"].items() if name != "inclusion"}
    return {**told, "receipt": receipt}


def _decisions_are_whole(operations: Sequence[Operation], stored: Stored) -> Iterator[str]:
    answers = {row.answer["id"]: row.answer for row in stored.kept if "decision" in row.answer}
    told_of = Counter(leaf.subject_id for leaf in stored.leaves if leaf.kind == "verification")
    texts = {leaf.subject_id: leaf.text for leaf in stored.leaves}
    for row in stored.decisions:
        if told_of[row.id] != 1:
            yield f"decision {row.id}: {told_of[row.id]} leaves of evidence"
        elif row.answer["receipt"]["leaf"] != texts[row.id]:
            yield f"decision {row.id}: its receipt is not its evidence"
        if answers.get(row.id) != row.answer:
            yield f"decision {row.id}: its idempotency key holds another answer, or there is none"
    ids = {row.id for row in stored.decisions}
    for orphan in (set(told_of) | set(answers)) - ids:
        yield f"decision {orphan}: evidence or an answer tells of it, but it is not there"
    if stored.nonces != len(ids):
        yield f"{stored.nonces} nonces are used for {len(ids)} decisions"
    kept = {row.key for row in stored.kept}
    for one in operations:
        if one.kind == "verification" and (one.key in kept) != (one.key in stored.used_nonces):
            yield f"verification {one.key}: its nonce and its idempotency key do not go together"


def _events_are_whole(_: Sequence[Operation], stored: Stored) -> Iterator[str]:
    told_of = Counter(leaf.subject_id for leaf in stored.leaves if leaf.kind == "card_event")
    answers = Counter(row.answer.get("id") for row in stored.kept)
    for row in stored.events:
        if told_of[row.id] != 1:
            yield f"event {row.id}: {told_of[row.id]} leaves of evidence"
        if answers[row.card_id if row.event == "registered" else row.id] != 1:
            yield f"event {row.id}: its idempotency key is not there"
    for orphan in set(told_of) - {row.id for row in stored.events}:
        yield f"event {orphan}: evidence tells of it, but it is not there"


def _cards_are_whole(_: Sequence[Operation], stored: Stored) -> Iterator[str]:
    last = {row.card_id: row.status for row in sorted(stored.events, key=lambda row: row.recorded_at)}
    registered = Counter(row.card_id for row in stored.events if row.event == "registered")
    for card_id, status in stored.card_status.items():
        if registered[card_id] != 1 or stored.templates.get(card_id) != TEMPLATES:
            yield f"card {card_id}: {registered[card_id]} registrations, {stored.templates.get(card_id)} templates"
        if last.get(card_id) != status:
            yield f"card {card_id}: its status is {status}, its last event says {last.get(card_id)}"
    for card_id in (set(registered) | set(stored.templates)) - set(stored.card_status):
        yield f"card {card_id}: events or templates are there, the card is not"


def _evidence_is_sound(_: Sequence[Operation], stored: Stored) -> Iterator[str]:
    for leaf in stored.leaves:
        if not leaf.sound:
            yield f"evidence of {leaf.subject_id}: hash or signature do not hold"
        if (leaf.body["id"], leaf.body["kind"]) != (leaf.subject_id, leaf.kind):
            yield f"evidence of {leaf.subject_id}: the leaf tells of another act"


def _nothing_passes_after_a_report(operations: Sequence[Operation], stored: Stored) -> Iterator[str]:
    reported = {
        one.card: one.answered_s
        for one in operations
        if one.kind == "loss" and one.acknowledged and one.answered_s is not None
    }
    for one in operations:
        if one.kind != "verification" or not one.acknowledged or one.answer is None or one.card not in reported:
            continue
        if one.started_s > reported[one.card] and json.loads(one.answer.content)["decision"] == "PASS":
            yield f"verification {one.key}: PASS, asked for after the loss report was acknowledged"
    recorded = {row.card_id: row.recorded_at for row in stored.events if row.event == "reported_lost"}
    for row in stored.decisions:
        if row.decision == "PASS" and row.card_id in recorded and row.decided_at > recorded[row.card_id]:
            yield f"decision {row.id}: PASS, decided after the loss report was recorded"


CHECKS: tuple[Check, ...] = (
    _clients_were_served,
    _acknowledged_is_there,
    _asked_again_it_says_the_same,
    _decisions_are_whole,
    _events_are_whole,
    _cards_are_whole,
    _evidence_is_sound,
    _nothing_passes_after_a_report,
)
