"""Receipts hold as they were given, and in no other form; proofs as the service makes them."""

import base64
import hashlib
import json
import runpy
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from api.client import EvidenceRefuted, PromiseBroken, Verification, Verifier
from api.client import merkle as ours
from api.client.answers import AlertClosed, CardRegistered, Check, Consistency, EventRecorded, Evident, Receipt
from api.client.clock import Clock
from api.evidence import merkle
from api.evidence.checkpoints import verifier_key
from api.evidence.parameters import ORIGIN
from api.institutions.roles import Role
from api.service import Service
from tests.api.bodies import Json
from tests.api.client.conftest import NewSide
from tests.api.client.sides import Kind, Script, Wire, error, opened
from tests.api.client.test_service import registered, take
from tests.api.entries import new_key

OTHER = Path(__file__).parents[3] / "deploy" / "verifier" / "verify.py"


@pytest.fixture(scope="module")
def verifier(service: Service) -> Verifier:
    return Verifier([verifier_key(ORIGIN, key) for key in service.keys.trusted])


@pytest.fixture(scope="module")
def decided(service: Service, app: FastAPI) -> Verification:
    """Of a card that is lost, proof included."""
    keys = [new_key(service.database, service.keys, role) for role in (Role.AUTHORITY, Role.TERMINAL)]
    with opened("sync", keys[0], over=Wire(app)) as authority, opened("sync", keys[1], over=Wire(app)) as terminal:
        card_id, card = registered(authority)
        authority.report_card(card_id, "reported_lost")
        found: Verification = terminal.attend(card, take, purpose="test")
    return found


@pytest.fixture
def kind() -> Kind:
    """What is verified is the same for both."""
    return "sync"


def changed(answer: Json, path: str, value: Any) -> str:
    """A copy with one value changed, as JSON; None takes it out."""
    copy: Json = json.loads(json.dumps(answer))
    *parents, last = path.split("/")
    inner = copy
    for name in parents:
        inner = inner[name]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return json.dumps(copy)


CHANGES: dict[str, Any] = {
    "id": "00000000-0000-4000-8000-000000000000",
    "decision": "PASS",
    "decided_at": "2026-01-01T00:00:00+00:00",
    "document/status": "card_reissued",
    "person/llr": 99.0,
    "policy_version": "another",
    "calibrations": {"face": "another"},
    "screening": None,
    "receipt/leaf": "{}",
    "receipt/leaf_hash": "00" * 32,
    "receipt/signature": "AAAA",
    "receipt/include_by": "2030-01-01T00:00:00+00:00",
    "receipt/key_id": "0123456789abcdef",
    "receipt/inclusion/index": 0,
    "receipt/inclusion/size": 1,
    "receipt/inclusion/proof": [],
    "receipt/inclusion/checkpoint": "renzheng/evidence\n5\nAAAA\n\n",
}


def test_a_kept_answer_holds(decided: Verification, verifier: Verifier) -> None:
    evidence = verifier.verify(Verification.kept(json.dumps(decided.as_told)))
    assert evidence.checkpoint is not None
    assert evidence.place is not None
    assert evidence.leaf["decision"] == "REFUSE"
    assert "words" in evidence.unproven
    assert "decision" not in evidence.unproven


@pytest.mark.parametrize("path", CHANGES)
def test_a_changed_answer_does_not_hold(decided: Verification, verifier: Verifier, path: str) -> None:
    other = Verification.kept(changed(decided.as_told, path, CHANGES[path]))
    with pytest.raises(EvidenceRefuted) as caught:
        verifier.verify(other)
    assert (caught.value.code, caught.value.retryable) == ("receipt_refuted", False)


def test_the_receipt_of_something_else_does_not_hold(
    new_side: NewSide, decided: Verification, verifier: Verifier
) -> None:
    """A genuine receipt around another answer, of the same kind and of another; and of another request."""
    other = new_side().attend(registered(new_side(Role.AUTHORITY))[1], take, purpose="test")
    swapped = Verification.kept(json.dumps({**decided.as_told, "receipt": other.as_told["receipt"]}))
    with pytest.raises(EvidenceRefuted, match="not what the signed leaf says"):
        verifier.verify(swapped)
    event = {
        "id": str(decided.id),
        "card_id": str(decided.id),
        "event": "reported_lost",
        "status": "card_reported_lost",
        "superseded_by": None,
        "recorded_at": decided.as_told["decided_at"],
        "receipt": decided.as_told["receipt"],
    }
    with pytest.raises(EvidenceRefuted, match="something else"):
        verifier.verify(EventRecorded.kept(json.dumps(event)))
    with pytest.raises(EvidenceRefuted, match="another request: purpose"):
        verifier.verify(decided, vouched={"purpose": "account_opening"})


