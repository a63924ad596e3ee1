"""The verification, in order: fresh? compared; screened; another register asked; then, in one transaction, status under
the lock, decision, evidence.

Nothing is written before the comparison is done, and everything that is written is written together: a process that
dies on the way leaves nothing, one that dies after the commit has answered for good.
"""

from contextlib import nullcontext
from uuid import uuid4

from api.cards.identity import CardIndexes, indexes
from api.errors import ServiceError
from api.evidence import leaves
from api.matching.comparison import PersonResult
from api.operations.admission import Place
from api.operations.metrics.counters import stage
from api.personal.consent import Basis
from api.population import asking
from api.population.asking import Word
from api.population.findings import Question
from api.screening import alerting, search
from api.screening.search import Screening
from api.service import Service
from api.storage import idempotency
from api.storage.lines import Line
from api.storage.statements import together
from api.verification import answers, counted, entering, freshness, guessing, opening, records, registers
from api.verification.decision import decide
from api.verification.document import judge
from api.verification.entering import Held
from api.verification.policy import ChannelPolicy
from api.verification.request import VerificationRequest


def verify(service: Service, request: VerificationRequest, place: Place | None = None) -> idempotency.StoredAnswer:
    """Decide, or give the answer that was given to this idempotency key before. `place` is the request's among those
    that were let in; without one it does not wait for its turn.

    Raises `ServiceError` for a channel that is not the terminal's and for captures that are not fresh or not new,
    where its turn comes too late, `CaptureInvalid` for those that are no images, `KeyReused`, `KeyRevoked` and
    `DatabaseUnavailable`.
    """
    if request.caller.channel not in {None, request.channel}:
        raise ServiceError("channel_not_allowed")
    shown = indexes(service.keys.index, request.card)
    with service.database.line() as connection:
        known = opening.read(connection, service, request, shown)
    if known.given is not None:
        return known.given
    if not service.policy.takes(request.purpose):
        raise ServiceError("purpose_unknown")
    # Who shows nothing but a card has nothing processed that would need a ground.
    unneeded = request.captures.empty and request.basis is Basis.NOT_STATED
    if not unneeded and not service.policy.takes_ground(request.basis):
        raise ServiceError("basis_required")
    fault = freshness.fault(service.settings, request, known.nonce)
    if fault is not None:
        raise ServiceError(fault)
    person, screened = None, None
    if not known.locked:
        searched = search.wanted(service, known.listed)
        with nullcontext() if place is None else service.admission.turn(place):
            person = service.comparer.compare(request.captures, known.references, searched)
        with stage("screening"):
            screened = search.screen(service, request, person, known.listed, records.day_of_validity(known.nonce.now))
    # Where the number is locked nobody compares, the other register neither.
    portrait = None if known.locked else request.captures.chip_photo
    word = asking.ask(service, Question(request.card.number, request.card, portrait))
    return settle(service, request, shown, person, word, screened)


def settle(
    service: Service,
    request: VerificationRequest,
    shown: CardIndexes,
    person: PersonResult | None,
    word: Word | None = None,
    screened: Screening | None = None,
) -> idempotency.StoredAnswer:
    """The transaction that decides, after the comparison. Raises as `verify`.

    `person` None: the number is locked, and nothing was compared. `word` None: no other register is configured.
    `screened` None: not yet; it is done before the decision.
    """
    rules = service.policy.channels[request.channel].of(request.purpose)
    if request.face_declined:
        rules = rules.without_face()
    with stage("database"), service.database.line(transaction=True) as line:
        claimed, held = entering.enter(
            line,
            service,
            request,
            shown,
            person,
            rules.attempt_window_s,
            elsewhere=word is not None and word.holds_card,
            alone=guessing.is_failure(person, rules, service.policy.chip_photo),
        )
        if claimed.given is not None:
            return claimed.given
        # Of requests side by side that share one, one goes on.
        if not claimed.nonce_used:
            raise ServiceError("nonce_reused")
        if not claimed.captures_new:
            raise ServiceError("capture_duplicate")
        given = _decide(line, service, request, shown, person, word, screened, rules, claimed.attempts, held)
    # It is committed: what was rolled back was no decision.
    counted.decision(given.answer, request.channel)
    return given


def _decide(
    line: Line,
    service: Service,
    request: VerificationRequest,
    shown: CardIndexes,
    person: PersonResult | None,
    word: Word | None,
    screened: Screening | None,
    rules: ChannelPolicy,
    attempts: int,
    held: Held,
) -> idempotency.StoredAnswer:
    """What is decided and written, in the caller's transaction. The card's row stays locked until it commits."""
    failed = guessing.is_failure(person, rules, service.policy.chip_photo)
    elsewhere = word is not None and word.holds_card
    card_id, card, moment = held.card_id, held.card, held.moment
    checked = search.renewed(line, service, request, person, screened, held.listed, moment.day)
    known = card is not None or elsewhere
    if not known or moment.locked:
        failed = False
    if known and moment.locked:
        # It was locked while this was compared: no score leaves the service any more.
        person = None
    chip_photo = None if person is None else person.chip_photo
    own = judge(card, shown, chip_photo, moment.day, service.policy.chip_photo.match_fmr)
    document = registers.together(own, word, request.card, moment.day)
    document = registers.attested(document, by_chip_photo=person is not None and person.by_chip_photo)
    decision = decide(document, person, rules, attempts, checked.reason, face_declined=request.face_declined)
    verification_id = uuid4()
    assessed = person or PersonResult(())
    found = answers.findings(request, document, word, assessed, checked, decision, service.policy.version)
    leaf = answers.leaf(request, shown, person, found, moment.at, registered=card is not None)
    composed = leaves.compose(service.keys, "verification", verification_id, moment.at, leaf)
    answer = answers.answer(verification_id, moment.at, found, document, decision, composed.receipt())
    # Where nothing more is to be written, the transaction ends in the same journey.
    with together(line, commit=not failed and not checked.hits):
        given = records.write(line, request, shown, composed, card_id, answer, moment.at, failed=failed)
    if checked.hits:
        alerting.tell(line.full, service.keys, request, verification_id, checked, moment)
    if failed:
        guessing.count(line.full, service, shown.number, card_id, moment)
    return given
