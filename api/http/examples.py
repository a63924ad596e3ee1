"""Examples for the OpenAPI document. The numbers are made up, with right check digits; the pictures are cut short."""

from typing import Any

_PICTURE = "/9j/4AAQSkZJRgABAQEAYABgAAD/"
_CARD: dict[str, Any] = {
    "number": "11010519491231002X",
    "issuer": "北京市公安局朝阳分局",
    "valid_from": "2016-03-01",
    "valid_to": "2036-03-01",
}
_CAPTURES: dict[str, Any] = {
    "face": {"image": _PICTURE},
    "fingers": [{"position": "right_index", "image": "iVBORw0KGgoAAAANSUhEUgAA", "dpi": 500}],
}

CARD_REGISTRATION: Any = {
    "face and finger": {
        "summary": "A card with a face picture and one finger",
        "value": {"card": _CARD, "captures": _CAPTURES},
    },
    "face only": {
        "summary": "An older, long-term card without fingerprints",
        "value": {"card": {**_CARD, "valid_to": "长期"}, "captures": {"face": {"image": _PICTURE}}},
    },
    "in place of another": {
        "summary": "A card that takes the place of a lost one, which is replaced in the same act",
        "value": {
            "card": {**_CARD, "valid_from": "2026-11-20", "valid_to": "2046-11-20"},
            "captures": _CAPTURES,
            "supersedes": {"card_id": "0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11"},
        },
    },
}

FACE: Any = {
    "one picture": {"summary": "One picture of the face", "value": {"face": {"image": _PICTURE}}},
}

GUIDANCE: Any = {
    "frame": {"summary": "A frame of the camera's live picture", "value": {"image": _PICTURE}},
}

CARD_SEARCH: Any = {
    "number": {"summary": "The cards of a number", "value": {"number": _CARD["number"]}},
}

FINGERPRINTS: Any = {
    "one finger": {"summary": "One finger more", "value": {"fingers": _CAPTURES["fingers"]}},
}

CARD_EVENT: Any = {
    "lost": {"summary": "The holder reports the card lost", "value": {"event": "reported_lost"}},
    "reissued": {
        "summary": "A new card replaces this one",
        "value": {"event": "reissued", "superseded_by": "0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11"},
    },
}

ALERT_CLOSING: Any = {
    "holder": {
        "summary": "The holder was asked",
        "value": {"note": "Tried at three counters; camera replaced."},
    },
}

IMPOSTOR: Any = {
    "caught": {
        "summary": "Caught at the counter with another person's card",
        "value": {
            "captures": _CAPTURES,
            "ground": "card_of_another",
            "case_reference": "A-2026-1187",
            "review_on": "2027-05-22",
            "expires_on": "2028-11-22",
        },
    },
}

IMPOSTOR_APPROVAL: Any = {"approved": {"summary": "Looked at by a second person", "value": {}}}

IMPOSTOR_ENDING: Any = {
    "mistake": {"summary": "The wrong person was entered", "value": {"reason": "The pictures show the victim."}},
}

IMPOSTOR_REVIEW: Any = {"stays": {"summary": "The case is still open", "value": {"review_on": "2027-11-22"}}}

DUPLICATE_DECISION: Any = {
    "one person": {
        "summary": "Two of the three are one person",
        "value": {
            "outcome": "confirmed",
            "reason": "Same birthmark on both pictures; the second record was made with a borrowed household book.",
            "revision": 1,
            "members": ["0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11", "6c1b7a52-4d0e-4a63-8f0f-1f5b8f1d2e77"],
        },
    },
    "twins": {
        "summary": "Different people",
        "value": {"outcome": "rejected", "reason": "Twins; their births are registered.", "revision": 1},
    },
    "taken back": {
        "summary": "To be looked at again",
        "value": {"outcome": "open", "reason": "The wrong case was rejected.", "revision": 2},
    },
}

VERIFICATION: Any = {
    "counter": {
        "summary": "At a bank counter, face and one finger",
        "value": {
            "card": _CARD,
            "channel": "counter",
            "purpose": "account_opening",
            "captures": _CAPTURES,
            "captured_at": "2026-11-21T09:30:00+08:00",
            "nonce": "7f6c9f0e5b4f4a0c",
        },
    },
}

CHECK: Any = {
    "number": {"summary": "A number alone", "value": {"number": _CARD["number"], "purpose": "account_opening"}},
    "card": {
        "summary": "A card with a portrait",
        "value": {"card": _CARD, "portrait": _PICTURE, "purpose": "account_opening"},
    },
}

_TRANSACTION: dict[str, Any] = {
    "reference": "2026112200017",
    "kind": "account_opening",
    "done_at": "2026-11-22T10:15:00+08:00",
    "verification": "0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11",
}

TRANSACTION: Any = {
    "checked": {"summary": "An account that was opened after a check", "value": _TRANSACTION},
    "unchecked": {
        "summary": "A transaction without a check; where the policy asks for one it is an omission",
        "value": {"reference": "2026112200018", "kind": "transfer", "done_at": "2026-11-22T10:20:00+08:00"},
    },
}

TRANSACTIONS: Any = {
    "a day": {"summary": "What was done since the last report", "value": {"transactions": [_TRANSACTION]}},
}

OVERRIDE: Any = {
    "by eye": {
        "summary": "A member of staff compared the person with the card",
        "value": {"reason": "compared_by_eye", "text": "Face bandaged after an accident; compared by the manager."},
    },
}

HOLD: Any = {
    "a court's": {
        "summary": "All that is held of a person, for a court",
        "value": {
            "subject": "person",
            "subject_id": "0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11",
            "ground": "litigation",
            "reference": "(2026) Min Chu 17",
        },
    },
}

HOLD_LIFTING: Any = {"no longer needed": {"summary": "The case is closed", "value": {}}}

OVERRIDE_DECISION: Any = {"looked at": {"summary": "Looked at by a second person", "value": {}}}

_STANDING_HERE = "0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11"

HISTORY: Any = {"first page": {"summary": "The newest checks", "value": {"verification": _STANDING_HERE}}}

DISPUTE: Any = {
    "somebody else": {
        "summary": "The holder was not there",
        "value": {
            "verification": _STANDING_HERE,
            "check": "5b1d0e8a-3c55-4d0e-8a43-0a2a7c1b9f10",
            "reason": "not_me",
            "text": "The holder was abroad on that day.",
        },
    },
}

DISPUTE_RESOLUTION: Any = {
    "upheld": {
        "summary": "The holder is right",
        "value": {"outcome": "upheld", "note": "The camera's film shows another person; the account was blocked."},
    },
}

ERASURE: Any = {"consent": {"summary": "The holder declines biometrics", "value": {"ground": "consent_withdrawn"}}}
