"""Business transactions, reported as terminals report them."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from starlette.testclient import TestClient

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
