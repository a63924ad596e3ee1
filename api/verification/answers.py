"""The answer: both axes with their codes, the words for them, and the receipt."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from api.cards.identity import CardIndexes
from api.cards.words import status_words
from api.errors import entry
from api.evidence.leaves import Receipt
from api.matching.comparison import LivenessResult, ModalityResult, PersonResult
from api.population.asking import Word
from api.screening.search import UNTOLD, Screening
from api.verification.decision import Decision
from api.verification.document import Document
from api.verification.request import VerificationRequest


def findings(
    request: VerificationRequest,
    document: Document,
    word: Word | None,
    person: PersonResult,
    screened: Screening,
    decision: Decision,
    policy_version: str,
) -> dict[str, Any]:
    """What was found and decided, as it stands in the answer and in the evidence alike."""
    found: dict[str, Any] = {
        "decision": decision.outcome.value,
        "document": {"status": str(document.status), "reasons": [str(reason) for reason in document.reasons]},
        "person": {
            "consistency": _figure(person.consistency),
            "llr": _figure(person.llr),
            "fmr": _figure(person.fmr),
            "extrapolated": person.extrapolated,
            "modalities": [_modality(result) for result in person.modalities],
            "reasons": list(decision.person_reasons),
        },
        "screening": screened.as_json(),
        "consent": {"basis": request.basis.value, "face_declined": request.face_declined},
        "policy_version": policy_version,
        "calibrations": dict(person.calibrations),
    }
    if person.liveness is not None:
        found["person"]["liveness"] = _liveness(person.liveness)
    if document.since is not None:
        found["document"]["since"] = document.since.astimezone(UTC).isoformat()
    if word is not None:
        found["document"]["register"] = word.as_json()
    if person.chip_photo is not None:
        found["document"]["chip_photo"] = _modality(person.chip_photo)
    return found


def answer(
    verification_id: UUID,
    decided_at: datetime,
    found: dict[str, Any],
    document: Document,
    decision: Decision,
    receipt: Receipt,
) -> dict[str, Any]:
    """The answer to the terminal. `words` is what may be read to the customer: no score stands in it,
    and nothing of the impostor list."""
    codes = [*found["document"]["reasons"], *(one for one in decision.person_reasons if one not in UNTOLD)]
    return {
        "id": str(verification_id),
        "decided_at": decided_at.isoformat(),
        **found,
        "words": {
            "reasons": [{"code": code, **entry(code).message.model_dump()} for code in codes],
            "document": status_words(document.told, document.since, codes, shown=True),
            "advice": {
                "code": decision.advice,
                "message": entry(decision.advice).message.model_dump(),
                "operator": entry(decision.advice).operator.model_dump(),
            },
        },
        "receipt": receipt.as_json(),
    }


def leaf(
    request: VerificationRequest,
    shown: CardIndexes,
    person: PersonResult | None,
    found: dict[str, Any],
    at: datetime,
    *,
    registered: bool,
) -> dict[str, Any]:
    """What the evidence tells of a verification; `registered`: our own register holds the card."""
    return {
        **found,
        "at": at.isoformat(),
        "captured_at": request.captured_at.isoformat(),
        "institution": str(request.caller.institution_id),
        "terminal": str(request.caller.principal_id),
        "key": str(request.caller.key_id),
        "operator": None if request.operator is None else str(request.operator.principal_id),
        "operator_key": None if request.operator is None else str(request.operator.key_id),
        "card": shown.instance.hex(),
        "registered": registered,
        "channel": request.channel,
        "purpose": request.purpose,
        "engines": [] if person is None else list(person.engines),
        "request": request.attempt.digest.hex(),
        **request.attempt.told,
    }


def _modality(result: ModalityResult) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "modality": result.modality,
        "status": "assessed" if result.assessed else "not_assessed",
        "llr": _figure(result.llr),
        "fmr": _figure(result.fmr),
        "extrapolated": result.extrapolated,
        "quality": _figure(result.quality),
    }
    if result.position is not None:
        shown["position"] = result.position.value
    if result.reason is not None:
        shown["reason"] = result.reason
    return shown


def _liveness(result: LivenessResult) -> dict[str, Any]:
    """Codes only: how far a network was from another answer would help those who try."""
    judged_by = [name for name, used in (("challenge", result.challenge), ("passive", result.passive)) if used]
    return {"outcome": result.outcome, "reason": result.reason, "judged_by": judged_by}


def _figure(value: float | None) -> float | None:
    """Four significant digits, which is more than any of them is worth; the decision was made on the whole figure."""
    return None if value is None else float(f"{value:.4g}")
