"""Receipts and proofs as they stand in answers."""

from typing import Literal

from pydantic import BaseModel, Field


class InclusionAnswer(BaseModel):
    """That the leaf is in the log: the path (hex, RFC 9162) to the root that the checkpoint (a signed note) signs."""

    index: int = Field(description="The leaf's place in the log, from 0.")
    size: int = Field(description="Leaves in the tree that the checkpoint signs.")
    proof: list[str]
    checkpoint: str


class ReceiptAnswer(BaseModel):
    """The signed evidence: Ed25519 over `renzheng receipt v2`, line feed, `include_by`, line feed, the leaf's hash.

    The hash is SHA-256 over a zero byte and the leaf (RFC 9162), signed as 32 raw bytes; the signature is base64.
    Without `inclusion` the receipt is a promise: the leaf is in the log by `include_by`. Receipts from before the log
    have no `include_by`; they are signed over `renzheng receipt v1`, line feed, the leaf's hash.
    """

    algorithm: Literal["Ed25519"]
    key_id: str
    leaf: str
    leaf_hash: str
    include_by: str | None = None
    signature: str
    inclusion: InclusionAnswer | None = None


class ConsistencyAnswer(BaseModel):
    """That the tree of `old` leaves is a prefix of that of `new` leaves (RFC 9162, 2.1.4)."""

    old: int
    new: int
    proof: list[str]
    checkpoint: str


class StatusAnswer(BaseModel):
    """How the log stands. `late` and `sequencing` are those of the replica that answers, since it started."""

    size: int = Field(description="Leaves that have a place.")
    waiting: int = Field(description="Leaves that wait for one.")
    oldest_wait_s: float = Field(description="How long the oldest of them has waited.")
    overdue: int = Field(description="Those of them whose promised time is over: broken promises.")
    late: int = Field(description="Leaves that this replica placed after their promised time.")
    sequencing: bool = Field(description="False while batches fail.")


class LeafAnswer(BaseModel):
    """A leaf at its place. `withheld` says why there is a hash only: `not_yours`, `archived`, or `missing` (damage)."""

    place: int
    leaf_hash: str
    leaf: str | None = None
    include_by: str | None = None
    signature: str | None = None
    key_id: str | None = None
    withheld: Literal["not_yours", "archived", "missing"] | None = None


class LeavesAnswer(BaseModel):
    """Neighbouring leaves of the log; fewer than asked for at its end."""

    start: int
    size: int = Field(description="Leaves that have a place.")
    leaves: list[LeafAnswer]
