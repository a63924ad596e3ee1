"""The log over HTTP: checkpoints and proofs for everybody, leaves for those who may read them."""

import base64
import json
import secrets

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from starlette.testclient import TestClient

from api.evidence import leaves, merkle
from api.evidence.checkpoints import Checkpoint, open_note
from api.evidence.parameters import ORIGIN
from api.institutions.roles import Role
from tests.api.bodies import Json, register, verify
from tests.api.conftest import NewClient
from tests.api.http.answers import assert_error


def keys_of(anonymous: TestClient) -> list[Ed25519PublicKey]:
    found = anonymous.get("/v1/keys").json()
    assert all(key["verifier_key"].startswith(f"{ORIGIN}+") for key in found)
    return [Ed25519PublicKey.from_public_bytes(base64.b64decode(key["public_key"])) for key in found]


def head(anonymous: TestClient) -> Checkpoint:
    answer = anonymous.get("/v1/evidence/checkpoint")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    return open_note(answer.text, ORIGIN, keys_of(anonymous), alone=True)


def test_anybody_can_follow_the_log(authority: TestClient, anonymous: TestClient) -> None:
    register(authority)
    old = head(anonymous)
    register(authority)
    new = head(anonymous)
    assert new.size > old.size
    between = anonymous.get("/v1/evidence/consistency", params={"old": old.size, "new": new.size}).json()
    path = [bytes.fromhex(node) for node in between["proof"]]
    assert merkle.verify_consistency(old.size, new.size, path, old.root, new.root)
    assert open_note(between["checkpoint"], ORIGIN, keys_of(anonymous)) == new
    newest = anonymous.get("/v1/evidence/consistency", params={"old": old.size}).json()
    assert newest["new"] >= new.size


def test_a_kept_receipt_is_proven_in_a_kept_checkpoint(
    authority: TestClient, terminal: TestClient, anonymous: TestClient
) -> None:
    _, card = register(authority)
    receipt = verify(terminal, card)["receipt"]
    first = anonymous.get(f"/v1/evidence/inclusion/{receipt['leaf_hash']}")
    assert first.json() == receipt["inclusion"]
    register(authority)
    kept = head(anonymous)
    shown = anonymous.get(f"/v1/evidence/inclusion/{receipt['leaf_hash']}", params={"size": kept.size}).json()
    path = [bytes.fromhex(node) for node in shown["proof"]]
    digest = bytes.fromhex(receipt["leaf_hash"])
    assert merkle.verify_inclusion(digest, receipt["inclusion"]["index"], kept.size, path, kept.root)


def test_what_is_not_in_the_log_is_not_found(authority: TestClient, anonymous: TestClient) -> None:
    register(authority)
    size = head(anonymous).size
    for path in (
        f"/v1/evidence/inclusion/{secrets.token_hex(32)}",
        "/v1/evidence/inclusion/abc",
        f"/v1/evidence/inclusion/{'A' * 64}",
        f"/v1/evidence/consistency?old={size + 10_000}",
        f"/v1/evidence/consistency?old=1&new={size + 10_000}",
    ):
        assert_error(anonymous.get(path), 404, "not_in_log")
    for path in ("consistency", "consistency?old=0", f"consistency?old={2**62}", f"inclusion/{'a' * 64}?size=x"):
        assert_error(anonymous.get(f"/v1/evidence/{path}"), 422, "request_invalid")


def test_the_status_tells_how_the_log_stands(authority: TestClient, anonymous: TestClient) -> None:
    register(authority)
    status = anonymous.get("/v1/evidence/status").json()
    assert set(status) == {"size", "waiting", "oldest_wait_s", "overdue", "late", "sequencing"}
    assert status["size"] >= head(anonymous).size - 1 > 0
    assert (status["overdue"], status["late"], status["sequencing"]) == (0, 0, True)


def everything(client: TestClient, limit: int) -> list[Json]:
    found: list[Json] = []
    while True:
        page = client.get("/v1/evidence/leaves", params={"start": len(found), "limit": limit}).json()
        assert page["start"] == len(found)
        found += page["leaves"]
        if len(page["leaves"]) < limit:
            assert len(found) <= page["size"]
            return found


def test_a_regulator_reads_every_leaf_and_recomputes_the_root(
    authority: TestClient, anonymous: TestClient, new_client: NewClient
) -> None:
    register(authority)
    regulator = new_client(Role.REGULATOR)
    kept = head(anonymous)
    (key,) = keys_of(anonymous)
    read = everything(regulator, 100)[: kept.size]
    assert [leaf["place"] for leaf in read] == list(range(kept.size))
    frontier = merkle.Frontier()
    for leaf in read:
        assert leaves.leaf_hash(leaf["leaf"]).hex() == leaf["leaf_hash"]
        signature = base64.b64decode(leaf["signature"])
        assert leaves.verify(key.public_bytes_raw(), leaf["leaf"], leaf["include_by"], signature)
        frontier.add(bytes.fromhex(leaf["leaf_hash"]))
    assert frontier.root() == kept.root


def test_an_evaluator_reads_its_own_institutions_verifications_and_hashes(
    authority: TestClient, anonymous: TestClient, new_client: NewClient
) -> None:
    bank = secrets.token_hex(8)
    own, other = new_client(Role.TERMINAL, bank), new_client(Role.TERMINAL)
    evaluator = new_client(Role.EVALUATOR, bank)
    _, card = register(authority)
    mine = verify(own, card)
    verify(other, card)
    kept = head(anonymous)
    read = everything(evaluator, 1000)
    shown = [leaf for leaf in read if "leaf" in leaf]
    assert [json.loads(leaf["leaf"])["id"] for leaf in shown] == [mine["id"]]
    assert {leaf["withheld"] for leaf in read if leaf not in shown} == {"not_yours"}
    assert all(set(leaf) == {"place", "leaf_hash", "withheld"} for leaf in read if leaf not in shown)
    frontier = merkle.Frontier()
    for leaf in read[: kept.size]:
        frontier.add(bytes.fromhex(leaf["leaf_hash"]))
    assert frontier.root() == kept.root


@pytest.mark.parametrize("role", [role for role in Role if role not in {Role.REGULATOR, Role.EVALUATOR}])
def test_nobody_else_reads_leaves(new_client: NewClient, anonymous: TestClient, role: Role) -> None:
    assert_error(new_client(role).get("/v1/evidence/leaves"), 403, "role_not_allowed")
    assert_error(anonymous.get("/v1/evidence/leaves"), 401, "key_missing")


@pytest.mark.parametrize("asked", ["start=-1", "limit=0", "limit=1001", f"start={2**62}", "start=x"])
def test_a_page_has_bounds(new_client: NewClient, asked: str) -> None:
    answer = new_client(Role.REGULATOR).get(f"/v1/evidence/leaves?{asked}")
    assert_error(answer, 422, "request_invalid")


def test_behind_the_end_there_is_nothing(new_client: NewClient, authority: TestClient) -> None:
    register(authority)
    page = new_client(Role.REGULATOR).get("/v1/evidence/leaves", params={"start": 2**61}).json()
    assert page["leaves"] == []
    assert page["size"] > 0
