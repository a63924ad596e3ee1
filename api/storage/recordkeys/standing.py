"""Keys that stand for long and are asked for in every request: of transforms of faces, of texts; kept in memory.

Unlike a person's: these are few, each is needed all the time, and what is made of one (a matrix) takes longer than to
read it. That a key was deleted is heard of after `STANDING_S` at the latest.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, cast
from uuid import UUID

from api.storage.errors import SealBroken
from api.storage.keys import Keys
from api.storage.recordkeys.envelopes import KeyGone
from api.storage.recordkeys.parameters import STANDING_S

T = TypeVar("T")


@dataclass
class Kept:
    """A key, what was made of it, and until when (monotonic seconds) it is not asked for again."""

    secret: bytes = field(repr=False)
    until: float
    made: dict[str, object] = field(default_factory=dict, repr=False)


def of(keys: Keys, key_id: UUID, what: str, make: Callable[[bytes], T]) -> T:
    """What `make` makes of a key, kept under the name `what` for as long as the key stands.

    Raises `KeyGone`, `SealBroken` where it does not unwrap, `DatabaseUnavailable`, `MasterKeyUnavailable`.
    """
    kept = keys.of_records.standing
    held, now = kept.get(key_id), time.monotonic()
    if held is None or now >= held.until:
        held = kept[key_id] = _read(keys, key_id, held, now)
    if what not in held.made:
        held.made[what] = make(held.secret)
    return cast(T, held.made[what])


def _read(keys: Keys, key_id: UUID, held: Kept | None, now: float) -> Kept:
    found = keys.of_records.read([key_id])
    if key_id not in found:
        keys.of_records.standing.pop(key_id, None)
        raise KeyGone("the key was deleted")
    secret = found[key_id]
    if secret is None:
        raise SealBroken("the key does not unwrap")
    made = held.made if held is not None and held.secret == secret else {}
    return Kept(secret, now + STANDING_S, made)
