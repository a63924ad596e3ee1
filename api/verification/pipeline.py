"""The verification, in order: fresh? compared; another register asked; then, in one transaction, status under the lock,
decision, evidence.

Nothing is written before the comparison is done, and everything that is written is written together: a process that
dies on the way leaves nothing, one that dies after the commit has answered for good.
"""

from uuid import uuid4

from sqlalchemy import Connection

from api.cards import templates
from api.cards.identity import CardIndexes, indexes
from api.errors import ServiceError
from api.evidence import leaves
from api.institutions import credentials
from api.matching import duplicates
from api.matching.comparison import PersonResult
from api.population import asking
from api.population.asking import Word
from api.population.findings import Question
from api.service import Service
from api.storage import idempotency
from api.verification import answers, freshness, guessing, nonces, records, registers
from api.verification.decision import decide
from api.verification.document import judge
from api.verification.request import VerificationRequest


def verify(service: Service, request: VerificationRequest) -> idempotency.StoredAnswer:
    """Decide, or give the answer that was given to this idempotency key before.

    Raises `ServiceError` for a channel that is not the terminal's and for captures that are not fresh or not new,
    `CaptureInvalid` for those that are no images, `KeyReused`, `KeyRevoked` and `DatabaseUnavailable`.
    """
    if request.caller.channel not in {None, request.channel}:
        raise ServiceError("channel_not_allowed")
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
        # Of a card that is not registered nothing is guessed: whether its number is locked is nobody's business.
        locked = bool(references) and guessing.is_locked(connection, shown.number)
    person = None if locked else service.comparer.compare(request.captures, references)
    # Where the number is locked nobody compares, the other register neither.
    portrait = None if locked else request.captures.chip_photo
    word = asking.ask(service, Question(request.card.number, request.card, portrait))
    return settle(service, request, shown, person, word)


def settle(
    service: Service,
    request: VerificationRequest,
    shown: CardIndexes,
    person: PersonResult | None,
    word: Word | None = None,
) -> idempotency.StoredAnswer:
    """The transaction that decides, after the comparison. Raises as `verify`.

    `person` None: the number is locked, and nothing was compared. `word` None: no other register is configured.
    """
    with service.database.begin() as connection:
        credentials.hold(connection, request.caller)
        credentials.hold_operator(connection, request.operator)
        given = idempotency.claim(connection, request.attempt)
        return given or _decide(connection, service, request, shown, person, word)


def _decide(
    connection: Connection,
    service: Service,
    request: VerificationRequest,
    shown: CardIndexes,
    person: PersonResult | None,
    word: Word | None,
) -> idempotency.StoredAnswer:
    """Everything that is written, in the caller's transaction. The card's row stays locked until it commits."""
    _use_up(connection, service, request, person)
    rules = service.policy.channels[request.channel].of(request.purpose)
    terminal_id = request.caller.principal_id
    attempts = records.failed_attempts(connection, terminal_id, shown.instance, rules.attempt_window_s)
    card_id, card = records.lock_card(connection, shown.instance)
    known = card is not None or (word is not None and word.holds_card)
    failed = known and guessing.is_failure(person, rules, service.policy.chip_photo)
    if known:
        guessing.enter(connection, shown.number, alone=failed)
    moment = records.moment(connection, shown.number)
    if known and moment.locked:
        # It was locked while this was compared: no score leaves the service any more.
        person, failed = None, False
    chip_photo = None if person is None else person.chip_photo
    own = judge(card, shown, chip_photo, moment.day, service.policy.chip_photo.match_fmr)
    document = registers.together(own, word, request.card, moment.day)
    decision = decide(document, person, rules, attempts)
    verification_id = uuid4()
    found = answers.findings(document, word, person or PersonResult(()), decision, service.policy.version)
    leaf = answers.leaf(request, shown, person, found, moment.at, registered=card is not None)
    receipt = leaves.append(connection, service.keys, "verification", verification_id, moment.at, leaf)
    answer = answers.answer(verification_id, moment.at, found, document, decision, receipt)
    records.insert_verification(connection, verification_id, request, shown, card_id, answer, moment.at, failed=failed)
    if failed:
        guessing.count(connection, service, shown.number, card_id, moment)
    idempotency.store(connection, request.attempt, 200, answer)
    return idempotency.StoredAnswer(200, answer)


def _use_up(
    connection: Connection, service: Service, request: VerificationRequest, person: PersonResult | None
) -> None:
    """The nonce and the captures; of requests side by side that share one, one goes on."""
    if not nonces.use(connection, service.keys, request.caller.principal_id, request.nonce):
        raise ServiceError("nonce_reused")
    seen = () if person is None else person.capture_digests
    if not duplicates.remember(connection, service.keys, seen, service.settings.capture_duplicate_days):
        raise ServiceError("capture_duplicate")
