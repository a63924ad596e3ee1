"""Entries of the impostor list, made over HTTP as supervisors make them."""

import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from starlette.testclient import TestClient

from api.cards.parameters import TIMEZONE
from tests.api.bodies import Json, encoded, fresh_key


def somebody() -> str:
    """The word of a person whom no other test knows."""
    return f"person:{secrets.token_hex(6)}"


def in_days(days: int) -> str:
    """A day from today on, in Asia/Shanghai. Before midnight it waits: today is to be today for the service too."""
    now = datetime.now(UTC).astimezone(TIMEZONE)
    while (later := now + timedelta(seconds=20)).date() != now.date():
        time.sleep(1)
        now = datetime.now(UTC).astimezone(TIMEZONE)
    return (later.date() + timedelta(days=days)).isoformat()


def proposal(face: str | None = None, **changes: Any) -> Json:
    """A proposal's body; `fingers` as a dict."""
    fingers = [{"position": at, "image": encoded(word)} for at, word in changes.pop("fingers", {}).items()]
    return {
        "captures": {"face": {"image": encoded(face or somebody())}, "fingers": fingers},
        "ground": "card_of_another",
        "case_reference": f"A-{secrets.token_hex(3)}",
        "review_on": in_days(30),
        "expires_on": in_days(365),
        **changes,
    }


def propose(keeper: TestClient | httpx.Client, face: str | None = None, **changes: Any) -> str:
    """Propose somebody; gives the entry's identifier."""
    answer = keeper.post("/v1/impostors", json=proposal(face, **changes), headers=fresh_key())
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def act(keeper: TestClient | httpx.Client, impostor_id: str, what: str, body: Json | None = None) -> Json:
    """Approve, refuse, remove or review, which has to succeed."""
    sent = (
        {"refuse": {"reason": "a mistake"}, "remove": {"reason": "a mistake"}}.get(what, {}) if body is None else body
    )
    answer = keeper.post(f"/v1/impostors/{impostor_id}/{what}", json=sent, headers=fresh_key())
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def approve(keeper: TestClient | httpx.Client, impostor_id: str) -> str:
    """Approve a proposal; gives its identifier."""
    return str(act(keeper, impostor_id, "approve")["id"])
