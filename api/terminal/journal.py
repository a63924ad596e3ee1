"""The deltas on the disk: one record of 80 bytes for each change that the feed told, appended and never changed.

A record is its number, the tag, whether the card is invalid, its status and a CRC-32 of all that. What a crash leaves
half written, and everything behind a damaged record, is cut off: the state is then an older one, and says so, and the
follower asks the feed for the rest again.
"""

import os
import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from . import files
from .naming import TAG_BYTES

_RECORD = struct.Struct(f">Q{TAG_BYTES}sB51s")
_CHECK = struct.Struct(">I")
RECORD_BYTES = _RECORD.size + _CHECK.size
_STATUS = re.compile(r"[a-z_]{1,51}")
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Delta:
    """A change that the feed told: the card of `tag` (16 bytes) is `invalid` or not from the number `seq` on."""

    seq: int
    tag: bytes
    invalid: bool
    status: str

    def packed(self) -> bytes:
        """The record."""
        # A status of a newer service may have any form; what counts is whether the card is good.
        status = self.status if _STATUS.fullmatch(self.status) is not None else UNKNOWN
        body = _RECORD.pack(self.seq, self.tag, self.invalid, status.encode("ascii"))
        return body + _CHECK.pack(zlib.crc32(body))


def read(raw: bytes) -> Iterator[Delta]:
    """The records from the start up to the first that is damaged or not whole."""
    for at in range(0, len(raw) - RECORD_BYTES + 1, RECORD_BYTES):
        body, (check,) = raw[at : at + _RECORD.size], _CHECK.unpack_from(raw, at + _RECORD.size)
        if zlib.crc32(body) != check:
            return
        seq, tag, invalid, status = _RECORD.unpack(body)
        yield Delta(seq, tag, invalid != 0, status.rstrip(b"\0").decode("ascii", "replace"))


class Journal:
    """The file. One process writes, others may read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, *, mend: bool) -> list[Delta]:
        """Every sound record; with `mend` what is not sound is cut off, so that appending goes on behind the rest."""
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return []
        deltas = list(read(raw))
        sound = len(deltas) * RECORD_BYTES
        if mend and sound != len(raw):
            files.replace(self._path, raw[:sound])
        return deltas

    def append(self, deltas: Iterable[Delta]) -> None:
        """Add records; they are on the disk when this returns. When it fails nothing of them is left in the file."""
        raw = b"".join(one.packed() for one in deltas)
        made = not self._path.exists()
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | files.NOT_LINKS, 0o600)
        with os.fdopen(descriptor, "ab", buffering=0) as file:
            end = os.fstat(file.fileno()).st_size
            try:
                written = file.write(raw)
                if written != len(raw):
                    raise OSError("the disk took a part of a record")
                os.fsync(file.fileno())
            except OSError:
                os.ftruncate(file.fileno(), end)
                raise
        if made:
            files.sync_folder(self._path.parent)

    def rewrite(self, deltas: Iterable[Delta]) -> None:
        """Keep only these."""
        files.replace(self._path, b"".join(one.packed() for one in deltas))
