"""Landmarks, which both years lay out alike: kind (1), code (1), x (2), y (2), and z or nothing (2)."""

from __future__ import annotations

import struct

from biometrics.errors import InvalidRecord
from biometrics.face.interchange.pictures import Point
from biometrics.interchange.parameters import MAX_POINTS
from biometrics.interchange.reader import MALFORMED, Reader

_POINT = struct.Struct(">BBHHH")
SIZE = _POINT.size


def read_points(reader: Reader, count: int) -> tuple[Point, ...]:
    """The next `count` landmarks. Raises InvalidRecord (`record_malformed`)."""
    if count > MAX_POINTS:
        raise InvalidRecord(MALFORMED, f"{count} landmarks")
    return tuple(Point(*_POINT.unpack(reader.take(SIZE))) for _ in range(count))


def write_points(points: tuple[Point, ...]) -> bytes:
    """The bytes of `read_points`. Raises struct.error for numbers that do not fit."""
    return b"".join(_POINT.pack(one.kind, one.code, one.x, one.y, one.z) for one in points)
