"""A check, in order: compared; then, in one transaction, the register under the lock, the findings, the evidence.

As in a verification nothing is written before the comparison is done. A portrait that is another face's counts as a
failure against the number, as at the counter: else somebody could guess here.
"""

from dataclasses import dataclass
from datetime import UTC
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, insert, select

from api.cards import templates
from api.cards.identity import CardIndexes, indexes
from api.cards.words import status_words
from api.errors import ServiceError, entry
from api.evidence import leaves
from api.institutions import credentials
from api.institutions.caller import Caller
from api.matching.captures import Captures, Reference
from api.matching.comparison import CaptureInvalid, ModalityResult
from api.population import local
from api.population.findings import Answer, Finding, Question
from api.service import Service
from api.storage import idempotency
from api.storage.idempotency import Attempt, StoredAnswer
from api.storage.sealing import keyed_hash
from api.storage.tables import cards, checks
from api.verification import guessing, records
from api.verification.document import judge
from api.verification.records import Moment

KIND = "check"


@dataclass(frozen=True)
class CheckRequest:
    """Who asks, what, and why."""

    caller: Caller
    attempt: Attempt
    question: Question
    purpose: str


def check(service: Service, request: CheckRequest) -> StoredAnswer:
    """Answer, or give the answer that was given to this idempotency key before.

    Raises `CaptureInvalid` for a portrait that is no image, `KeyReused`, `KeyRevoked` and `DatabaseUnavailable`.
    """
    card = request.question.card
    shown = None if card is None else indexes(service.keys.index, card)
    with service.database.begin() as connection:
        given = idempotency.find(connection, request.attempt)
        if given is not None:
            return given
        references = () if shown is None else templates.of_instance(connection, service.keys, shown.instance)
        locked = shown is not None and bool(references) and guessing.is_locked(connection, shown.number)
    portrait = None
    if request.question.portrait is not None and references and not locked:
        portrait = _compared(service, request.question.portrait, references)
    with service.database.begin() as connection:
        credentials.hold(connection, request.caller)
        return idempotency.claim(connection, request.attempt) or _answer(connection, service, request, shown, portrait)


def _compared(service: Service, portrait: bytes, references: tuple[Reference, ...]) -> ModalityResult | None:
    try:
        return service.comparer.compare(Captures(chip_photo=portrait), references).chip_photo
    except CaptureInvalid as error:
        raise CaptureInvalid(error.code, "portrait") from error


def _answer(
    connection: Connection,
    service: Service,
    request: CheckRequest,
    shown: CardIndexes | None,
    portrait: ModalityResult | None,
) -> StoredAnswer:
    match_fmr = service.policy.chip_photo.match_fmr
    number_index = keyed_hash(service.keys.index, "number", request.question.number)
    card_id, card = (None, None) if shown is None else records.lock_card(connection, shown.instance)
    failed = portrait is not None and portrait.fmr is not None and not portrait.fmr <= match_fmr
    if card is not None:
        guessing.enter(connection, number_index, alone=failed)
    moment = records.moment(connection, number_index)
    if moment.locked:
        portrait, failed = None, False
    found = local.findings(
        number_known=_number_known(connection, number_index),
        card=card,
        shown=shown,
        document=None if shown is None else judge(card, shown, None, moment.day, match_fmr),
        portrait_asked=request.question.portrait is not None,
        portrait=portrait,
        match_fmr=match_fmr,
    )
    stored = _store(connection, service, request, number_index, shown, found, moment, failed=failed)
    if failed and card_id is not None:
        guessing.count(connection, service, number_index, card_id, moment)
    return stored


def _number_known(connection: Connection, number_index: bytes) -> bool:
    held = select(cards.c.id).where(cards.c.number_index == number_index).limit(1)
    return connection.execute(held).first() is not None


def _store(
    connection: Connection,
    service: Service,
    request: CheckRequest,
    number_index: bytes,
    shown: CardIndexes | None,
    found: Answer,
    moment: Moment,
    *,
    failed: bool,
) -> StoredAnswer:
    check_id, axes = uuid4(), _axes(found)
    receipt = leaves.append(
        connection,
        service.keys,
        KIND,
        check_id,
        moment.at,
        {
            **axes,
            "at": moment.at.isoformat(),
            "institution": str(request.caller.institution_id),
            "terminal": str(request.caller.principal_id),
            "key": str(request.caller.key_id),
            "subject": number_index.hex(),
            "instance": None if shown is None else shown.instance.hex(),
            "purpose": request.purpose,
            "request": request.attempt.digest.hex(),
            **request.attempt.told,
        },
    )
    answer = {
        "id": str(check_id),
        "checked_at": moment.at.isoformat(),
        **axes,
        "words": _words(axes, found),
        "receipt": receipt.as_json(),
    }
    connection.execute(
        insert(checks).values(
            id=check_id,
            number_index=number_index,
            principal_id=request.caller.principal_id,
            institution_id=request.caller.institution_id,
            purpose=request.purpose,
            failed=failed,
            answer=answer,
            checked_at=moment.at,
        )
    )
    idempotency.store(connection, request.attempt, 200, answer)
    return StoredAnswer(200, answer, new=True)


def _words(axes: dict[str, Any], found: Answer) -> dict[str, Any]:
    """What may be read to the customer, axis by axis."""
    told = ("number", "card", "status", "text", "portrait")
    words: dict[str, Any] = {axis: entry(axes[axis]).message.model_dump() for axis in told if axis in axes}
    status = axes.get("status", "card_not_found" if "card" in axes else None)
    if status is not None:
        of_status = status_words(status, found.since, _against(axes), shown=True)
        words |= {name: of_status[name] for name in ("since_words", "holder") if of_status[name] is not None}
    return words


def _against(axes: dict[str, Any]) -> list[str]:
    """What was found against a card, in the codes of a verification."""
    codes = {"text": "text_mismatch", "card": "serial_mismatch", "portrait": "chip_photo_mismatch"}
    return [code for axis, code in codes.items() if axes.get(axis) == Finding.INCONSISTENT]


def _axes(found: Answer) -> dict[str, Any]:
    """Only what was asked about, as it stands in the answer and in the evidence alike."""
    told: dict[str, Any] = {"number": found.number.value}
    for axis in ("card", "text", "portrait"):
        finding: Finding | None = getattr(found, axis)
        if finding is not None:
            told[axis] = finding.value
    if found.status is not None:
        told["status"] = str(found.status)
    if found.since is not None:
        told["since"] = found.since.astimezone(UTC).isoformat()
    if found.text_fields:
        told["text_fields"] = {name: finding.value for name, finding in found.text_fields.items()}
    return told


def read(connection: Connection, check_id: UUID, caller: Caller) -> dict[str, Any] | None:
    """An answer that was given to this caller before. Raises `ServiceError` `removed_by_retention`."""
    asked = select(checks.c.answer, checks.c.removed_at)
    row = connection.execute(asked.where(checks.c.id == check_id, checks.c.principal_id == caller.principal_id)).first()
    if row is not None and row.removed_at is not None:
        raise ServiceError("removed_by_retention")
    return None if row is None else dict(row.answer)
