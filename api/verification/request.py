"""A verification as the pipeline takes it, free of HTTP."""

from dataclasses import dataclass
from datetime import datetime

from api.cards.identity import CardIdentity
from api.institutions.caller import Caller
from api.matching.captures import Captures
from api.storage.idempotency import Attempt
from api.verification.policy import Channel


@dataclass(frozen=True)
class VerificationRequest:
    """Who asks, about which card, with which captures. `captured_at` is aware; `operator` stands at the counter."""

    caller: Caller
    attempt: Attempt
    card: CardIdentity
    channel: Channel
    purpose: str
    captures: Captures
    captured_at: datetime
    nonce: str
    operator: Caller | None = None
