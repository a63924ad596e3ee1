"""Requests as terminals send them: cards, registrations, verifications, with scripted images (see `scripted.py`)."""

import base64
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import httpx
from starlette.testclient import TestClient

from api.cards.number import check_character

Json = dict[str, Any]
_DRAWN: set[str] = set()


def encoded(word: str | bytes) -> str:
    """Base64 of a scripted image."""
    return base64.b64encode(word.encode() if isinstance(word, str) else word).decode()


def new_number() -> str:
    """A citizen's number that nobody else has."""
    while True:
        place, year = secrets.randbelow(900_000) + 100_000, 1950 + secrets.randbelow(50)
        digits = f"{place}{year}0101{secrets.randbelow(1000):03d}"
        # Of ten thousand that a process draws two would be the same once in a thousand runs.
        if digits not in _DRAWN:
            _DRAWN.add(digits)
            return digits + check_character(digits)


def new_card(**changes: Any) -> Json:
    """A card that nobody else has."""
    return {
        "number": new_number(),
        "issuer": "北京市公安局朝阳分局",
        "valid_from": "2016-03-01",
        "valid_to": "2036-03-01",
        **changes,
    }


def registration(card: Json, *, face: str | bytes | None = "person:a", **fingers: str | bytes) -> Json:
    """A registration's body; fingers as `right_index="person:a"`."""
    return {"card": card, "captures": _captures(face, fingers.items())}


def verification(card: Json, *, face: str | bytes | None = "person:a", **changes: Any) -> Json:
    """A verification's body; `fingers` as a dict, `chip_photo` as a word, other fields as they are.

    Its nonce is one that nobody was given, unless it is named: see `fresh`.
    """
    captures = _captures(face, changes.pop("fingers", {}).items())
    if "chip_photo" in changes:
        captures["chip_photo"] = encoded(changes.pop("chip_photo"))
    return {
        "card": card,
        "channel": "counter",
        "purpose": "test",
        "captures": captures,
        "captured_at": datetime.now(UTC).isoformat(),
        "nonce": secrets.token_hex(8),
        **changes,
    }


def new_nonce(terminal: TestClient | httpx.Client) -> str:
    """A nonce for this terminal."""
    answer = terminal.post("/v1/captures")
    assert answer.status_code == 201, answer.text
    return str(answer.json()["nonce"])


def fresh(terminal: TestClient | httpx.Client, card: Json, **changes: Any) -> Json:
    """A verification's body as a terminal sends it, which asks for a nonce first."""
    return verification(card, **{"nonce": new_nonce(terminal), **changes})


def _captures(face: str | bytes | None, fingers: Iterable[tuple[str, str | bytes]]) -> Json:
    captures: Json = {"fingers": [{"position": position, "image": encoded(word)} for position, word in fingers]}
    if face is not None:
        captures["face"] = {"image": encoded(face)}
    return captures


def fresh_key() -> dict[str, str]:
    """Headers with a fresh idempotency key."""
    return {"Idempotency-Key": secrets.token_hex(8)}


def register(authority: TestClient | httpx.Client, card: Json | None = None, **captures: Any) -> tuple[str, Json]:
    """Register a card; gives its identifier and the card."""
    shown = new_card() if card is None else card
    answer = authority.post("/v1/cards", json=registration(shown, **captures), headers=fresh_key())
    assert answer.status_code == 201, answer.text
    return answer.json()["id"], shown


def report(authority: TestClient | httpx.Client, card_id: str, event: str, **fields: Any) -> Json:
    """Report an event of a card, which has to succeed."""
    answer = authority.post(f"/v1/cards/{card_id}/events", json={"event": event, **fields}, headers=fresh_key())
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def verify(
    terminal: TestClient | httpx.Client, card: Json, *, key: dict[str, str] | None = None, **changes: Any
) -> Json:
    """Verify, which has to be answered with a decision."""
    answer = terminal.post("/v1/verifications", json=fresh(terminal, card, **changes), headers=key or fresh_key())
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found
