"""A verification as the pipeline takes it, free of HTTP."""

from dataclasses import dataclass
from datetime import datetime

from api.cards.identity import CardIdentity
from api.institutions.caller import Caller
from api.matching.captures import Captures
from api.personal.consent import Basis
from api.storage.idempotency import Attempt
from api.verification.policy import Channel


@dataclass(frozen=True)
class VerificationRequest:
    """Who asks, about which card, with which captures, on which ground. `captured_at` is aware; `operator` stands at
    the counter; `face_declined`: the holder takes the way without a face, and there is none among the captures."""

    caller: Caller
    attempt: Attempt
    card: CardIdentity
    channel: Channel
    purpose: str
    captures: Captures
    captured_at: datetime
    nonce: str
    operator: Caller | None = None
    basis: Basis = Basis.NOT_STATED
    face_declined: bool = False
