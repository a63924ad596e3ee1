"""A counter terminal and an authority, as clients of the service over HTTP."""

import base64
import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import httpx

from api.cards.number import check_character
from api.demo.shots import another_shot

ISSUER = "北京市公安局朝阳分局"
FINGER = "right_index"


@dataclass(frozen=True)
class Card:
    """A card as its reader tells it."""

    number: str
    valid_from: date
    valid_to: date

    def body(self) -> dict[str, Any]:
        """The card's part of a request."""
        return {
            "number": self.number,
            "issuer": ISSUER,
            "valid_from": self.valid_from.isoformat(),
            "valid_to": self.valid_to.isoformat(),
        }


def made_up_number() -> str:
    """A citizen number that belongs to nobody: region 999999 does not exist; the check digit is right."""
    digits = f"999999{secrets.randbelow(60) + 1940}0101{secrets.randbelow(1000):03d}"
    return digits + check_character(digits)


class Refused(Exception):
    """The service answered an error; the text is the catalogue's."""

    def __init__(self, error: dict[str, Any]) -> None:
        fields = ", ".join(f"{detail['field']}: {detail['code']}" for detail in error.get("details", ()))
        super().__init__(f"{error['message']['zh']} {error['message']['en']} ({error['code']}) {fields}".rstrip())


class Caller:
    """One key of the service."""

    def __init__(self, url: str, key: str) -> None:
        self._client = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def register(self, card: Card, face: bytes, finger: bytes | None) -> str:
        """Register a card; gives its identifier."""
        body = {"card": card.body(), "captures": captures(face, finger)}
        return str(self._post("/v1/cards", body)["id"])

    def report(self, card_id: str, event: str, superseded_by: str | None = None) -> None:
        """Report an event of a card."""
        body = {"event": event} if superseded_by is None else {"event": event, "superseded_by": superseded_by}
        self._post(f"/v1/cards/{card_id}/events", body)

    def verify(
        self,
        card: Card,
        face: bytes,
        finger: bytes | None = None,
        *,
        chip_photo: bytes | None = None,
        channel: str = "counter",
    ) -> dict[str, Any]:
        """One verification, captured now: what the person shows is taken anew, under a nonce of its own."""
        nonce = self._post("/v1/captures", {})["nonce"]
        taken = captures(another_shot(face), None if finger is None else another_shot(finger))
        if chip_photo is not None:
            taken["chip_photo"] = encoded(chip_photo)
        return self._post(
            "/v1/verifications",
            {
                "card": card.body(),
                "channel": channel,
                "purpose": "demonstration",
                "captures": taken,
                "captured_at": datetime.now(UTC).isoformat(),
                "nonce": nonce,
            },
        )

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._client.post(path, json=body, headers={"Idempotency-Key": secrets.token_hex(16)})
        content: dict[str, Any] = answer.json()
        if answer.is_error:
            raise Refused(content)
        return content


def captures(face: bytes, finger: bytes | None) -> dict[str, Any]:
    """The captures' part of a request."""
    taken: dict[str, Any] = {"face": {"image": encoded(face)}}
    if finger is not None:
        taken["fingers"] = [{"position": FINGER, "image": encoded(finger), "dpi": 500}]
    return taken


def encoded(image: bytes) -> str:
    """Base64 of an image."""
    return base64.b64encode(image).decode()
