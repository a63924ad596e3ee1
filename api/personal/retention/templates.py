"""Templates of cards that ended some time ago: erased card by card, as a person's are, with event, leaf and key."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import Connection, text

from api.cards import holdings, register, templates
from api.cards.leaves import event_leaf
from api.evidence import leaves
from api.personal.holds.conditions import held, removing
from api.personal.retention import runs
from api.personal.retention.kinds import TEMPLATES
from api.personal.retention.parameters import EXPIRED, ROWS
from api.personal.retention.runs import Run
from api.storage.database import Database
from api.storage.keys import Keys

_FIRST = UUID(int=0)
_DUE = f"{TEMPLATES.clock} < :before AND {TEMPLATES.still} AND NOT {held(TEMPLATES.reach)}"
_SOME = text(f"SELECT t.id, t.number_index FROM cards AS t WHERE t.id > :after AND {_DUE} ORDER BY t.id LIMIT :rows")  # noqa: S608 - our own words
# As the card stands when its row is held: it may have been found, or disputed, since it was looked for.
_HELD = text(f"SELECT t.id FROM cards AS t WHERE t.id = :card AND {_DUE} FOR NO KEY UPDATE")  # noqa: S608 - as above


def enforce(database: Database, keys: Keys, run: Run) -> Iterator[int]:
    """Erase them, a transaction a card; yields how many cards went, now and then. Raises `DatabaseUnavailable`."""
    after, before = _FIRST, run.before[TEMPLATES.name]
    while True:
        with database.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            due = connection.execute(_SOME, {"after": after, "before": before, "rows": ROWS}).all()
        for row in due:
            with database.begin() as connection:
                yield int(_erase(connection, keys, run, row.id, bytes(row.number_index)))
        if len(due) < ROWS:
            return
        after = due[-1].id


def _erase(connection: Connection, keys: Keys, run: Run, card_id: UUID, number_index: bytes) -> bool:
    removing(connection)
    register.enter(connection, number_index)
    still = connection.execute(_HELD, {"card": card_id, "before": run.before[TEMPLATES.name]})
    if still.first() is None:
        return False
    recorded = register.record_expiry(connection, card_id, EXPIRED)
    templates.erase(connection, card_id)
    recorded = holdings.record(connection, keys, recorded)
    leaf = event_leaf(None, recorded)
    leaves.append(connection, keys, "card_event", recorded.id, recorded.recorded_at, leaf)
    runs.count(connection, run, TEMPLATES.name, 1)
    return True
