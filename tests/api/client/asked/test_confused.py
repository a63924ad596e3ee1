"""What a confused service signs is refused, and what it signs rightly is taken."""

import pytest
from fastapi import FastAPI

from api.client import (
    AnswerUnusable,
    EvidenceRefuted,
)
from api.service import Service
from tests.api.client.asked.questions import ELSE, QUESTIONS, Change, Confused, House, both, inside

LATER = "2036-01-01"
CONFUSED: dict[str, list[tuple[str, Change]]] = {
    "verify": [
        ("channel", inside("channel", "kiosk")),
        ("purpose", inside("purpose", "else")),
        ("captured_at", inside("captured_at", "2026-01-01T00:00:00+00:00")),
        ("operator", inside("operator", ELSE)),
        ("asked", inside("asked", "00" * 32)),
    ],
    "check": [("purpose", inside("purpose", "else")), ("card", both("card", "consistent"))],
    "check a card": [("portrait", both("portrait", "consistent"))],
    "report_transaction": [
        ("kind", both("kind", "transfer", "business")),
        ("done_at", both("done_at", "2026-01-01T00:00:00Z")),
        ("verification_id", both("verification_id", ELSE, "verification")),
        ("asked", inside("asked", None)),
    ],
    "report_transactions": [
        ("done_at", both("done_at", "2026-01-01T00:00:00Z")),
        ("asked", inside("asked", "00" * 32)),
    ],
    "report_card": [
        ("card_id", both("card_id", ELSE)),
        ("event", both("event", "found")),
        ("asked", inside("asked", "00" * 32)),
    ],
    "add_face": [("card_id", both("card_id", ELSE)), ("event", both("event", "fingerprints_added"))],
    "add_fingerprints": [("event", both("event", "face_added"))],
    "close_alert": [("subject", both("id", ELSE, "subject")), ("asked", inside("asked", "00" * 32))],
    "propose_impostor": [
        ("act", inside("act", "impostor_approved")),
        ("details/ground", inside("details/ground", "order")),
        ("details/review_on", both("review_on", LATER, "details/review_on")),
        ("details/expires_on", inside("details/expires_on", LATER)),
        ("state", lambda answer, _: answer.update(state="approved")),
    ],
    "approve_impostor": [
        ("subject", both("id", ELSE, "subject")),
        ("act", inside("act", "impostor_refused")),
        ("state", lambda answer, _: answer.update(state="refused")),
    ],
    "refuse_impostor": [("act", inside("act", "impostor_approved")), ("subject", both("id", ELSE, "subject"))],
    "remove_impostor": [("act", inside("act", "impostor_approved")), ("subject", both("id", ELSE, "subject"))],
    "review_impostor": [
        ("details/review_on", both("review_on", LATER, "details/review_on")),
        ("subject", both("id", ELSE, "subject")),
    ],
    "enter_override": [
        ("details/verification", both("verification_id", ELSE, "details/verification")),
        ("details/reason", inside("details/reason", "order")),
        ("reason", lambda answer, _: answer.update(reason="order")),
        ("act", inside("act", "override_approved")),
    ],
    "approve_override": [("subject", both("id", ELSE, "subject")), ("act", inside("act", "override_refused"))],
    "refuse_override": [("act", inside("act", "override_approved"))],
}


@pytest.mark.parametrize(
    ("name", "said", "change"),
    [(name, said, change) for name, changes in CONFUSED.items() for said, change in changes],
    ids=[f"{name}-{said}" for name, changes in CONFUSED.items() for said, _ in changes],
)
def test_what_a_confused_service_signs_is_refused(
    name: str, said: str, change: Change, house: House, service: Service, app: FastAPI, lines: list[str]
) -> None:
    """Signed with the service's key, and of another thing than was asked for."""
    role, made = QUESTIONS[name]
    ask = made(house)
    confused = house.side(role, over=Confused(app, service, change), log_keys=lines)
    with pytest.raises((EvidenceRefuted, AnswerUnusable), match=f"another request: {said}") as caught:
        ask(confused)
    assert caught.value.idempotency_key
    assert not caught.value.retryable


@pytest.mark.parametrize("name", sorted({*QUESTIONS} - {"register_card"}))
def test_what_a_service_signs_rightly_is_taken(
    name: str, house: House, service: Service, app: FastAPI, lines: list[str]
) -> None:
    """The one above signs as the service does: else everything would be refused, for whatever reason."""
    role, made = QUESTIONS[name]
    made(house)(house.side(role, over=Confused(app, service, lambda _answer, _leaf: None), log_keys=lines))
