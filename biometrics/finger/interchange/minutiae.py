"""The minutiae as all records lay them out, and the blocks of further data behind them.

| bytes | what |
|---|---|
| 2 | bits 15..14: 0 of no known kind, 1 ending, 2 bifurcation; bits 13..0: x |
| 2 | bits 15..14: reserved; bits 13..0: y |
| 1 | angle |
| 1 | quality, in some records left out |

Behind the last one stands the length of the further data (2 bytes), and these in blocks: type (2), length (2, with
these four), content. They hold ridge counts, cores, deltas and what makers like; nothing here needs them, so they are
skipped.
"""

from __future__ import annotations

import numpy as np

from biometrics.finger.interchange.geometry import Numbers
from biometrics.finger.interchange.reader import Reader

_WITH_QUALITY = np.dtype([("x", ">u2"), ("y", ">u2"), ("angle", "u1"), ("quality", "u1")])
_WITHOUT_QUALITY = np.dtype([("x", ">u2"), ("y", ">u2"), ("angle", "u1")])
_PLACE = 0x3FFF
_KIND_SHIFT = 14
FURTHER_DATA = 2
"""Bytes of their length, which is 0 in what is written here."""


def read_minutiae(reader: Reader, count: int, *, with_quality: bool = True) -> Numbers:
    """The next `count` minutiae. Raises InvalidTemplate (`template_malformed`) where they end too soon."""
    layout = _WITH_QUALITY if with_quality else _WITHOUT_QUALITY
    found = np.frombuffer(reader.take(count * layout.itemsize), layout)
    return Numbers(
        found["x"] & _PLACE,
        found["y"] & _PLACE,
        found["angle"],
        found["x"] >> _KIND_SHIFT,
        found["quality"] if with_quality else np.zeros(count, np.uint8),
    )


def write_minutiae(numbers: Numbers, *, with_quality: bool = True) -> bytes:
    """The bytes of `read_minutiae`."""
    x = np.asarray(numbers.x, np.int64)
    written = np.zeros(len(x), _WITH_QUALITY if with_quality else _WITHOUT_QUALITY)
    written["x"] = x | (np.asarray(numbers.kind, np.int64) << _KIND_SHIFT)
    written["y"] = numbers.y
    written["angle"] = numbers.angle
    if with_quality:
        written["quality"] = numbers.quality
    return written.tobytes()


def skip_further_data(reader: Reader) -> None:
    """Pass over the blocks behind the minutiae. Writers are found that leave out even their length, at the end."""
    if reader.left:
        reader.take(reader.number(FURTHER_DATA))
