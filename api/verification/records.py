"""The verification's storage: clock, attempts, the locked card row, the decision."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, insert, literal_column, select

from api.cards.lifecycle import Status
from api.cards.parameters import TIMEZONE
from api.storage import idempotency
from api.storage.tables import cards, verifications
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


def clock(connection: Connection) -> datetime:
    """The database's clock, the only one that counts."""
    now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return now


def day_of_validity(instant: datetime) -> date:
    """The day in Asia/Shanghai."""
    return instant.astimezone(TIMEZONE).date()


def decision_time(connection: Connection) -> tuple[datetime, date]:
    """The instant and, for validity, the day in Asia/Shanghai. To be read under the lock."""
    now = clock(connection)
    return now, day_of_validity(now)


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
    return row.id, RegisteredCard(Status(row.status), row.valid_from, row.valid_to, row.serial_index, row.text_index)


def insert_verification(
    connection: Connection,
    verification_id: UUID,
    request: VerificationRequest,
    instance_index: bytes,
    card_id: UUID | None,
    answer: dict[str, Any],
    decided_at: datetime,
) -> None:
    """Write the decision."""
    connection.execute(
        insert(verifications).values(
            id=verification_id,
            instance_index=instance_index,
            card_id=card_id,
            terminal_id=request.caller.principal_id,
            institution_id=request.caller.institution_id,
            channel=request.channel,
            purpose=request.purpose,
            decision=answer["decision"],
            document_status=answer["document"]["status"],
            answer=answer,
            decided_at=decided_at,
        )
    )


def find_verification(connection: Connection, verification_id: UUID, institution_id: UUID) -> dict[str, Any] | None:
    """A decision of the asking institution, None for others' and unknown ones."""
    row = connection.execute(
        select(verifications.c.answer).where(
            verifications.c.id == verification_id, verifications.c.institution_id == institution_id
        )
    ).first()
    if row is None:
        return None
    answer: dict[str, Any] = row.answer
    return answer
