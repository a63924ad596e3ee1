"""The verification, in order: fresh? compared; then, in one transaction, status under the lock, decision, evidence.

Nothing is written before the comparison is done, and everything that is written is written together: a process that
dies on the way leaves nothing, one that dies after the commit has answered for good.
"""

from typing import Any
from uuid import uuid4

from sqlalchemy import Connection

from api.cards import templates
from api.cards.identity import CardIndexes, indexes
from api.errors import ServiceError
from api.evidence import leaves
from api.institutions import credentials
from api.matching import duplicates
from api.matching.comparison import PersonResult
from api.service import Service
from api.storage import idempotency
from api.verification import answers, freshness, nonces, records
from api.verification.decision import decide
from api.verification.document import judge
from api.verification.request import VerificationRequest


def verify(service: Service, request: VerificationRequest) -> idempotency.StoredAnswer:
    """Decide, or give the answer that was given to this idempotency key before.

    Raises `ServiceError` for a capture that is not fresh, `CaptureInvalid` for one that is no image, `KeyReused`,
    `KeyRevoked` and `DatabaseUnavailable`.
    """
    shown = indexes(service.keys.index, request.card)
    with service.database.begin() as connection:
        fault = freshness.fault(connection, service, request)
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


def _decide(
    connection: Connection,
    service: Service,
    request: VerificationRequest,
    shown: CardIndexes,
    person: PersonResult,
) -> idempotency.StoredAnswer:
    """Everything that is written, in the caller's transaction. The card's row stays locked until it commits."""
    terminal_id = request.caller.principal_id
    if not nonces.use(connection, service.keys, terminal_id, request.nonce):
        raise ServiceError("nonce_reused")
    if not duplicates.remember(
        connection, service.keys, person.capture_digests, service.settings.capture_duplicate_days
    ):
        raise ServiceError("capture_duplicate")
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
