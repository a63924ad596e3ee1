"""Policy combines the two axes into PASS, REVIEW or REFUSE, and says what to do next. Fails closed."""

import math
from dataclasses import dataclass
from enum import StrEnum

from api.matching.comparison import LivenessResult, ModalityResult, PersonResult
from api.verification.document import Document
from api.verification.policy import ChannelPolicy

# Reasons that a better capture takes away.
_RETRY = frozenset({"no_face", "multiple_faces", "low_quality", "no_finger"})


class Outcome(StrEnum):
    """The three outcomes; the holder may dispute every one but the first."""

    PASS = "PASS"  # noqa: S105 - an outcome, no password
    REVIEW = "REVIEW"
    REFUSE = "REFUSE"


@dataclass(frozen=True)
class Decision:
    """The outcome, the reasons on the person's axis, and one code of advice for the operator."""

    outcome: Outcome
    person_reasons: tuple[str, ...]
    advice: str


def decide(
    document: Document,
    person: PersonResult | None,
    policy: ChannelPolicy,
    earlier_attempts: int,
    screening: str | None = None,
    *,
    face_declined: bool = False,
) -> Decision:
    """Apply a channel's policy. `earlier_attempts` are this transaction's attempts without a PASS before this one.

    `person` None: the number is locked, and nothing that was compared counts or is told. `screening`: why the impostor
    list bars a PASS, None where it does not; it never refuses anybody. `face_declined`: the policy is that of the way
    without a face; that it was taken is told, and counts for nothing against the holder.
    """
    screened = [] if screening is None else [screening]
    if person is None:
        return _withheld(document, screened)
    verdict = verdict_on(person, policy)
    missing = _missing(person, policy)
    unlive = _unlive(person, policy)
    exceeded = ["attempts_exceeded"] if earlier_attempts >= policy.max_attempts else []
    against = ["modalities_disagree"] if verdict == "match" and contradicted(person, policy) else []
    # Card and photograph come from one hand: alone they pass nobody.
    barred = bool(unlive or exceeded or against or screened) or (person.by_chip_photo and not document.vouched)
    outcome = _outcome(document, verdict, incomplete=bool(missing), barred=barred)
    declined = ["face_declined"] if face_declined else []
    reasons = dict.fromkeys([verdict, *missing, *unlive, *exceeded, *against, *screened, *declined])
    # Another capture helps where it alone is what stands in the way; otherwise it only keeps the customer waiting.
    gone = face_declined and "face" in policy.required
    retry = not (barred or gone) and document.reasons == ("valid",) and bool(_RETRY & set(missing))
    advice = _advice(document, outcome, verdict, retry=retry)
    if face_declined and advice == "ask_staff" and not (exceeded or against or screened):
        advice = "without_face"
    return Decision(outcome, tuple(reasons), advice)


def _withheld(document: Document, screened: list[str]) -> Decision:
    outcome = Outcome.REFUSE if document.refused else Outcome.REVIEW
    advice = "see_police" if document.refused else "other_document"
    return Decision(outcome, ("not_assessed", "card_locked", *screened), advice)


def verdict_on(person: PersonResult, policy: ChannelPolicy) -> str:
    """What the sum of the evidence says: `match`, `inconclusive`, `mismatch`, or `not_assessed` when there is none."""
    if person.fmr is None:
        return "not_assessed"
    if person.fmr <= policy.pass_fmr:
        return "match"
    return "inconclusive" if person.fmr <= policy.review_fmr else "mismatch"


def contradicted(person: PersonResult, policy: ChannelPolicy) -> bool:
    """Whether a modality, looked at alone, is plainly another person's, however strongly the others agree.

    A required one by its FMR; any by its ratio, so that a finger that is not required and is another's bars a PASS too.
    """
    return any(_contrary(result, policy) for result in person.modalities)


def _contrary(result: ModalityResult, policy: ChannelPolicy) -> bool:
    # Of holders fewer than one in `contrary_odds` has such a ratio, whatever the engine: that is what a ratio is.
    # Said so that no figure at all counts as contrary.
    if result.llr is not None and not result.llr > -math.log(policy.contrary_odds):
        return True
    return result.fmr is not None and result.modality in policy.required and result.fmr > policy.review_fmr


def _missing(person: PersonResult, policy: ChannelPolicy) -> list[str]:
    """Reasons of required modalities that were not assessed. Fingers that the card does not hold are not required."""
    missing: list[str] = []
    for required in ("face", "finger"):
        results = [result for result in person.modalities if result.modality == required]
        if required not in policy.required or any(result.assessed for result in results):
            continue
        reasons = [result.reason for result in results if result.reason is not None]
        if required == "finger" and reasons and set(reasons) == {"not_enrolled"}:
            continue
        missing.extend(reasons or ["not_captured"])
    return missing


def _unlive(person: PersonResult, policy: ChannelPolicy) -> list[str]:
    """What is to be said against a living person; what is not judged is never taken for live."""
    found = person.liveness
    if found is not None and found.outcome == "attack":
        return ["liveness_failed"]  # also where liveness is not required: somebody looks before this person passes
    if "liveness" not in policy.required or (found is not None and _alive(found, policy)):
        return []
    return ["liveness_not_assessed"]


def _alive(found: LivenessResult, policy: ChannelPolicy) -> bool:
    passively = found.passive and found.reason == "no_challenge"
    return found.outcome == "live" or (passively and policy.passive_liveness)


def _outcome(document: Document, verdict: str, *, incomplete: bool, barred: bool) -> Outcome:
    """`incomplete`: a required modality was not assessed; `barred`: something else stands in the way of a PASS."""
    if document.refused:
        return Outcome.REFUSE
    if document.status == "card_not_found" or incomplete:
        return Outcome.REVIEW
    if verdict == "mismatch":
        return Outcome.REFUSE
    sound = document.reasons == ("valid",)
    return Outcome.PASS if verdict == "match" and sound and not barred else Outcome.REVIEW


def _advice(document: Document, outcome: Outcome, verdict: str, *, retry: bool) -> str:
    if document.refused:
        if verdict == "match" and document.status != "holder_deceased":
            return "holder_get_new_card"
        return "suspected_fraud" if verdict in {"match", "mismatch"} else "see_police"
    if outcome is Outcome.PASS:
        return "proceed"
    if outcome is Outcome.REFUSE:
        return "dispute_possible"
    return "recapture" if retry else "ask_staff"
