"""Business transactions, reported as terminals report them."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import update
from starlette.testclient import TestClient

from api.service import Service
from api.storage.tables import verifications
from tests.api.bodies import Json, fresh_key

Client = TestClient | httpx.Client


def transaction(**changes: Any) -> Json:
    """A transaction's body: an account that was opened now, without a check."""
    return {
        "reference": secrets.token_hex(8),
        "kind": "account_opening",
        "done_at": datetime.now(UTC).isoformat(),
        **changes,
    }


def ago(seconds: float) -> str:
    """A time before now."""
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


@contextmanager
def decided_earlier(service: Service, verification_id: str, seconds: float) -> Iterator[None]:
    """Have a check made so much earlier, and after this when it was: the log knows, and other tests ask it."""
    one = verifications.c.id == UUID(verification_id)

    def move(by: timedelta) -> None:
        with service.database.begin() as connection:
            connection.execute(update(verifications).where(one).values(decided_at=verifications.c.decided_at + by))

    move(-timedelta(seconds=seconds))
    try:
        yield
    finally:
        move(timedelta(seconds=seconds))


def report_business(terminal: Client, **changes: Any) -> Json:
    """Report a transaction, which has to be recorded."""
    answer = terminal.post("/v1/transactions", json=transaction(**changes), headers=fresh_key())
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def report_many(terminal: Client, *entries: Json) -> list[Json]:
    """Report transactions together, which have to be recorded."""
    answer = terminal.post("/v1/transactions/batch", json={"transactions": entries}, headers=fresh_key())
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


OVERRIDE: Json = {"reason": "compared_by_eye", "text": "Compared by two members of staff."}


def enter_override(operator: Client, verification_id: str, **changes: Any) -> str:
    """Go past a decision; gives the override's identifier."""
    path = f"/v1/verifications/{verification_id}/override"
    answer = operator.post(path, json={**OVERRIDE, **changes}, headers=fresh_key())
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def decide_override(supervisor: Client, override_id: str, what: str = "approve") -> Json:
    """Approve or refuse an override, which has to succeed."""
    answer = supervisor.post(f"/v1/overrides/{override_id}/{what}", json={}, headers=fresh_key())
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


RESOLUTION: Json = {"outcome": "upheld", "note": "The camera's film shows somebody else."}


def open_dispute(terminal: Client, standing_here: str, check: str, **changes: Any) -> Json:
    """A holder who was just identified disputes a check."""
    body = {"verification": standing_here, "check": check, "reason": "not_me", **changes}
    answer = terminal.post("/v1/holders/disputes", json=body, headers=fresh_key())
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def resolve_dispute(supervisor: Client, dispute_id: str, **changes: Any) -> Json:
    """Resolve a dispute, which has to succeed."""
    path = f"/v1/disputes/{dispute_id}/resolve"
    answer = supervisor.post(path, json={**RESOLUTION, **changes}, headers=fresh_key())
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found
