"""What the representations of all records of 2011 (ISO/IEC 19794, parts 2, 4, 5 …) begin with, after their length.

| bytes | what |
|---|---|
| 9 | when it was captured, UTC: year (2), month, day, hour, minute, second, ms (2); all bits set: not stated |
| 1, 2, 2 | device: technology, maker, id |
| 1 | number of judgements of the quality |
| 5 each | quality 0..100, 255 failed; maker and id of the method, 2 each |
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime

from biometrics.interchange.reader import Reader

_TIME = struct.Struct(">HBBBBBH")
_DEVICE = struct.Struct(">BHH")
_JUDGEMENT = struct.Struct(">BHH")
_NOT_STATED = b"\xff" * _TIME.size


@dataclass(frozen=True)
class Judgement:
    """A quality, 0..100 or None where judging failed, and the method: its maker's and its own number."""

    score: int | None
    maker: int = 0
    method: int = 0


@dataclass(frozen=True)
class Capture:
    """When and by what a picture was captured, and how good it was found; codes as the standard numbers them."""

    at: datetime | None = None
    technology: int = 0
    maker: int = 0
    device: int = 0
    qualities: tuple[Judgement, ...] = field(default=())


def read(reader: Reader) -> Capture:
    """The beginning of a representation. Raises InvalidRecord (`record_malformed`) where it ends too soon."""
    at = _time(reader.take(_TIME.size))
    technology, maker, device = _DEVICE.unpack(reader.take(_DEVICE.size))
    judged = [_JUDGEMENT.unpack(reader.take(_JUDGEMENT.size)) for _ in range(reader.number(1))]
    qualities = tuple(Judgement(score if score <= 100 else None, maker, method) for score, maker, method in judged)
    return Capture(at, technology, maker, device, qualities)


def write(capture: Capture) -> bytes:
    """The bytes of `read`. Raises ValueError for more than 255 qualities, and struct.error for numbers too large."""
    if len(capture.qualities) > 255:
        raise ValueError("a representation holds 255 judgements of quality")
    judged = b"".join(
        _JUDGEMENT.pack(255 if one.score is None else one.score, one.maker, one.method) for one in capture.qualities
    )
    device = _DEVICE.pack(capture.technology, capture.maker, capture.device)
    return _time_bytes(capture.at) + device + bytes([len(capture.qualities)]) + judged


def _time(data: bytes) -> datetime | None:
    """None also for times that there are not: many devices write zeros, and nobody's picture is refused for that."""
    year, month, day, hour, minute, second, ms = _TIME.unpack(data)
    try:
        return datetime(year, month, day, hour, minute, second, 1000 * ms, UTC)
    except ValueError:
        return None


def _time_bytes(at: datetime | None) -> bytes:
    if at is None:
        return _NOT_STATED
    utc = at.astimezone(UTC)
    ms = utc.microsecond // 1000
    return _TIME.pack(utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, ms)
