"""Answers about overrides, the feed, the log, and who signed in."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from pydantic import Field

from .base import Evident, Told


class Override(Told):
    """That somebody wants to go on in spite of REVIEW or REFUSE, and what became of it."""

    id: UUID
    verification_id: UUID
    institution_id: UUID
    terminal_id: UUID
    state: str
    reason: str
    entered_by: UUID
    entered_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    text: str | None


class OverrideChanged(Evident):
    """An override after what was done to it."""

    LEAF: ClassVar = frozenset({"override_entered", "override_approved", "override_refused"})
    SAYS: ClassVar = ("id=subject", "institution_id=institution", "verification_id=details/verification")

    id: UUID
    verification_id: UUID
    institution_id: UUID
    terminal_id: UUID
    state: str
    reason: str
    entered_by: UUID
    entered_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None


class FeedCard(Told):
    """The card, for the authority that registered it."""

    id: UUID
    type: str
    issuer: str
    valid_from: date
    valid_to: date | None


class Change(Told):
    """A change of a card's status. `seq` is one more than that of the change before; `tag`: 16 bytes in hex."""

    seq: int
    at: datetime
    event: str
    status: str
    invalid: bool
    tag: str
    card: FeedCard | None = None


class FeedPage(Told):
    """Changes in their order; `head` is the newest number, and was that at `as_of`."""

    events: list[Change]
    head: int
    more: bool
    as_of: datetime
    key_id: str


class Consistency(Told):
    """That the tree of `old` leaves is a prefix of that of `new`."""

    old: int
    new: int
    proof: list[str]
    checkpoint: str


class LogStatus(Told):
    """How the log stands; `overdue` and `late` have to be 0."""

    size: int
    waiting: int
    oldest_wait_s: float
    overdue: int
    late: int
    sequencing: bool


class Leaf(Told):
    """A leaf at its place; `withheld` says why there is a hash only."""

    place: int
    leaf_hash: str
    leaf: str | None = None
    include_by: datetime | None = None
    signature: str | None = None
    key_id: str | None = None
    withheld: str | None = None


class Leaves(Told):
    """Neighbouring leaves."""

    start: int
    size: int
    leaves: list[Leaf]


class SigningKey(Told):
    """A public key of the service; `verifier_key` is the line to keep."""

    key_id: str
    algorithm: str
    public_key: str
    pem: str
    verifier_key: str


class Institution(Told):
    """An institution or a branch."""

    id: UUID
    name: str
    parent_id: UUID | None
    created_at: datetime


class OwnKey(Told):
    """The key that was used."""

    id: UUID
    expires_at: datetime | None
    signed_by: str | None


class Me(Told):
    """Who signed in, and what the key may do."""

    id: UUID
    name: str
    role: str
    channel: str | None
    institution: Institution
    scopes: list[str] = Field(default_factory=list)
    key: OwnKey
