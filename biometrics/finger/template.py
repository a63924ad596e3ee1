"""The fingerprint template and its two stored forms, little-endian. Both begin alike:

| bytes | what |
|---|---|
| 4 | `RZMT` |
| 1 | 1: the full form; 2: the compact form |
| 1 | quality of the capture, 0..100 |
| 2 | width of the capture, pixels at 500 dpi, unsigned |
| 2 | height |
| 1 | number of minutiae c, 0..100 |
| 1 | length n of the engine's id, 1..32 |
| n | engine's id, printable ASCII |
| 7 c or 5 c | the minutiae, the surest first |

A minutia of the full form:

| bytes | what |
|---|---|
| 2 | x, unsigned, in sixteenths of a pixel from the left edge |
| 2 | y, from the upper edge |
| 2 | direction, unsigned, in 65536ths of a full turn |
| 1 | bit 7: 1 for a bifurcation, 0 for an ending; bits 0..6: quality 0..100 |

A template is rounded to the full form when it is made, so that a stored one scores exactly as the fresh one.

A minutia of the compact form is a number of 40 bits:

| bits | what |
|---|---|
| 0..11 | x, whole pixels |
| 12..23 | y |
| 24..31 | direction, in 256ths of a full turn |
| 32..38 | quality 0..100 |
| 39 | 1 for a bifurcation, 0 for an ending |

It holds as many of the surest minutiae as the given number of bytes allows: 97 in the 512 of a chip's slot, with the
engine's id of today, where the full form has room for 69. The network tells whole pixels, so that only directions
are rounded, by up to 0.7 degrees. What that and fewer bytes cost is in `benchmarks/RESULTS.md`; to leave out those far
from the middle instead of the least sure ones was tried, and costs more.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biometrics.errors import InvalidTemplate
from biometrics.finger.parameters import MAX_MINUTIAE, MAX_SIDE, SLOT_BYTES

MAGIC = b"RZMT"
COMPACT_VERSION = 2
_VERSION = 1
_HEAD = struct.Struct("<4sBBHHBB")
_MINUTIA = np.dtype([("x", "<u2"), ("y", "<u2"), ("direction", "<u2"), ("rest", "u1")])
_WIDE = np.dtype([(name, "<u8") for name in ("x", "y", "direction", "rest")])
_MAX_ENGINE = 32
_PIXEL = 16
_TURN = 65536
_BIFURCATION_BIT = 0x80
_COMPACT_SIZE = 5
_SHORT_TURN = 256
_MOST_PLACE = 0xFFF
_Y_BIT, _DIRECTION_BIT, _REST_BIT = 12, 24, 32
_SIZES = {_VERSION: _MINUTIA.itemsize, COMPACT_VERSION: _COMPACT_SIZE}


class MinutiaKind(IntEnum):
    """The kinds of minutiae, with the numbers that ISO/IEC 19794-2 gives them."""

    ENDING = 1
    BIFURCATION = 2


@dataclass(frozen=True, eq=False)
class FingerTemplate:
    """The minutiae of one capture, arrays of one length n <= 100, read-only.

    `x`, `y` float32: pixels at 500 dpi from the upper left corner, y downwards. `direction` float32: radians in
    [0, 2 pi), from the x axis towards the y axis (so clockwise on the screen): at an ending along the ridge, at a
    bifurcation along the valley between its branches, as in ISO/IEC 19794-2, whose angles run the other way round.
    `kind` uint8: MinutiaKind. `minutia_quality` uint8: how sure each is, 0..100. `quality` is the whole capture's,
    0..100; `width` and `height` its size in pixels at 500 dpi; `engine` names what made it and can compare it.
    """

    engine: str
    width: int
    height: int
    x: NDArray[np.float32] = field(repr=False)  # biometric data must not get into a log
    y: NDArray[np.float32] = field(repr=False)
    direction: NDArray[np.float32] = field(repr=False)
    kind: NDArray[np.uint8] = field(repr=False)
    minutia_quality: NDArray[np.uint8] = field(repr=False)
    quality: int

    def __post_init__(self) -> None:
        for values in (self.x, self.y, self.direction, self.kind, self.minutia_quality):
            values.setflags(write=False)

    def __len__(self) -> int:
        """The number of minutiae."""
        return len(self.x)

    @classmethod
    def of(
        cls,
        engine: str,
        width: int,
        height: int,
        *,
        x: ArrayLike,
        y: ArrayLike,
        direction: ArrayLike,
        kind: ArrayLike,
        minutia_quality: ArrayLike,
        quality: int,
    ) -> FingerTemplate:
        """A template of minutiae in any number type, rounded to the stored form. ValueError where they don't fit.

        Of more than 100 minutiae those of the highest quality are kept.
        """
        surest = np.argsort(-np.asarray(minutia_quality, np.float64), kind="stable")[:MAX_MINUTIAE]
        record = np.empty(len(surest), _MINUTIA)
        record["x"] = _whole(np.asarray(x, np.float64)[surest] * _PIXEL, "x", width * _PIXEL)
        record["y"] = _whole(np.asarray(y, np.float64)[surest] * _PIXEL, "y", height * _PIXEL)
        turns = np.mod(np.asarray(direction, np.float64)[surest] / (2 * math.pi), 1.0)
        record["direction"] = _whole(turns * _TURN, "direction", _TURN) % _TURN
        grades = _whole(np.asarray(minutia_quality, np.float64)[surest], "quality", 100)
        bifurcations = np.asarray(kind)[surest] == MinutiaKind.BIFURCATION
        record["rest"] = grades | np.where(bifurcations, _BIFURCATION_BIT, 0)
        return cls._of_record(engine, width, height, record, quality)

    @classmethod
    def _of_record(
        cls, engine: str, width: int, height: int, record: np.ndarray[tuple[int], np.dtype[np.void]], quality: int
    ) -> FingerTemplate:
        bifurcations = (record["rest"] & _BIFURCATION_BIT) != 0
        return cls(
            engine,
            width,
            height,
            (record["x"] / np.float32(_PIXEL)).astype(np.float32),
            (record["y"] / np.float32(_PIXEL)).astype(np.float32),
            (record["direction"] * (2 * math.pi / _TURN)).astype(np.float32),
            np.where(bifurcations, MinutiaKind.BIFURCATION, MinutiaKind.ENDING).astype(np.uint8),
            (record["rest"] & ~np.uint8(_BIFURCATION_BIT)).astype(np.uint8),
            quality,
        )

    def to_bytes(self) -> bytes:
        """The full form: 12 bytes, the engine's id, and 7 for each minutia."""
        return self._head(_VERSION, len(self)) + self._record().tobytes()

    def to_compact_bytes(self, limit: int = SLOT_BYTES) -> bytes:
        """The compact form in no more than `limit` bytes. ValueError where not even its head fits."""
        room = (limit - len(self._head(COMPACT_VERSION, 0))) // _COMPACT_SIZE
        if room < 0:
            raise ValueError(f"{limit} bytes hold no template")
        record = self._record()[:room].astype(_WIDE)
        turns = record["direction"] * _SHORT_TURN + _TURN // 2
        packed = (
            np.minimum((record["x"] + _PIXEL // 2) // _PIXEL, _MOST_PLACE)
            | np.minimum((record["y"] + _PIXEL // 2) // _PIXEL, _MOST_PLACE) << _Y_BIT
            | turns // _TURN % _SHORT_TURN << _DIRECTION_BIT
            | record["rest"] << _REST_BIT
        )
        minutiae: bytes = packed.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :_COMPACT_SIZE].tobytes()
        return self._head(COMPACT_VERSION, len(record)) + minutiae

    def _head(self, version: int, count: int) -> bytes:
        engine = self.engine.encode("ascii")
        return _HEAD.pack(MAGIC, version, self.quality, self.width, self.height, count, len(engine)) + engine

    def _record(self) -> np.ndarray[tuple[int], np.dtype[np.void]]:
        record = np.empty(len(self), _MINUTIA)
        record["x"] = np.rint(self.x * np.float32(_PIXEL))
        record["y"] = np.rint(self.y * np.float32(_PIXEL))
        record["direction"] = np.rint(self.direction.astype(np.float64) * (_TURN / (2 * math.pi)))
        record["rest"] = self.minutia_quality | np.where(self.kind == MinutiaKind.BIFURCATION, _BIFURCATION_BIT, 0)
        return record

    @classmethod
    def from_bytes(cls, data: bytes) -> FingerTemplate:
        """Reads either form. Raises InvalidTemplate: `template_malformed`, `template_version_unsupported`."""
        if len(data) < _HEAD.size or not data.startswith(MAGIC):
            raise InvalidTemplate("template_malformed", "no fingerprint template")
        _, version, quality, width, height, count, length = _HEAD.unpack_from(data)
        if version not in _SIZES:
            raise InvalidTemplate("template_version_unsupported", f"version {version}")
        body = _HEAD.size + length
        if len(data) != body + count * _SIZES[version] or not 1 <= length <= _MAX_ENGINE or count > MAX_MINUTIAE:
            raise InvalidTemplate("template_malformed", "a length is wrong")
        engine = data[_HEAD.size : body]
        record = _unpacked(data[body:]) if version == COMPACT_VERSION else np.frombuffer(data, _MINUTIA, count, body)
        if not (engine.isascii() and engine.decode("ascii").isprintable()) or not _plausible(
            record, quality, width, height
        ):
            raise InvalidTemplate("template_malformed", "a value is out of its range")
        return cls._of_record(engine.decode("ascii"), width, height, record, quality)


def _unpacked(minutiae: bytes) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """The record of minutiae in the compact form."""
    padded = np.zeros((len(minutiae) // _COMPACT_SIZE, 8), np.uint8)
    padded[:, :_COMPACT_SIZE] = np.frombuffer(minutiae, np.uint8).reshape(-1, _COMPACT_SIZE)
    packed = padded.view("<u8").reshape(-1)
    record = np.empty(len(packed), _MINUTIA)
    record["x"] = (packed & _MOST_PLACE) * _PIXEL
    record["y"] = (packed >> _Y_BIT & _MOST_PLACE) * _PIXEL
    record["direction"] = (packed >> _DIRECTION_BIT) % _SHORT_TURN * (_TURN // _SHORT_TURN)
    record["rest"] = packed >> _REST_BIT
    return record


def _plausible(record: np.ndarray[tuple[int], np.dtype[np.void]], quality: int, width: int, height: int) -> bool:
    return bool(
        quality <= 100
        and 1 <= width <= MAX_SIDE
        and 1 <= height <= MAX_SIDE
        and np.all(record["x"] <= width * _PIXEL)
        and np.all(record["y"] <= height * _PIXEL)
        and np.all((record["rest"] & ~np.uint8(_BIFURCATION_BIT)) <= 100)
    )


def _whole(values: NDArray[np.float64], what: str, most: int) -> NDArray[np.uint32]:
    rounded = np.rint(values)
    if not np.all((rounded >= 0) & (rounded <= most)):  # NaN fails both
        raise ValueError(f"{what} out of range")
    return rounded.astype(np.uint32)
