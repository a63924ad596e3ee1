"""The verification's storage: attempts, the locked card row, the moment, the decision."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, and_, bindparam, func, literal_column, select

from api.cards.identity import CardIndexes
from api.cards.lifecycle import Status
from api.cards.parameters import TIMEZONE
from api.cards.register import status_since
from api.evidence import leaves
from api.evidence.leaves import Composed
from api.storage import idempotency
from api.storage.idempotency import StoredAnswer
from api.storage.statements import Carrier, Statement
from api.storage.tables import card_locks, cards, verifications
from api.verification.document import RegisteredCard
from api.verification.presented import presented
from api.verification.request import VerificationRequest

# Built once: it is the largest statement of a verification, and to build it takes longer than to have it answered.
_ATTEMPTS = (
    (verifications.c.terminal_id == bindparam("terminal"))
    & (verifications.c.instance_index == bindparam("instance"))
    & (
        verifications.c.decided_at
        > func.clock_timestamp() - func.make_interval(*[literal_column("0")] * 6, bindparam("window_s"))
    )
)
_LAST_PASS = (
    select(func.coalesce(func.max(verifications.c.decided_at), literal_column("'-infinity'::timestamptz")))
    .where(_ATTEMPTS, verifications.c.decision == "PASS")
    .scalar_subquery()
)
FAILED_ATTEMPTS = (
    select(func.count())
    .select_from(verifications)
    .where(
        _ATTEMPTS,
        verifications.c.decided_at > _LAST_PASS,
        # Who declines the face and shows no finger tries nothing.
        ~and_(
            verifications.c.face_declined.is_(True),
            verifications.c.person_verdict == "not_assessed",
            func.coalesce(verifications.c.fingers_presented, literal_column("0")) == literal_column("0"),
        ),
    )
)

# Parameter `instance`. The share lock lets decisions go side by side and keeps reports out.
CARD: Select[Any] = (
    select(
        cards.c.id,
        cards.c.status,
        cards.c.valid_from,
        cards.c.valid_to,
        cards.c.serial_index,
        cards.c.text_index,
    )
    .where(cards.c.instance_index == bindparam("instance"))
    .with_for_update(read=True)
)

_WRITE = Statement(
    f"""
    WITH {leaves.WRITE}, decided AS (
        INSERT INTO verifications (
            id, instance_index, number_index, card_id, terminal_id, operator_id, institution_id, channel, purpose,
            decision, document_status, person_verdict, failed, answer, decided_at, face_capture, fingers_presented,
            fingers_failed, basis, face_declined
        ) VALUES (
            %(id)s, %(instance_index)s, %(number_index)s, %(card_id)s, %(principal_id)s, %(operator_id)s,
            %(institution_id)s, %(channel)s, %(purpose)s, %(decision)s, %(document_status)s, %(person_verdict)s,
            %(failed)s, %(answer)s, %(decided_at)s, %(face_capture)s, %(fingers_presented)s, %(fingers_failed)s,
            %(basis)s, %(face_declined)s
        )
    )
    {idempotency.STORE}
    """  # noqa: S608 - our own expressions
)

MOMENT = select(
    func.clock_timestamp().label("at"),
    select(card_locks.c.until).where(card_locks.c.number_index == bindparam("number")).scalar_subquery().label("until"),
)


@dataclass(frozen=True)
class Moment:
    """When something is decided: the instant by the database's clock, and for validity the day in Asia/Shanghai.

    `locked_until` is when the number's last lock ends or ended, None when there was none.
    """

    at: datetime
    locked_until: datetime | None

    @property
    def day(self) -> date:
        """The day of validity."""
        return day_of_validity(self.at)

    @property
    def locked(self) -> bool:
        """Whether the number is locked at this moment."""
        return self.locked_until is not None and self.locked_until > self.at

    @property
    def lock_ended(self) -> datetime | None:
        """Since when failures count again; None when there was no lock."""
        return None if self.locked else self.locked_until


def day_of_validity(instant: datetime) -> date:
    """The day in Asia/Shanghai."""
    return instant.astimezone(TIMEZONE).date()


def moment(connection: Connection, number_index: bytes) -> Moment:
    """The moment of a decision. To be read under the locks of the card and the number."""
    row = connection.execute(MOMENT, {"number": number_index}).one()
    return Moment(row.at, row.until)


def attempts_name(terminal_id: UUID, instance_index: bytes) -> str:
    """Under this name attempts of a terminal on a card go one at a time, so that those side by side are counted too."""
    return idempotency.lock_name("attempts", str(terminal_id), instance_index.hex())


def lock_card(connection: Connection, instance_index: bytes) -> tuple[UUID | None, RegisteredCard | None]:
    """Read a card's status under a share lock on its row, held to commit; (None, None) for an unknown card."""
    row = connection.execute(CARD, {"instance": instance_index}).first()
    return (None, None) if row is None else registered(lambda: connection, row)


def registered(connection: Callable[[], Connection], row: Any) -> tuple[UUID, RegisteredCard]:
    """The card of a row of `CARD`; `connection` is asked for where one read is not enough."""
    status = Status(row.status)
    # Most cards are valid, and most decisions need no second look.
    since = None if status is Status.VALID else status_since(connection(), row.id, status)
    return row.id, RegisteredCard(status, row.valid_from, row.valid_to, row.serial_index, row.text_index, since)


def write(
    connection: Carrier,
    request: VerificationRequest,
    shown: CardIndexes,
    leaf: Composed,
    card_id: UUID | None,
    answer: dict[str, Any],
    decided_at: datetime,
    *,
    failed: bool,
) -> StoredAnswer:
    """Write the decision, its leaf and the answer to the idempotency key: one statement, so all or nothing."""
    kept = idempotency.stored(request.attempt, 200, answer)
    taken = presented(answer["person"]["modalities"])
    values = {
        **leaf.values(),
        **kept,
        "id": leaf.subject_id,
        "instance_index": shown.instance,
        "number_index": shown.number,
        "card_id": card_id,
        "operator_id": None if request.operator is None else request.operator.principal_id,
        "institution_id": request.caller.institution_id,
        "channel": request.channel,
        "purpose": request.purpose,
        "decision": answer["decision"],
        "document_status": answer["document"]["status"],
        "person_verdict": answer["person"]["reasons"][0],
        "failed": failed,
        "decided_at": decided_at,
        "face_capture": taken.face,
        "fingers_presented": taken.fingers,
        "fingers_failed": taken.failed,
        "basis": request.basis.value,
        "face_declined": request.face_declined,
    }
    _WRITE.run(connection, **values)
    return StoredAnswer(200, answer, new=True)
