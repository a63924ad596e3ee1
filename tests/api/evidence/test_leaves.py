"""Receipts: verified offline with the published key, broken by every change, and nothing personal in them."""

import base64
import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from sqlalchemy import select, text
from starlette.testclient import TestClient

from api.evidence import leaves
from api.service import Service
from api.storage.tables import acts as administered
from api.storage.tables import card_events, checks, evidence, evidence_texts, transactions, verifications
from tests.api.bodies import Json, fresh, fresh_key, new_card, register, registration, report, verify

CONTEXT = b"renzheng receipt v2\n"


@pytest.fixture
def public_key(anonymous: TestClient) -> bytes:
    """As a keeper of receipts gets it."""
    keys = anonymous.get("/v1/keys").json()
    assert [key["algorithm"] for key in keys] == ["Ed25519"]
    raw = base64.b64decode(keys[0]["public_key"])
    pem = load_pem_public_key(keys[0]["pem"].encode())
    assert isinstance(pem, Ed25519PublicKey)
    assert pem.public_bytes_raw() == raw
    assert keys[0]["key_id"] == hashlib.sha256(raw).hexdigest()[:16]
    return raw


def receipt_of(authority: TestClient, terminal: TestClient) -> tuple[Json, Json]:
    _, card = register(authority)
    answer = verify(terminal, card)
    return answer, answer["receipt"]


def test_a_receipt_is_verified_with_nothing_but_the_public_key(
    authority: TestClient, terminal: TestClient, public_key: bytes
) -> None:
    """By hand, as somebody would without this program."""
    _, receipt = receipt_of(authority, terminal)
    digest = hashlib.sha256(b"\0" + receipt["leaf"].encode()).digest()
    assert digest.hex() == receipt["leaf_hash"]
    signature = base64.b64decode(receipt["signature"])
    Ed25519PublicKey.from_public_bytes(public_key).verify(
        signature, CONTEXT + receipt["include_by"].encode() + b"\n" + digest
    )
    assert leaves.verify(public_key, receipt["leaf"], receipt["include_by"], signature)


def test_the_leaf_says_what_was_answered(authority: TestClient, terminal: TestClient) -> None:
    answer, receipt = receipt_of(authority, terminal)
    leaf = json.loads(receipt["leaf"])
    assert (leaf["v"], leaf["kind"], leaf["id"]) == (4, "verification", answer["id"])
    for field in ("decision", "document", "person", "policy_version"):
        assert leaf[field] == answer[field]
    assert (leaf["at"], leaf["channel"], leaf["purpose"]) == (answer["decided_at"], "counter", "test")
    assert leaf["engines"] == ["scripted-1"]
    assert {"institution", "terminal", "card", "request", "captured_at"} <= set(leaf)


def test_every_change_breaks_it(authority: TestClient, terminal: TestClient, public_key: bytes) -> None:
    _, receipt = receipt_of(authority, terminal)
    signature = base64.b64decode(receipt["signature"])
    for place in range(len(receipt["leaf"])):
        changed = receipt["leaf"][:place] + chr(ord(receipt["leaf"][place]) ^ 1) + receipt["leaf"][place + 1 :]
        assert not leaves.verify(public_key, changed, receipt["include_by"], signature), place
    for place in range(len(signature)):
        broken = bytearray(signature)
        broken[place] ^= 1
        assert not leaves.verify(public_key, receipt["leaf"], receipt["include_by"], bytes(broken)), place
    promised = receipt["include_by"]
    assert not leaves.verify(public_key, receipt["leaf"], promised.replace("2", "3"), signature)
    assert not leaves.verify(public_key, receipt["leaf"] + " ", promised, signature)
    assert not leaves.verify(public_key, receipt["leaf"], promised, signature[:-1])
    assert not leaves.verify(public_key[:-1], receipt["leaf"], promised, signature)


def test_another_services_key_does_not_verify_it(authority: TestClient, terminal: TestClient) -> None:
    _, receipt = receipt_of(authority, terminal)
    stranger = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert not leaves.verify(stranger, receipt["leaf"], receipt["include_by"], base64.b64decode(receipt["signature"]))


