"""The cards in play: a few hot ones, which reports and verifications race for, and the older ones, mostly dead."""

import random
import threading
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from api.cards.lifecycle import Status
from tests.api.bodies import Json, new_card

HOT = 16
COLD = 60
# Of a hundred verifications so many are of hot cards.
HOT_PERCENT = 85

# What is reported of a card in a state, and how often of a hundred times.
_REPORTS: dict[str, dict[str, int]] = {
    Status.VALID: {"reported_lost": 62, "reported_stolen": 26, "reissued": 8, "cancelled": 4},
    Status.LOST: {"found": 74, "reported_stolen": 12, "reissued": 10, "cancelled": 4},
    Status.STOLEN: {"found": 86, "reissued": 10, "cancelled": 4},
}
# Years ago: many days may be added before it is today.
_FIRST_DAY = date(2016, 3, 1)
_DAY = timedelta(days=1)
_OVER = frozenset({Status.REISSUED, Status.CANCELLED, Status.DECEASED})


@dataclass
class Card:
    """A card instance: as it is shown, its identifier, its status as far as it was told, and whether another one with
    its number was asked for."""

    shown: Json
    id: str
    believed: str = Status.VALID
    succeeded: bool = False


class Deck:
    """All of them. What is believed of a card only steers what is reported; the checker does not use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hot: list[Card] = []
        self._cold: list[Card] = []

    def to_verify(self, drawn: random.Random) -> Card | None:
        """A card to be shown; None when there is none yet."""
        with self._lock:
            pile = self._hot if not self._cold or drawn.randrange(100) < HOT_PERCENT else self._cold
            return drawn.choice(pile) if pile else None

    def to_report(self, drawn: random.Random) -> tuple[Card, str] | Json:
        """A card and an event that it may have, or a new card to be registered where one is missing."""
        with self._lock:
            if len(self._hot) < HOT:
                return self._new(drawn)
            card = drawn.choice(self._hot)
            reports = _REPORTS.get(card.believed, {"found": 1})
            return card, drawn.choices(tuple(reports), tuple(reports.values()))[0]

    def registered(self, shown: Json, card_id: str) -> None:
        """A card was registered."""
        with self._lock:
            self._hot.append(Card(shown, card_id))

    def told(self, card: Card, status: str) -> None:
        """A report's answer said what a card's status is now; one that is over leaves its place."""
        with self._lock:
            card.believed = status
            if status in _OVER and card in self._hot:
                self._hot.remove(card)
                self._cold.append(card)
                del self._cold[:-COLD]

    def doubted(self, card: Card, drawn: random.Random) -> None:
        """A report did not fit: something else happened to the card."""
        with self._lock:
            card.believed = drawn.choice((Status.VALID, Status.LOST))

    def learn(self, statuses: dict[str, str]) -> None:
        """Take over what the checker found in the database, between chunks."""
        with self._lock:
            cards = [*self._hot, *self._cold]
        for card in cards:
            if card.id in statuses:
                self.told(card, statuses[card.id])

    def doubt_successors(self) -> None:
        """After an interruption nobody knows which replaced cards got theirs: none of them gets one any more."""
        for card in self._cold:
            card.succeeded = True

    @property
    def ids(self) -> set[str]:
        """The identifiers of all cards in play."""
        with self._lock:
            return {card.id for card in (*self._hot, *self._cold)}

    def as_json(self) -> dict[str, Any]:
        """To be kept."""
        with self._lock:
            return {"hot": [asdict(card) for card in self._hot], "cold": [asdict(card) for card in self._cold]}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Deck":
        """What was kept."""
        deck = cls()
        deck._hot = [Card(**card) for card in kept["hot"]]
        deck._cold = [Card(**card) for card in kept["cold"]]
        return deck

    def _new(self, drawn: random.Random) -> Json:
        """A card of somebody new, or one that takes the place of a card that was replaced: the number stays.

        It is valid from a later day, so that no two cards are the same instance.
        """
        replaced = [card for card in self._cold if card.believed == Status.REISSUED and not card.succeeded]
        if not replaced or drawn.random() < 0.5:
            return new_card(valid_from=(_FIRST_DAY + drawn.randrange(1000) * _DAY).isoformat())
        before = drawn.choice(replaced)
        before.succeeded = True
        day = date.fromisoformat(before.shown["valid_from"]) + _DAY
        return new_card(number=before.shown["number"], valid_from=day.isoformat())
