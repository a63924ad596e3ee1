"""Archived stretches of leaves: gzipped JSON Lines, a line a leaf, as `GET /v1/evidence/leaves` gives them."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The administrative act that tells of an archived stretch.
ACT = "evidence_archived"

_LONGEST_LINE = 1 << 20
_BLOCK = 1 << 20


class ArchiveDamaged(Exception):
    """The file is not what was recorded, or cannot be read."""


@dataclass(frozen=True)
class Stretch:
    """Leaves `first` to `last`, inclusive, in the file of that name with that SHA-256."""

    first: int
    last: int
    file: str
    sha256: bytes


def details(stretch: Stretch) -> dict[str, Any]:
    """What the act says of a stretch."""
    return {"first": stretch.first, "last": stretch.last, "file": stretch.file, "sha256": stretch.sha256.hex()}


def file_name(first: int, last: int) -> str:
    """What the file of a stretch is called."""
    return f"leaves-{first:012d}-{last:012d}.jsonl.gz"


def digest(path: Path) -> bytes:
    """SHA-256 of a file."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.digest()


def read(path: Path, stretch: Stretch) -> Iterator[dict[str, Any]]:
    """The stretch's leaves in their order. Raises `ArchiveDamaged`, before the first if the file is another."""
    try:
        if digest(path) != stretch.sha256:
            raise ArchiveDamaged("it is not the file that was recorded")
        with gzip.open(path, "rb") as file:
            for place in range(stretch.first, stretch.last + 1):
                leaf = json.loads(file.readline(_LONGEST_LINE))
                if leaf["place"] != place:
                    raise ArchiveDamaged(f"leaf {place} is not at its place")
                yield leaf
            if file.read(1):
                raise ArchiveDamaged("it holds more than was recorded")
    except (OSError, EOFError, ValueError, KeyError, TypeError, RecursionError, zlib.error) as error:
        raise ArchiveDamaged(f"it cannot be read: {type(error).__name__}") from error