def test_a_signature_of_something_else_is_no_receipt(service: Service) -> None:
    """What is signed begins with its purpose."""
    leaf = "{}"
    bare = service.keys.signing.sign(leaves.leaf_hash(leaf))
    assert not leaves.verify(
        service.keys.signing.public_key().public_bytes_raw(), leaf, "2026-01-01T00:00:00+00:00", bare
    )


def test_equal_leaves_are_written_equally(authority: TestClient, terminal: TestClient) -> None:
    _, receipt = receipt_of(authority, terminal)
    again = json.dumps(json.loads(receipt["leaf"]), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert again == receipt["leaf"]


def test_the_card_is_named_by_a_hash_only(authority: TestClient, terminal: TestClient, service: Service) -> None:
    card_id, card = register(authority)
    verify(terminal, card)
    report(authority, card_id, "reported_lost")
    about = leaves_about(service, card_id)
    assert [leaf["kind"] for leaf in about] == ["card_event", "verification", "card_event"]
    assert len({leaf["card"] for leaf in about}) == 1, "the same hash, so that the story can be followed"
    told = json.dumps(about, ensure_ascii=False)
    assert card["number"] not in told
    assert card["issuer"] not in told
    assert hashlib.sha256(card["number"].encode()).hexdigest() not in told, "a plain hash of a number can be guessed"


def leaves_about(service: Service, card_id: str) -> list[Json]:
    of_card = select(verifications.c.id).where(verifications.c.card_id == card_id)
    of_events = select(card_events.c.id).where(card_events.c.card_id == card_id)
    rows = (
        select(evidence_texts.c.leaf)
        .join(evidence, evidence.c.seq == evidence_texts.c.seq)
        .where(evidence.c.subject_id.in_(of_card.union(of_events)))
        .order_by(evidence.c.seq)
    )
    with service.database.begin() as connection:
        return [json.loads(leaf) for leaf in connection.execute(rows).scalars()]


def test_every_act_has_its_evidence_and_nothing_else_has(
    authority: TestClient, terminal: TestClient, service: Service, public_key: bytes
) -> None:
    """Over everything that all tests of this run did, refusals and failures included."""
    card_id, card = register(authority)
    verify(terminal, card)
    report(authority, card_id, "cancelled")
    refused: list[tuple[TestClient, str, Any]] = [
        (terminal, "/v1/verifications", fresh(terminal, card, face="image_truncated")),
        (terminal, "/v1/verifications", fresh(terminal, new_card(), captured_at="2020-01-01T00:00:00Z")),
        (terminal, "/v1/cards", registration(new_card())),
        (authority, "/v1/cards", registration(card)),
        (authority, "/v1/cards", registration(new_card(), face="low_quality")),
        (authority, f"/v1/cards/{card_id}/events", {"event": "found"}),
    ]
    for client, path, body in refused:
        assert client.post(path, json=body, headers=fresh_key()).status_code >= 400
    with service.database.begin() as connection:
        # One look: the service's clocks may record an act between two.
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        acts = {("verification", row.id) for row in connection.execute(select(verifications.c.id))}
        acts |= {("card_event", row.id) for row in connection.execute(select(card_events.c.id))}
        acts |= {("check", row.id) for row in connection.execute(select(checks.c.id))}
        acts |= {("transaction", row.id) for row in connection.execute(select(transactions.c.id))}
        acts |= {("administration", row.id) for row in connection.execute(select(administered.c.id))}
        told = connection.execute(
            select(evidence, evidence_texts).join(evidence_texts, evidence_texts.c.seq == evidence.c.seq)
        ).all()
    assert len(told) == len(acts)
    assert {(row.kind, row.subject_id) for row in told} == acts
    for row in told:
        assert row.leaf_hash == leaves.leaf_hash(row.leaf)
        assert json.loads(row.leaf)["id"] == str(row.subject_id)
        assert leaves.verify(public_key, row.leaf, row.include_by.isoformat(), row.signature)
        assert row.signing_key_id == service.keys.signing_id
