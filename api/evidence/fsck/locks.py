"""Locks of card numbers and alerts, held against the acts that set and ended them: no lock is lifted in silence."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from api.evidence.fsck.report import Report, named
from api.storage.tables import acts, alerts, card_locks, cards

_ACTS = (
    select(acts)
    .where(acts.c.act.in_(("card_locked", "death_told", "impostor_hit", "stored_faces_reached", "alert_closed")))
    .order_by(acts.c.at)
)


class _Told:
    """What the acts say: until when the number of a card is locked, which alerts were raised, which were closed."""

    def __init__(self, connection: Connection) -> None:
        self.until: dict[Any, datetime] = {}
        self.raised: set[str] = set()
        self.closed: set[str] = set()
        # When an act first told of an alert, which is raised an instant before.
        self.first: datetime | None = None
        # The last card by which a number was locked, for every alert that told of it.
        self._card: dict[str, Any] = {}
        for row in connection.execute(_ACTS):
            if row.act == "alert_closed":
                self.closed.add(str(row.subject_id))
                if row.details["lock_released"]:
                    self.until.pop(self._card.get(str(row.subject_id)), None)
                continue
            self.first = self.first or row.at
            self.raised.update(row.details.get("alerts", []))
            if row.act == "card_locked":
                self._lock(row.subject_id, row.details)

    def _lock(self, card_id: Any, details: dict[str, Any]) -> None:
        self._card.update(dict.fromkeys(details.get("alerts", []), card_id))
        self.until[card_id] = datetime.fromisoformat(details["locked_until"])


def check(connection: Connection, report: Report) -> None:
    """Tell of locks that ended before an act said so, and of alerts that no act raised or closed."""
    told = _Told(connection)
    for what, wrong in (
        ("cards whose number's lock ended before its time, and no act ended it", _lifted(connection, told)),
        ("alerts that are raised or closed otherwise than the acts say", _unsaid(connection, told)),
        ("alerts that an act raised and that are gone", _gone(connection, told)),
    ):
        if wrong:
            report.add(f"{what}: {named(wrong, len(wrong))}")


def _lifted(connection: Connection, told: _Told) -> list[object]:
    # A lock of a number that only another register knows names no card, and is not looked up.
    locked = {card_id: until for card_id, until in told.until.items() if card_id is not None}
    statement = (
        select(cards.c.id, card_locks.c.until)
        .outerjoin(card_locks, card_locks.c.number_index == cards.c.number_index)
        .where(cards.c.id.in_(locked))
    )
    now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return [
        row.id
        for row in connection.execute(statement)
        if locked[row.id] > now and (row.until is None or row.until < locked[row.id])
    ]


def _unsaid(connection: Connection, told: _Told) -> list[object]:
    """Alerts from before locks were acts are passed over, but for their end."""
    wrong: list[object] = []
    for row in connection.execute(select(alerts.c.id, alerts.c.raised_at, alerts.c.closed_at)):
        raised = told.first is None or row.raised_at < told.first or str(row.id) in told.raised
        if not raised or (row.closed_at is not None) != (str(row.id) in told.closed):
            wrong.append(row.id)
    return wrong


def _gone(connection: Connection, told: _Told) -> list[object]:
    there = {str(identifier) for identifier in connection.execute(select(alerts.c.id)).scalars()}
    return [*sorted(told.raised - there)]
