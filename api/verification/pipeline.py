"""The verification, in order: fresh? compared; then, in one transaction, status under the lock, decision, evidence.

Nothing is written before the comparison is done, and everything that is written is written together: a process that
dies on the way leaves nothing, one that dies after the commit has answered for good.
"""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection

from api.cards import templates
from api.cards.identity import CardIndexes, indexes
from api.errors import ServiceError
from api.evidence import leaves
from api.institutions import credentials
from api.matching.comparison import PersonResult
from api.service import Service
from api.storage import idempotency
from api.storage.sealing import keyed_hash
from api.verification import answers, records
from api.verification.decision import decide
from api.verification.document import judge
from api.verification.request import VerificationRequest


def verify(service: Service, request: VerificationRequest) -> idempotency.StoredAnswer:
    """Decide, or give the answer that was given to this idempotency key before.

    Raises `ServiceError` for a capture that is stale, seen before or no image, `KeyReused` and `DatabaseUnavailable`.
    """
    shown = indexes(service.keys.index, request.card)
    with service.database.begin() as connection:
        fault = _staleness(connection, service, request)
        # Asked after that: an answer committed in between is what used up the nonce, and is no replay.
        given = idempotency.find(connection, request.attempt)
        if given is not None:
            return given
        if fault is not None:
            raise ServiceError(fault)
        references = templates.of_instance(connection, service.keys, shown.instance)
    person = service.comparer.compare(request.captures, references)
    with service.database.begin() as connection:
        credentials.hold(connection, request.caller)
        given = idempotency.claim(connection, request.attempt)
        return given or _decide(connection, service, request, shown, person)


def _staleness(connection: Connection, service: Service, request: VerificationRequest) -> str | None:
    """The code of what makes the captures unacceptable as fresh ones."""
    now = records.clock(connection)
    if request.captured_at < now - timedelta(seconds=service.settings.capture_max_age_s):
        return "capture_stale"
    if request.captured_at > now + timedelta(seconds=service.settings.capture_max_ahead_s):
        return "capture_from_future"
    seen = records.nonce_seen(connection, request.caller.principal_id, _nonce_hash(service, request))
    return "nonce_reused" if seen else None


def _decide(
    connection: Connection,
    service: Service,
    request: VerificationRequest,
    shown: CardIndexes,
    person: PersonResult,
) -> idempotency.StoredAnswer:
    """Everything that is written, in the caller's transaction. The card's row stays locked until it commits."""
    terminal_id = request.caller.principal_id
    if not records.use_nonce(connection, terminal_id, _nonce_hash(service, request)):
        raise ServiceError("nonce_reused")
    rules = service.policy.channels[request.channel]
    attempts = records.failed_attempts(connection, terminal_id, shown.instance, rules.attempt_window_s)
    card_id, card = records.lock_card(connection, shown.instance)
    decided_at, today = records.decision_time(connection)
    document = judge(card, shown, person.chip_photo, today, service.policy.chip_photo.match_fmr)
    decision = decide(document, person, rules, attempts)
    verification_id = uuid4()
    findings = answers.findings(document, person, decision, service.policy.version)
    receipt = leaves.append(
        connection,
        service.keys,
        "verification",
        verification_id,
        decided_at,
        _leaf(request, shown, person, findings, decided_at.isoformat()),
    )
    answer = answers.answer(verification_id, decided_at, findings, decision, receipt)
    records.insert_verification(connection, verification_id, request, shown.instance, card_id, answer, decided_at)
    idempotency.store(connection, request.attempt, 200, answer)
    return idempotency.StoredAnswer(200, answer)


def _leaf(
    request: VerificationRequest,
    shown: CardIndexes,
    person: PersonResult,
    findings: dict[str, Any],
    decided_at: str,
) -> dict[str, Any]:
    return {
        **findings,
        "at": decided_at,
        "captured_at": request.captured_at.isoformat(),
        "institution": str(request.caller.institution_id),
        "terminal": str(request.caller.principal_id),
        "card": shown.instance.hex(),
        "channel": request.channel,
        "purpose": request.purpose,
        "engines": list(person.engines),
        "request": request.attempt.digest.hex(),
    }


def _nonce_hash(service: Service, request: VerificationRequest) -> bytes:
    return keyed_hash(service.keys.index, "nonce", request.nonce)
