"""Many faces against one card number: failures are counted over all terminals, and too many lock the number.

While it is locked nothing is compared with its cards' templates, and no score of theirs leaves the service. What ends a
lock is its time, or the issuing authority (`api.alerts`).

Decisions on one number go side by side; one that failed goes alone, so that failures sent side by side are counted
one by one and none of them gets its scores once the number is locked.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from api.alerts import records as alerts
from api.institutions import acts
from api.matching.comparison import PersonResult
from api.service import Service
from api.storage import idempotency
from api.storage.tables import card_locks, cards, checks, principals, verifications
from api.verification.decision import contradicted, verdict_on
from api.verification.policy import ChannelPolicy, ChipPhotoPolicy
from api.verification.records import Moment

KIND = "card_guessing"

_BESIDE = text("SELECT pg_advisory_xact_lock_shared(hashtextextended(:name, 0))")
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
LOCKED = select(card_locks.c.number_index).where(
    card_locks.c.number_index == bindparam("number"), card_locks.c.until > func.clock_timestamp()
)


def is_locked(connection: Connection, number_index: bytes) -> bool:
    """Whether the number is locked now: asked early, so that a locked number costs no comparison."""
    return connection.execute(LOCKED, {"number": number_index}).first() is not None


def is_failure(person: PersonResult | None, rules: ChannelPolicy, chip_photo: ChipPhotoPolicy) -> bool:
    """Whether somebody, or a photograph, was compared with the register and is not plainly the holder."""
    if person is None:
        return False
    photo = None if person.chip_photo is None else person.chip_photo.fmr
    # Said so that no figure at all counts as different, as in `document.judge`.
    other_photo = photo is not None and not photo <= chip_photo.match_fmr
    verdict = verdict_on(person, rules)
    disagree = verdict == "match" and contradicted(person, rules)
    return other_photo or disagree or verdict in {"inconclusive", "mismatch"}


def enter(connection: Connection, number_index: bytes, *, alone: bool) -> None:
    """Hold the number until the transaction ends: beside other decisions on it, or alone."""
    connection.execute(_ALONE if alone else _BESIDE, {"name": lock_name(number_index)})


def lock_name(number_index: bytes) -> str:
    """The name of the lock that `enter` holds."""
    return idempotency.lock_name("guessing", number_index.hex())


def count(connection: Connection, service: Service, number_index: bytes, card_id: UUID | None, moment: Moment) -> None:
    """Count a failure that was just written, and lock the number when there are too many. Entered alone.

    `card_id` None: only another register knows the card.
    """
    rules = service.policy.guessing
    since = moment.at - timedelta(seconds=rules.window_s)
    if moment.lock_ended is not None:
        since = max(since, moment.lock_ended)
    failures = _failures(connection, number_index, since)
    if sum(map(len, failures.values())) >= rules.max_failures:
        _lock(connection, service, number_index, card_id, moment.at, failures)


def release(connection: Connection, card_id: UUID, raised_at: datetime) -> bool:
    """End the lock of the card's number that an alert was raised for; False when it has ended, or is a later one."""
    number_index = connection.execute(select(cards.c.number_index).where(cards.c.id == card_id)).scalar_one()
    enter(connection, number_index, alone=True)
    ended = connection.execute(
        update(card_locks)
        .where(
            card_locks.c.number_index == number_index,
            card_locks.c.until > func.clock_timestamp(),
            card_locks.c.locked_at <= raised_at,
        )
        .values(until=func.clock_timestamp())
    )
    return ended.rowcount == 1


def _failures(connection: Connection, number_index: bytes, since: datetime) -> dict[UUID, list[str]]:
    """The failed verifications and checks of each institution."""
    found: dict[UUID, list[str]] = {}
    decided = select(verifications.c.institution_id, verifications.c.id, verifications.c.decided_at.label("at")).where(
        verifications.c.number_index == number_index, verifications.c.failed, verifications.c.decided_at > since
    )
    checked = select(checks.c.institution_id, checks.c.id, checks.c.checked_at).where(
        checks.c.number_index == number_index, checks.c.failed, checks.c.checked_at > since
    )
    for row in connection.execute(decided.union_all(checked).order_by("at")):
        found.setdefault(row.institution_id, []).append(str(row.id))
    return found


def _lock(
    connection: Connection,
    service: Service,
    number_index: bytes,
    card_id: UUID | None,
    at: datetime,
    failures: dict[UUID, list[str]],
) -> None:
    """Lock the number, tell every institution that took part and every one that registered a card of it."""
    until = at + timedelta(seconds=service.policy.guessing.lock_s)
    row = {"locked_at": at, "until": until}
    connection.execute(
        upsert(card_locks)
        .values(number_index=number_index, **row)
        .on_conflict_do_update(index_elements=[card_locks.c.number_index], set_=row)
    )
    told: dict[str, Any] = {"failures": sum(map(len, failures.values())), "locked_until": until.isoformat()}
    registered = _registered(connection, number_index, card_id)
    raised = [
        alerts.insert(
            connection,
            KIND,
            institution_id,
            # Others than those who registered it know no cards.
            card_id=registered.get(institution_id),
            details={**told, "verifications": failures.get(institution_id, [])},
            at=at,
        )
        for institution_id in dict.fromkeys([*registered, *failures])
    ]
    acts.record(
        connection,
        service.keys,
        "card_locked",
        actor_id=None,
        institution_id=next(iter([*registered, *failures])),
        subject_id=card_id,
        details={**told, "alerts": [str(alert_id) for alert_id in raised]},
    )


def _registered(connection: Connection, number_index: bytes, card_id: UUID | None) -> dict[UUID, UUID]:
    """A card of the number for every institution that registered one; whose card was shown comes first."""
    rows = connection.execute(
        select(principals.c.institution_id, cards.c.id)
        .join(principals, principals.c.id == cards.c.registered_by)
        .where(cards.c.number_index == number_index)
        .order_by((cards.c.id == card_id).desc(), cards.c.created_at.desc())
    )
    found: dict[UUID, UUID] = {}
    for row in rows:
        found.setdefault(row.institution_id, row.id)
    return found
