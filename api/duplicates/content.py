"""What a case holds, in one hash: it stands in the evidence of every change, so that nobody alters a score unseen.

Numbers stand in it by their keyed hashes, and people by identifiers that the case made up.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class Member:
    """Somebody in a case: an identity of the register, by the keyed hash of its number."""

    id: UUID
    number: bytes


def content_digest(members: Sequence[Member], pairs: Sequence[Any]) -> bytes:
    """SHA-256 over the members and the pairs of a case, in an order of their own.

    A pair has `first` and `second` (members' identifiers), `kind`, `llr`, `scores` and `compared`, as a row of
    `duplicate_pairs` does.
    """
    body = {
        "members": sorted([str(one.id), one.number.hex()] for one in members),
        "pairs": sorted(
            [str(one.first), str(one.second), one.kind, one.llr, one.scores, bytes(one.compared).hex()] for one in pairs
        ),
    }
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).digest()
