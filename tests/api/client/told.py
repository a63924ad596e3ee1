"""Answers of the service that are scripted; none of their receipts holds."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
LOST = {
    "id": str(uuid4()),
    "card_id": str(uuid4()),
    "event": "reported_lost",
    "status": "card_reported_lost",
    "superseded_by": None,
    "recorded_at": NOW.isoformat(),
    "receipt": {"algorithm": "Ed25519", "key_id": "k", "leaf": "{}", "leaf_hash": "00", "signature": "AA=="},
}


def nonce(name: str, issued_at: datetime = NOW) -> httpx.Response:
    body = {
        "nonce": name,
        "issued_at": issued_at.isoformat(),
        "expires_at": (issued_at + timedelta(seconds=60)).isoformat(),
        "challenge": {"actions": [], "end_ms": 3000},
    }
    return httpx.Response(201, json=body)


TEXT = {"zh": "好", "en": "good"}
PASSED = httpx.Response(
    200,
    json={
        "id": str(uuid4()),
        "decision": "PASS",
        "decided_at": NOW.isoformat(),
        "document": {"status": "valid", "reasons": []},
        "person": {"consistency": 1, "llr": 9, "fmr": 1e-6, "extrapolated": False, "modalities": [], "reasons": []},
        "policy_version": "1",
        "words": {
            "reasons": [],
            "document": {"code": "valid", "message": TEXT, "since": None, "since_words": None, "holder": TEXT},
            "advice": {"code": "go_on", "message": TEXT, "operator": TEXT},
        },
        "receipt": LOST["receipt"],
    },
)
