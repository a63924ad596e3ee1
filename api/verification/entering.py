"""What a decision reads and holds until it commits, in as few statements as the order of locks allows.

A statement sees what was committed before it began. So what may have to wait for another transaction stands in a
statement before the one that reads what that transaction left; everything else goes together, for most of a decision's
time is the number of its statements. The order of locks is the same in every decision: key, idempotency key, attempts
of the terminal on the card, nonce and captures, the card, its number.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, bindparam, case, cast, func, literal_column, or_, select, true

from api.cards.identity import CardIndexes
from api.institutions import credentials
from api.institutions.credentials import KeyRevoked, OperatorRevoked
from api.matching import duplicates
from api.matching.comparison import PersonResult
from api.screening import records as impostors
from api.service import Service
from api.storage import idempotency
from api.storage.idempotency import StoredAnswer
from api.storage.lines import Line
from api.storage.statements import Statement, together
from api.storage.tables import capture_digests
from api.storage.tables import nonces as nonces_table
from api.verification import guessing, nonces, records
from api.verification.document import RegisteredCard
from api.verification.records import Moment
from api.verification.request import VerificationRequest


@dataclass(frozen=True)
class Claimed:
    """What the terminal's side of a decision came to; `given`: it was answered before, and nothing else counts.

    `nonce_used`: the nonce was good until now; `captures_new`: nobody showed them before; `attempts`: the terminal's on
    this card without a PASS, before this one.
    """

    given: StoredAnswer | None
    nonce_used: bool
    captures_new: bool
    attempts: int


@dataclass(frozen=True)
class Held:
    """The card as it stays until the commit, None for one that the register does not know, and the moment of now.

    `listed`: the number of the impostor list's last change at that moment.
    """

    card_id: UUID | None
    card: RegisteredCard | None
    moment: Moment
    listed: int


def enter(
    line: Line,
    service: Service,
    request: VerificationRequest,
    shown: CardIndexes,
    person: PersonResult | None,
    window_s: int,
    *,
    elsewhere: bool,
    alone: bool,
) -> tuple[Claimed, Held]:
    """Hold the keys, wait for what else works on the request or on this card at this terminal, use up nonce and
    captures; then hold the card's row with its status, and its number beside other decisions on it or alone (see
    `guessing`). `elsewhere`: another register knows the card; of one that nobody knows nothing is guessed.

    All statements go out together: what is not `given` and not all good has to be rolled back. Raises `KeyRevoked` and
    `KeyReused`.
    """
    terminal_id = request.caller.principal_id
    names = {
        "claim": idempotency.claim_name(request.attempt),
        "attempts": records.attempts_name(terminal_id, shown.instance),
    }
    digests = () if person is None else person.capture_digests
    with together(line):
        key = _HOLD.run(line, key_id=request.caller.key_id, **names)
        operator = None if request.operator is None else credentials.HOLD.run(line, key_id=request.operator.key_id)
        used = _USE_UP.run(
            line,
            **nonces.named(service.keys, terminal_id, request.nonce),
            digests=duplicates.hashes(service.keys, digests),
            days=service.settings.capture_duplicate_days,
            key=request.attempt.key,
            terminal=terminal_id,
            instance=shown.instance,
            window_s=window_s,
        )
        statement = _CARD_ALONE if alone else _CARD
        name = guessing.lock_name(shown.number)
        card = statement.run(line, instance=shown.instance, elsewhere=elsewhere, guessing=name)
        moment = _MOMENT.run(line, number=shown.number)
    if key.fetchone() is None:
        raise KeyRevoked
    if operator is not None and operator.fetchone() is None:
        raise OperatorRevoked
    return _claimed(used.fetchone(), request, len(digests)), _held(line, card.fetchone(), moment.fetchone())


def _claimed(row: Any, request: VerificationRequest, captures: int) -> Claimed:
    given = None if row.status_code is None else idempotency.given(row, request.attempt)
    # One picture for two fingers is the same capture twice, too.
    return Claimed(given, row.used == 1, row.seen == captures, row.attempts)


def _held(line: Line, card: Any, moment: Any) -> Held:
    card_id, found = (None, None) if card.id is None else records.registered(lambda: line.full, card)
    return Held(card_id, found, Moment(moment.at, moment.until), moment.listed)


def _lock(name: str, *, shared: bool = False) -> Any:
    lock = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
    return lock(func.hashtextextended(bindparam(name, type_=Text), literal_column("0")))


def _hold() -> Select[Any]:
    """The locks are asked for when the key is held, in their order: no key, no lock."""
    held = credentials.HELD.cte("held")
    return select(held.c.id, _lock("claim"), _lock("attempts"))


def _use_up() -> Select[Any]:
    used = nonces.USE.columns(nonces_table.c.principal_id).cte("used")
    seen = duplicates.REMEMBER.columns(capture_digests.c.digest).cte("seen")
    given = idempotency.GIVEN.subquery("given")
    one = select(literal_column("1")).subquery("one")
    return select(
        *given.c,
        select(func.count()).select_from(used).scalar_subquery().label("used"),
        select(func.count()).select_from(seen).scalar_subquery().label("seen"),
        records.FAILED_ATTEMPTS.scalar_subquery().label("attempts"),
    ).select_from(one.outerjoin(given, true()))


def _card(*, alone: bool) -> Select[Any]:
    """The number's lock comes when the row is held: it is asked for with what was read of it."""
    card = records.CARD.cte("card")
    one = select(literal_column("1")).subquery("one")
    lock = cast(_lock("guessing", shared=not alone), Text)
    return select(*card.c, case((or_(card.c.id.is_not(None), bindparam("elsewhere")), lock))).select_from(
        one.outerjoin(card, true())
    )


_HOLD = Statement(_hold())
_USE_UP = Statement(_use_up())
_CARD = Statement(_card(alone=False))
_CARD_ALONE = Statement(_card(alone=True))
# After the locks too: what was approved or removed while they were waited for is known of.
_MOMENT = Statement(records.MOMENT.add_columns(impostors.SEQUENCE.label("listed")))
