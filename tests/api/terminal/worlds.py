"""A deployment as a terminal meets it, without a server: its changes, its snapshots, its pages."""

import secrets
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from api.cards.number import check_character
from api.feed.snapshots import building
from api.terminal.card import Card
from api.terminal.journal import Delta
from api.terminal.naming import card_tag, key_id
from api.terminal.remote import Judge, RemoteFailed, Told
from api.terminal.snapshot import HEAD_BYTES, Head, sign, signing_id

BEGAN = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


def card(number: int) -> Card:
    """The card of a number, valid for long on both sides of `BEGAN`."""
    digits = f"11010519491231{number:03d}"
    return Card(digits + check_character(digits), "北京市公安局", date(2020, 1, 1), date(2040, 1, 1))


def keys_of(tags: list[bytes]) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    return np.frombuffer(b"".join(tag[:8] for tag in tags), "<u8").astype(np.uint64)


@dataclass
class ManualClock:
    """A clock that stands until it is moved; a restart of the machine begins its ticks anew."""

    now: datetime = BEGAN
    counted: float = 1000.0
    booted: str = "first"

    def wall(self) -> datetime:
        return self.now

    def ticks(self) -> float:
        return self.counted

    def boot(self) -> str:
        return self.booted

    def pass_s(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.counted += seconds

    def restart(self) -> None:
        self.booted, self.counted = secrets.token_hex(4), 3.0


@dataclass(frozen=True)
class Change:
    """Card `number` became invalid or not, at a time of the service."""

    number: int
    invalid: bool
    at: datetime


@dataclass
class World:
    """What happened, in order: the change at position i has the number i + 1.

    Keys and seeds are fixed: a card that a filter finds by mistake is always the same one, and in no test.
    """

    feed_key: bytes = bytes(range(32))
    signing: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    deployment: UUID = field(default_factory=uuid4)
    time: datetime = BEGAN
    changes: list[Change] = field(default_factory=list)

    @property
    def signers(self) -> list[Ed25519PublicKey]:
        return [self.signing.public_key()]

    @property
    def head(self) -> int:
        return len(self.changes)

    def change(self, number: int, invalid: bool) -> None:
        self.time += timedelta(seconds=1)
        self.changes.append(Change(number, invalid, self.time))

    def invalid_at(self, seq: int) -> set[int]:
        state = {one.number: one.invalid for one in self.changes[:seq]}
        return {number for number, invalid in state.items() if invalid}

    def tag(self, number: int, key: bytes | None = None) -> bytes:
        one = card(number)
        return card_tag(key or self.feed_key, one.number, one.issuer, one.valid_from, one.valid_to)

    def delta(self, seq: int) -> Delta:
        change = self.changes[seq - 1]
        status = "card_reported_lost" if change.invalid else "valid"
        return Delta(seq, self.tag(change.number), change.invalid, status)

    def snapshot(self, **changed: object) -> bytes:
        """A signed snapshot of now; `changed` are fields of its head, signed with them."""
        built = building.build(keys_of([self.tag(one) for one in self.invalid_at(self.head)]), seeds=range(100))
        head = Head(
            shape=built.shape,
            deployment=self.deployment,
            key_id=key_id(self.feed_key),
            seq=self.head,
            as_of=self.time,
            count=built.count,
            body_sha256=sha256(built.body).digest(),
            signing_id=signing_id(self.signing.public_key()),
        )
        return sign(replace(head, **changed), self.signing) + built.body  # type: ignore[arg-type]


@dataclass
class WorldRemote:
    """The feed of a world as a follower asks for it; `faults` are taken one for each question, None for none."""

    world: World
    faults: list[str | None] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def _fault(self, question: str) -> str | None:
        self.asked.append(question)
        fault = self.faults.pop(0) if self.faults else None
        if fault == "unreachable":
            raise RemoteFailed("unreachable", "the service does not answer")
        return fault

    def feed_key(self) -> bytes:
        self._fault("key")
        return self.world.feed_key

    def page(self, after: int, limit: int) -> Told:
        fault = self._fault("page")
        world = self.world
        if after > world.head:
            raise RemoteFailed("feed_position_unknown", "the service is not there yet")
        last = min(world.head, after + limit)
        deltas = [world.delta(seq) for seq in range(after + 1, last + 1)]
        if fault == "gap":
            deltas = deltas[1:]
        elif fault == "reversed":
            deltas = deltas[::-1]
        elif fault == "repeated":
            deltas = [world.delta(seq) for seq in range(1, after + 1)] + deltas + deltas
        return Told(deltas, world.head, world.time, key_id(world.feed_key), last < world.head)

    def snapshot(self, part: Path, etag: str | None = None, judge: Judge | None = None) -> tuple[bytes, str] | None:
        fault = self._fault("snapshot")
        raw = self.world.snapshot()
        if fault == "truncated":
            raw = raw[:-1]
        elif fault == "corrupted":
            raw = raw[:-1] + bytes([raw[-1] ^ 1])
        elif fault == "forged":
            raw = World(self.world.feed_key, changes=self.world.changes).snapshot()
        tag = f'"{sha256(raw).hexdigest()}"'
        if tag == etag:
            return None
        if judge is not None:
            judge(raw[:HEAD_BYTES])
        return raw, tag