def test_an_older_answer_to_a_new_request_is_refused(new_side: NewSide, verifier: Verifier) -> None:
    """A service, or somebody before it, that answers a genuine PASS of the same card from earlier."""
    _, card = registered(new_side(Role.AUTHORITY))
    terminal = new_side(log_keys=[key.line for key in verifier.keys])
    earlier = terminal.attend(card, take, purpose="test")
    nonce = terminal.nonce()
    script = Script(httpx.Response(201, json=nonce.as_told), httpx.Response(200, json=earlier.as_told))
    with (
        opened("sync", over=script, log_keys=[key.line for key in verifier.keys]) as fooled,
        pytest.raises(EvidenceRefuted, match="another request: captured_at") as caught,
    ):
        fooled.attend(card, take, purpose="test")
    assert caught.value.idempotency_key == script.keys[-1]


def test_genuine_answers_of_something_else_are_refused(new_side: NewSide, verifier: Verifier) -> None:
    """Whoever stands before the service has a store of true answers: another decision, another card's event."""
    lines = [key.line for key in verifier.keys]
    authority, terminal = new_side(Role.AUTHORITY), new_side()
    (first_id, first), (second_id, _) = registered(authority), registered(authority)
    passed = terminal.attend(first, take, purpose="test")
    reported = authority.report_card(first_id, "reported_lost")
    with opened("sync", over=Script(httpx.Response(200, json=passed.as_told)), log_keys=lines) as fooled:
        assert fooled.decision(passed.id).decision == "PASS"
        with pytest.raises(EvidenceRefuted, match="another request: id"):
            fooled.decision(second_id)
    with opened("sync", over=Script(httpx.Response(201, json=reported.as_told)), log_keys=lines) as fooled:
        with pytest.raises(EvidenceRefuted, match="another request: card_id"):
            fooled.report_card(second_id, "reported_lost")
        with pytest.raises(EvidenceRefuted, match="another request: event"):
            fooled.report_card(first_id, "found")


def test_another_key_signed_nothing_here(decided: Verification) -> None:
    other = Verifier(verifier_key(ORIGIN, Ed25519PrivateKey.generate().public_key()))
    with pytest.raises(EvidenceRefuted, match="no pinned key"):
        other.verify(decided)


def test_the_other_answers_hold_with_what_stands_in_them(new_side: NewSide, verifier: Verifier) -> None:
    authority = new_side(Role.AUTHORITY)
    old, card = registered(authority)
    made: CardRegistered = authority.register_card(card_with_a_serial(card), face=b"person:a", supersedes=old)
    assert verifier.verify(made).leaf["event"] == "registered"
    assert made.superseded is not None
    assert verifier.verify(made.superseded).leaf["status"] == "card_reissued"


def card_with_a_serial(card: Any) -> Any:
    return replace(card, valid_from=card.valid_from.replace(day=2), serial=secrets.token_hex(8))


@pytest.mark.parametrize("line", ["", "renzheng/evidence", "renzheng/evidence+00000000+AAAA", "a+b+c"])
def test_what_is_no_key_is_refused(line: str, verifier: Verifier) -> None:
    with pytest.raises(ValueError, match="key"):
        Verifier(line)
    good = verifier.keys[0].line
    with pytest.raises(ValueError, match="damaged"):
        Verifier(good[:20] + ("0" if good[20] != "0" else "1") + good[21:])


def promised(decided: Verification) -> Verification:
    told = {**decided.as_told, "receipt": {**decided.as_told["receipt"]}}
    del told["receipt"]["inclusion"]
    return Verification.kept(json.dumps(told))


def test_a_promise_is_proven_later(new_side: NewSide, decided: Verification, verifier: Verifier) -> None:
    answer = promised(decided)
    assert verifier.verify(answer).checkpoint is None
    watcher = new_side(log_keys=[key.line for key in verifier.keys])
    evidence = watcher.prove(answer)
    assert evidence.place == verifier.verify(decided).place
    with pytest.raises(EvidenceRefuted, match="no key of the log is pinned"):
        new_side().prove(answer)


