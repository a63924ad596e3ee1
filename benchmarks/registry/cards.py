"""The made-up register of `benchmarks.registry.rate`: card `i` is the same at every size, and told from `i` alone.

Every card has its registration, one in `every` a second event that ended it; each event has its leaf, signed
as the service signs it; every card has a sealed face template of the length of the default engine's.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from api.cards import holdings
from api.cards.identity import CardIdentity, indexes
from api.cards.leaves import event_leaf
from api.cards.lifecycle import Event, Status
from api.cards.number import check_character
from api.cards.register import RecordedEvent
from api.evidence import leaves
from api.evidence.leaves import Composed
from api.institutions.caller import Caller
from api.storage.keys import Keys
from api.storage.sealing import seal

ENGINE = "scripted-1"
# As many bytes as a template of SFace; the scripted comparer reads the word before the #.
TEMPLATE = b"person:a#".ljust(274, b".")
_TICK = timedelta(microseconds=1)
_DISTRICTS = 320
_BIRTHDAYS = 20_000
ENDS = (
    *((Event.REPORTED_LOST, Status.LOST),) * 6,
    (Event.REPORTED_STOLEN, Status.STOLEN),
    *((Event.REISSUED, Status.REISSUED),) * 2,
    (Event.CANCELLED, Status.CANCELLED),
)

CARD_COLUMNS = (
    "id",
    "instance_index",
    "number_index",
    "number_sealed",
    "type",
    "issuer",
    "valid_from",
    "valid_to",
    "status",
    "registered_by",
    "created_at",
)
EVENT_COLUMNS = ("id", "card_id", "event", "status", "recorded_by", "recorded_at", "holds")
TEMPLATE_COLUMNS = ("id", "card_id", "modality", "engine", "template_sealed", "master_key_id", "created_at")

Values = tuple[Any, ...]


@dataclass
class Rows:
    """What the register and the evidence log hold of some cards."""

    cards: list[Values] = field(default_factory=list)
    events: list[Values] = field(default_factory=list)
    templates: list[Values] = field(default_factory=list)
    leaves: list[Composed] = field(default_factory=list)


def identity(number: int) -> CardIdentity:
    """Card `number`, from 0; valid for twenty years from a day in 2017 to 2024."""
    area = 110_100 + number % _DISTRICTS
    birthday = date(1945, 1, 1) + timedelta(days=number // 1000 % _BIRTHDAYS)
    serial = number % 1000
    digits = f"{area + 1000 * (number // (1000 * _BIRTHDAYS))}{birthday:%Y%m%d}{serial:03d}"
    start = date(2017, 1, 1) + timedelta(days=number % 2900)
    return CardIdentity(
        number=digits + check_character(digits),
        issuer=f"北京市公安局第{number % _DISTRICTS}分局",
        valid_from=start,
        valid_to=start.replace(year=start.year + 20, day=min(start.day, 28)),
    )


def end_of(number: int, every: int) -> tuple[Event, Status] | None:
    """What ended card `number`, None for one that is good; one card in `every` was ended."""
    return ENDS[number // every % len(ENDS)] if number % every == 0 else None


def leaves_of(first: int, last: int, every: int) -> int:
    """How many leaves the cards from `first` up to `last`, not included, have."""
    return last - first + -(-last // every) - -(-first // every)


def rows(keys: Keys, authority: Caller, at: datetime, first: int, last: int, every: int) -> Rows:
    """The rows of the cards from `first` up to `last`, not included, registered at `at`."""
    made = Rows()
    for number in range(first, last):
        _add(made, keys, authority, at, number, end_of(number, every))
    return made


def _add(
    made: Rows, keys: Keys, authority: Caller, at: datetime, number: int, end: tuple[Event, Status] | None
) -> None:
    card = identity(number)
    found = indexes(keys.index, card)
    card_id, *event_ids, template_id = _ids(number)
    history = [(Event.REGISTERED, Status.VALID)] if end is None else [(Event.REGISTERED, Status.VALID), end]
    made.cards.append(
        (
            card_id,
            found.instance,
            found.number,
            seal(keys.master, card.number.encode(), f"card:{card_id}:number"),
            card.type,
            card.issuer,
            card.valid_from,
            card.valid_to,
            history[-1][1].value,
            authority.principal_id,
            at,
        )
    )
    sealed = seal(keys.master, TEMPLATE, f"template:{template_id}:{card_id}")
    made.templates.append((template_id, card_id, "face", ENGINE, sealed, keys.master_id, at))
    held = SimpleNamespace(
        id=template_id, card_id=card_id, modality="face", position=None, engine=ENGINE, template_sealed=sealed
    )
    holds = holdings.committed(keys, None, None, [held])
    for place, (event, status) in enumerate(history):
        recorded = RecordedEvent(event_ids[place], card_id, found.instance, event, status, None, at + place * _TICK)
        if event in holdings.TOLD_BY:
            recorded = replace(recorded, holds=holds)
        made.events.append(
            (
                recorded.id,
                card_id,
                event.value,
                status.value,
                authority.principal_id,
                recorded.recorded_at,
                recorded.holds,
            )
        )
        leaf = event_leaf(authority, recorded)
        made.leaves.append(leaves.compose(keys, "card_event", recorded.id, recorded.recorded_at, leaf))


def _ids(number: int) -> Iterator[UUID]:
    """Spread like random ones, so that indexes look as the service leaves them."""
    raw = hashlib.blake2b(number.to_bytes(8, "big"), person=b"registry").digest()
    return (UUID(bytes=raw[start : start + 16], version=4) for start in range(0, 64, 16))
