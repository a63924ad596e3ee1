"""Examples for the OpenAPI document."""

from typing import Any

INSTITUTION: Any = {"bank": {"summary": "A bank", "value": {"name": "示范银行"}}}

BRANCH: Any = {"branch": {"summary": "A branch of it", "value": {"name": "浦东支行"}}}

PRINCIPAL: Any = {
    "terminal": {
        "summary": "A counter terminal of a branch",
        "value": {
            "institution_id": "0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11",
            "name": "counter-7",
            "role": "terminal",
            "channel": "counter",
        },
    },
    "operator": {
        "summary": "An operator whose key ends after ninety days",
        "value": {"name": "工号 1024", "role": "operator", "key": {"expires_in_s": 7776000}},
    },
    "signing": {
        "summary": "An authority whose requests have to be signed",
        "value": {
            "name": "registry",
            "role": "authority",
            "key": {"public_key": "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="},
        },
    },
}

KEY: Any = {
    "all rights": {"summary": "A key with all rights of the role", "value": {}},
    "narrow": {
        "summary": "A key for reading alone, for a day",
        "value": {"scopes": ["read_verifications"], "expires_in_s": 86400},
    },
}

ROTATION: Any = {
    "overlap": {"summary": "The old key lives on for a day", "value": {}},
    "at once": {"summary": "The old key ends at once", "value": {"overlap_s": 0}},
}