def test_a_promise_that_is_not_kept_is_told(decided: Verification, verifier: Verifier) -> None:
    """Asked again until its time is over, and not for longer."""
    answer = promised(decided)
    assert answer.receipt.include_by is not None
    times = iter(answer.receipt.include_by + timedelta(seconds=each) for each in (-2, -1, 4, 6))
    script = Script(error(404, "not_in_log", retryable=True))
    lines = [key.line for key in verifier.keys]
    with opened("sync", over=script, log_keys=lines, clock=Clock(wall=lambda: next(times))) as side:
        with pytest.raises(PromiseBroken) as caught:
            side.prove(answer)
        assert side.paused == [1, 1, 1]
    assert (caught.value.code, len(script.seen)) == ("promise_broken", 4)


def test_a_rewritten_log_is_noticed(verifier: Verifier, new_side: NewSide) -> None:
    watcher = new_side(log_keys=[key.line for key in verifier.keys])
    registered(new_side(Role.AUTHORITY))
    kept = watcher.checkpoint()
    registered(new_side(Role.AUTHORITY))
    proof = Consistency.model_validate(watcher.request("GET", "/v1/evidence/consistency", query={"old": kept.size}))
    assert verifier.consistency(kept, proof).size == proof.new
    with pytest.raises(EvidenceRefuted, match=r"rewritten|none"):
        verifier.consistency(replace(kept, root=bytes(32)), proof)
    with pytest.raises(EvidenceRefuted, match="other trees"):
        verifier.consistency(replace(kept, size=kept.size - 1), proof)
    with pytest.raises(EvidenceRefuted):
        verifier.consistency(kept, proof.model_copy(update={"proof": [*proof.proof, "00" * 32]}))


def test_old_receipts_have_no_promised_time() -> None:
    """From before the log: signed over another text, without `include_by`."""
    key, leaf = Ed25519PrivateKey.generate(), '{"v":1}'
    digest = ours.leaf_hash(leaf.encode())
    told = {
        "algorithm": "Ed25519",
        "key_id": hashlib.sha256(key.public_key().public_bytes_raw()).hexdigest()[:16],
        "leaf": leaf,
        "leaf_hash": digest.hex(),
        "signature": base64.b64encode(key.sign(b"renzheng receipt v1\n" + digest)).decode(),
    }
    verifier = Verifier(verifier_key(ORIGIN, key.public_key()))
    assert verifier.receipt(Receipt.model_validate(told)).include_by is None
    with pytest.raises(EvidenceRefuted):
        verifier.receipt(Receipt.model_validate({**told, "include_by": "2026-11-22T00:00:00+00:00"}))


ANSWERS: dict[str, type[Evident]] = {
    "verification": Verification,
    "check": Check,
    "card_event": EventRecorded,
    "card_event registered": CardRegistered,
    "alert_closed": AlertClosed,
}


@pytest.mark.parametrize("subject", ANSWERS)
def test_the_leaf_vouches_for_what_the_other_verifier_says(subject: str) -> None:
    """deploy/verifier/verify.py was written apart; what a leaf says is one table."""
    other, answer = runpy.run_path(str(OTHER)), ANSWERS[subject]
    assert {subject} == answer.LEAF
    assert set(answer.SAYS) == set(other["SAID"][subject][1].split())
    assert set(answer.SAYS_FROM_3) == set(other["SAID_FROM_3"].get(subject, "").split())


def tree(size: int) -> tuple[list[bytes], Callable[[int, int], bytes]]:
    leaves = [ours.leaf_hash(bytes([number])) for number in range(size)]

    def lookup(level: int, index: int) -> bytes:
        if level == 0:
            return leaves[index]
        return merkle.node_hash(lookup(level - 1, 2 * index), lookup(level - 1, 2 * index + 1))

    return leaves, lookup


@given(st.data())
def test_proofs_lead_where_the_services_do(data: st.DataObject) -> None:
    """Two implementations, one apart from the other."""
    size = data.draw(st.integers(1, 40))
    leaves, lookup = tree(size)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    path, root = merkle.inclusion_proof(index, size, lookup), merkle.root(size, lookup)
    assert ours.root_of_inclusion(leaves[index], index, size, path) == root
    with pytest.raises(ValueError, match=r"path|tree"):
        ours.root_of_inclusion(leaves[index], index, size, [*path, bytes(32)])
    older = merkle.root(old, lookup)
    proof = merkle.consistency_proof(old, size, lookup)
    assert ours.roots_of_consistency(old, size, proof, older) == (older, root)
    if old < size:
        assert ours.roots_of_consistency(old, size, [*proof[:-1], bytes(32)], older) != (older, root)
        with pytest.raises(ValueError, match="path"):
            ours.roots_of_consistency(old, size, [*proof, bytes(32)], older)
