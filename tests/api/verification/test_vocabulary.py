"""Purposes and grounds: kept as they are sent, or a vocabulary that the policy names."""

from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.institutions.roles import Role
from api.service import Service
from api.verification import policy
from api.verification.policy import PolicyInvalid
from tests.api.bodies import fresh, fresh_key, new_card, register, verify
from tests.api.conftest import NewClient
from tests.api.http.answers import assert_error

BUILT_IN = Path(str(policy.__file__)).with_name("policy.toml").read_text(encoding="utf-8")
NAMED = (
    BUILT_IN
    + """
[purposes]
known = ["identity_check"]
unknown = "refuse"
[channels.counter.purposes.large_withdrawal]
pass_fmr = 1e-6
"""
)


def written(folder: Path, text: str) -> Path:
    path = folder / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_others_than_those_named_are_refused(
    service: Service, new_client: NewClient, authority: TestClient, tmp_path: Path
) -> None:
    rules = policy.load(written(tmp_path, NAMED))
    strict = replace(service, policy=rules)
    terminal = new_client(Role.TERMINAL, None, strict)
    _, card = register(authority)
    for purpose in ("identity_check", "Identity_Check", "large_withdrawal"):
        assert verify(terminal, card, purpose=purpose)["decision"] in {"PASS", "REVIEW"}
    refused = terminal.post("/v1/verifications", json=fresh(terminal, card, purpose="whim"), headers=fresh_key())
    assert_error(refused, 422, "purpose_unknown")
    assert rules.takes("card_service") is False


def test_without_a_vocabulary_every_code_is_taken(terminal: TestClient) -> None:
    assert verify(terminal, new_card(), purpose="whim")["decision"] == "REVIEW"


def test_nobody_is_refused_by_an_empty_vocabulary(tmp_path: Path) -> None:
    with pytest.raises(PolicyInvalid, match="known ones must be named"):
        policy.load(written(tmp_path, BUILT_IN + '\n[purposes]\nunknown = "refuse"\n'))


GROUNDS = """
[grounds]
taken = ["separate_consent", "statutory_duty"]
unstated = "refuse"
"""


def test_where_a_ground_has_to_be_stated_no_check_goes_without(
    service: Service, new_client: NewClient, authority: TestClient, tmp_path: Path
) -> None:
    strict = replace(service, policy=policy.load(written(tmp_path, BUILT_IN + GROUNDS)))
    terminal = new_client(Role.TERMINAL, None, strict)
    _, card = register(authority)
    for told in ({}, {"basis": "not_stated"}, {"basis": "emergency"}):
        refused = terminal.post("/v1/verifications", json=fresh(terminal, card) | told, headers=fresh_key())
        assert_error(refused, 422, "basis_required")
    body = fresh(terminal, card) | {"basis": "statutory_duty"}
    decided = terminal.post("/v1/verifications", json=body, headers=fresh_key()).json()
    assert (decided["decision"], decided["consent"]["basis"]) == ("PASS", "statutory_duty")
    # A holder who shows nothing but the card has nothing taken that would need one; a wrong one is wrong all the same.
    bare = fresh(terminal, card) | {"captures": {"face_declined": True}}
    decided = terminal.post("/v1/verifications", json=bare, headers=fresh_key()).json()
    assert (decided["decision"], decided["consent"]["basis"]) == ("REVIEW", "not_stated")
    bare = fresh(terminal, card) | {"captures": {"face_declined": True}, "basis": "emergency"}
    assert_error(terminal.post("/v1/verifications", json=bare, headers=fresh_key()), 422, "basis_required")
    shown = terminal.get("/pages/config.json").json()
    assert (shown["grounds"], shown["ground_required"]) == (["separate_consent", "statutory_duty"], True)


def test_unless_the_policy_asks_for_it_a_ground_may_be_left_out(terminal: TestClient) -> None:
    shown = terminal.get("/pages/config.json").json()
    assert shown["ground_required"] is False
    assert shown["grounds"] == ["separate_consent", "statutory_duty", "public_security", "emergency"]
    assert verify(terminal, new_card())["consent"] == {"basis": "not_stated", "face_declined": False}


@pytest.mark.parametrize(
    ("taken", "why"),
    [
        ('["statutory_duty"]', "the kiosk asks for it"),
        ('["separate_consent", "not_stated"]', "not_stated is no ground"),
        ('["separate_consent", "whim"]', "taken"),
    ],
)
def test_grounds_that_cannot_be(tmp_path: Path, taken: str, why: str) -> None:
    with pytest.raises(PolicyInvalid, match=why):
        policy.load(written(tmp_path, BUILT_IN + f"\n[grounds]\ntaken = {taken}\n"))
