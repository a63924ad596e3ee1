"""The verification's storage: attempts, the locked card row, the moment, the decision."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, insert, literal_column, select

from api.cards.identity import CardIndexes
from api.cards.lifecycle import Status
from api.cards.parameters import TIMEZONE
from api.cards.register import since_when
from api.storage import idempotency
from api.storage.tables import card_events, card_locks, cards, verifications
from api.verification.document import RegisteredCard
from api.verification.request import VerificationRequest

# Built once: it is the largest statement of a verification, and to build it takes longer than to have it answered.
_ATTEMPTS = (
    (verifications.c.terminal_id == bindparam("terminal"))
    & (verifications.c.instance_index == bindparam("instance"))
    & (
        verifications.c.decided_at
        > func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, bindparam("window_s"))
    )
)
_LAST_PASS = (
    select(func.coalesce(func.max(verifications.c.decided_at), literal_column("'-infinity'::timestamptz")))
    .where(_ATTEMPTS, verifications.c.decision == "PASS")
    .scalar_subquery()
)
_FAILED_ATTEMPTS = (
    select(func.count()).select_from(verifications).where(_ATTEMPTS, verifications.c.decided_at > _LAST_PASS)
)

_MOMENT = select(
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
    row = connection.execute(_MOMENT, {"number": number_index}).one()
    return Moment(row.at, row.until)


def failed_attempts(connection: Connection, terminal_id: UUID, instance_index: bytes, window_s: int) -> int:
    """Attempts on a card at a terminal without a PASS: those within the window and after the last PASS in it.

    One at a time for a terminal and card, so that attempts sent side by side are counted too.
    """
    idempotency.lock(connection, "attempts", str(terminal_id), instance_index.hex())
    asked = {"terminal": terminal_id, "instance": instance_index, "window_s": window_s}
    return connection.execute(_FAILED_ATTEMPTS, asked).scalar_one()


def lock_card(connection: Connection, instance_index: bytes) -> tuple[UUID | None, RegisteredCard | None]:
    """Read a card's status under a share lock on its row, held to commit; (None, None) for an unknown card."""
    row = connection.execute(
        select(
            cards.c.id,
            cards.c.status,
            cards.c.valid_from,
            cards.c.valid_to,
            cards.c.serial_index,
            cards.c.text_index,
        )
        .where(cards.c.instance_index == instance_index)
        .with_for_update(read=True)
    ).first()
    if row is None:
        return None, None
    status = Status(row.status)
    # Most cards are valid, and most decisions need no second look.
    since = None if status is Status.VALID else status_since(connection, row.id, status)
    return row.id, RegisteredCard(status, row.valid_from, row.valid_to, row.serial_index, row.text_index, since)


def status_since(connection: Connection, card_id: UUID, status: Status) -> datetime | None:
    """When a card came to its status."""
    events = connection.execute(
        select(card_events.c.status, card_events.c.recorded_at)
        .where(card_events.c.card_id == card_id)
        .order_by(card_events.c.recorded_at.desc())
    )
    return since_when(status, events.all())


def insert_verification(
    connection: Connection,
    verification_id: UUID,
    request: VerificationRequest,
    shown: CardIndexes,
    card_id: UUID | None,
    answer: dict[str, Any],
    decided_at: datetime,
    *,
    failed: bool,
) -> None:
    """Write the decision."""
    connection.execute(
        insert(verifications).values(
            id=verification_id,
            instance_index=shown.instance,
            number_index=shown.number,
            card_id=card_id,
            terminal_id=request.caller.principal_id,
            operator_id=None if request.operator is None else request.operator.principal_id,
            institution_id=request.caller.institution_id,
            channel=request.channel,
            purpose=request.purpose,
            decision=answer["decision"],
            document_status=answer["document"]["status"],
            person_verdict=answer["person"]["reasons"][0],
            failed=failed,
            answer=answer,
            decided_at=decided_at,
        )
    )
