"""The fingerprint template and its stored form, version 1, little-endian:

| bytes | what |
|---|---|
| 4 | `RZMT` |
| 1 | version of this form: 1 |
| 1 | quality of the capture, 0..100 |
| 2 | width of the capture, pixels at 500 dpi, unsigned |
| 2 | height |
| 1 | number of minutiae c, 0..100 |
| 1 | length n of the engine's id, 1..32 |
| n | engine's id, printable ASCII |
| 7 c | the minutiae, the surest first |

and each minutia:

| bytes | what |
|---|---|
| 2 | x, unsigned, in sixteenths of a pixel from the left edge |
| 2 | y, from the upper edge |
| 2 | direction, unsigned, in 65536ths of a full turn |
| 1 | bit 7: 1 for a bifurcation, 0 for an ending; bits 0..6: quality 0..100 |

A template is rounded to this form when it is made, so that a stored one scores exactly as the fresh one.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biometrics.errors import InvalidTemplate
from biometrics.finger.parameters import MAX_MINUTIAE, MAX_SIDE

_MAGIC, _VERSION = b"RZMT", 1
_HEAD = struct.Struct("<4sBBHHBB")
_MINUTIA = np.dtype([("x", "<u2"), ("y", "<u2"), ("direction", "<u2"), ("rest", "u1")])
_MAX_ENGINE = 32
_PIXEL = 16
_TURN = 65536
_BIFURCATION_BIT = 0x80


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
        """The stored form: 12 bytes, the engine's id, and 7 for each minutia."""
        engine = self.engine.encode("ascii")
        head = _HEAD.pack(_MAGIC, _VERSION, self.quality, self.width, self.height, len(self), len(engine))
        record = np.empty(len(self), _MINUTIA)
        record["x"] = np.rint(self.x * np.float32(_PIXEL))
        record["y"] = np.rint(self.y * np.float32(_PIXEL))
        record["direction"] = np.rint(self.direction.astype(np.float64) * (_TURN / (2 * math.pi)))
        record["rest"] = self.minutia_quality | np.where(self.kind == MinutiaKind.BIFURCATION, _BIFURCATION_BIT, 0)
        return head + engine + record.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> FingerTemplate:
        """Reads the stored form. Raises InvalidTemplate: `template_malformed`, `template_version_unsupported`."""
        if len(data) < _HEAD.size or not data.startswith(_MAGIC):
            raise InvalidTemplate("template_malformed", "no fingerprint template")
        _, version, quality, width, height, count, length = _HEAD.unpack_from(data)
        if version != _VERSION:
            raise InvalidTemplate("template_version_unsupported", f"version {version}")
        body = _HEAD.size + length
        if len(data) != body + count * _MINUTIA.itemsize or not 1 <= length <= _MAX_ENGINE or count > MAX_MINUTIAE:
            raise InvalidTemplate("template_malformed", "a length is wrong")
        engine = data[_HEAD.size : body]
        record = np.frombuffer(data, _MINUTIA, count, body)
        if not (engine.isascii() and engine.decode("ascii").isprintable()) or not _plausible(
            record, quality, width, height
        ):
            raise InvalidTemplate("template_malformed", "a value is out of its range")
        return cls._of_record(engine.decode("ascii"), width, height, record, quality)


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
