"""Purposes: kept as they are sent, or a vocabulary that the policy names."""

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
