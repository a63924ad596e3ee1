"""A client of Renzheng: verifications, cards, overrides, the feed and the evidence, with threads or asyncio.

    with Client("https://renzheng.example", key, log_keys=lines) as terminal:
        decision = terminal.attend(card, take, purpose="account_opening")
        print(decision.decision, decision.words.advice.message.zh)

httpx, cryptography, pydantic and http-message-signatures, and nothing of the service. See docs/client.md.
"""

from .answers import Nonce, Verification
from .client import AsyncClient, Client
from .errors import (
    AnswerUnusable,
    Conflict,
    EvidenceRefuted,
    Invalid,
    LimitReached,
    NotAllowed,
    NotFound,
    PromiseBroken,
    Refused,
    RenzhengError,
    ServiceFailed,
    Unreachable,
)
from .given import Captures, Card, Finger, Frame
from .operations.terminals import Business
from .receipts import Checkpoint, Evidence, Verifier
from .retrying import NEVER, Retrying
from .signing import SigningKeyInvalid
from .signing import read_key as read_signing_key

__all__ = [
    "NEVER",
    "AnswerUnusable",
    "AsyncClient",
    "Business",
    "Captures",
    "Card",
    "Checkpoint",
    "Client",
    "Conflict",
    "Evidence",
    "EvidenceRefuted",
    "Finger",
    "Frame",
    "Invalid",
    "LimitReached",
    "Nonce",
    "NotAllowed",
    "NotFound",
    "PromiseBroken",
    "Refused",
    "RenzhengError",
    "Retrying",
    "ServiceFailed",
    "SigningKeyInvalid",
    "Unreachable",
    "Verification",
    "Verifier",
    "read_signing_key",
]
