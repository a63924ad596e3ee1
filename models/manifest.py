"""What is recorded about an installed pack."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class InstalledFile:
    """A network on disk: file name inside the pack's folder, hex SHA-256, size in bytes."""

    file: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """What an installed pack is, where it came from and how it was made.

    `source_sha256` is the hash of the archive; None for a pack that was added from a directory. `converter` is the
    version of the conversion that wrote the files.
    """

    pack: str
    version: str
    licence: str
    source: str
    source_sha256: str | None
    converter: int
    files: dict[str, InstalledFile]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(entry.size for entry in self.files.values())

    def is_of_fewer(self, names: Iterable[str]) -> bool:
        """Whether it lists some of these files and no others, as one of a version that had fewer does."""
        return self.files.keys() < set(names)

    def dumps(self) -> str:
        """The manifest as JSON text."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def loads(cls, text: str) -> Manifest:
        """Reads what `dumps` wrote. Raises ValueError, KeyError, TypeError or AttributeError for anything else."""
        fields = json.loads(text)
        fields["files"] = {name: InstalledFile(**entry) for name, entry in fields["files"].items()}
        return cls(**fields)
