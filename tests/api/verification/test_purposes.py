"""The policy's rules for a purpose decide, and only that one's."""

from dataclasses import replace

import pytest

from api.institutions.roles import Role
from api.service import Service
from api.verification.policy import ChannelPolicy
from tests.api.bodies import register, verify
from tests.api.conftest import NewClient, NewDatabase
from tests.api.elsewhere import over


@pytest.fixture
def careful(service: Service, new_database: NewDatabase) -> Service:
    """A service whose counter asks more of a large withdrawal; a scripted match has an FMR of 1e-6."""
    rules = service.policy.channels["counter"].model_dump(exclude={"purposes"})
    own = {"large_withdrawal": {"pass_fmr": 1e-8}, "safe": {"required": ["face", "finger"]}}
    policy = service.policy.model_copy(
        update={"channels": {**service.policy.channels, "counter": ChannelPolicy(**rules, purposes=own)}}
    )
    database = new_database(migrated=True)
    return replace(over(service, database), policy=policy)


def test_a_purpose_may_ask_for_more(careful: Service, new_client: NewClient) -> None:
    _, card = register(new_client(Role.AUTHORITY, service=careful), right_index="person:a")
    found = {
        purpose: verify(new_client(service=careful), card, purpose=purpose)
        for purpose in ("account_opening", "large_withdrawal", "Large_Withdrawal", "safe")
    }
    assert {purpose: answer["decision"] for purpose, answer in found.items()} == {
        "account_opening": "PASS",
        "large_withdrawal": "REVIEW",
        "Large_Withdrawal": "REVIEW",
        "safe": "REVIEW",
    }
    assert found["large_withdrawal"]["person"]["reasons"] == ["inconclusive"]
    assert found["safe"]["person"]["reasons"] == ["match", "not_captured"]
