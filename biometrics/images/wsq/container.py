"""The marker segments of a WSQ file."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from biometrics.errors import InvalidImage

SUBBANDS = 64
_SOI, _EOI, _SOF, _SOB, _DTT, _DQT, _DHT, _COM = 0xFFA0, 0xFFA1, 0xFFA2, 0xFFA3, 0xFFA4, 0xFFA5, 0xFFA6, 0xFFA8
_MARKER_IN_DATA = re.compile(rb"\xff[^\x00]", re.DOTALL)
_PPI = re.compile(rb"^PPI +(\d{1,5})\s*$", re.MULTILINE)
_MAX_DECIMALS = 12  # of a scaled number; encoders use up to 10
_TAPS = (9, 7)  # lengths of the two analysis filters that the specification's encoders use
_TABLES = 8  # ids of Huffman tables


@dataclass(frozen=True)
class HuffmanTable:
    """A canonical prefix code: `lengths[i]` codes of i + 1 bits (16 of them), and the symbols in order of code."""

    lengths: NDArray[np.int32]
    symbols: NDArray[np.uint8]


@dataclass(frozen=True)
class Block:
    """A run of entropy-coded coefficients, without stuffing, and the code that it is written in."""

    data: NDArray[np.uint8]
    table: HuffmanTable


@dataclass
class Frame:
    """All that a WSQ file says. Filters are the synthesis filters' right halves, the centre first (float64)."""

    width: int = 0
    height: int = 0
    shift: float = 0.0
    scale: float = 0.0
    ppi: float | None = None
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None
    bin_centre: float = 0.0
    bins: NDArray[np.float64] | None = None  # (64, 2): bin width (0: not coded) and width of the zero bin
    blocks: list[Block] = field(default_factory=list)
    tables: dict[int, HuffmanTable] = field(default_factory=dict)


def read(data: bytes) -> Frame:
    """Reads all segments of a WSQ file. Raises InvalidImage: `image_truncated` or `image_not_an_image`."""
    frame = Frame()
    try:
        _read_segments(data, frame)
    except (struct.error, IndexError, KeyError, ValueError, OverflowError):
        raise InvalidImage("image_truncated", "the WSQ data is cut off or damaged") from None
    if frame.low is None or frame.high is None or frame.bins is None or not frame.blocks:
        raise InvalidImage("image_truncated", "the WSQ data lacks a segment")
    return frame


def _read_segments(data: bytes, frame: Frame) -> None:
    position = 2
    while True:
        (marker,) = struct.unpack_from(">H", data, position)
        if marker == _EOI:
            return
        (length,) = struct.unpack_from(">H", data, position + 2)
        body = data[position + 4 : position + 2 + length]
        if len(body) != length - 2:
            raise ValueError("segment is cut off")
        position += 2 + length
        if marker == _SOB:
            end = _MARKER_IN_DATA.search(data, position)
            if end is None:
                raise ValueError("no marker behind a block")
            stream = data[position : end.start()].replace(b"\xff\x00", b"\xff")
            frame.blocks.append(Block(np.frombuffer(stream, np.uint8), frame.tables[body[0]]))
            position = end.start()
        else:
            _read_segment(marker, body, frame)


def _read_segment(marker: int, body: bytes, frame: Frame) -> None:
    if marker == _SOF:
        frame.height, frame.width = struct.unpack_from(">HH", body, 2)
        frame.shift, frame.scale = _scaled(body, 6), _scaled(body, 9)
    elif marker == _DTT:
        frame.high, frame.low = _synthesis_filters(body)
    elif marker == _DQT:
        frame.bin_centre = _scaled(body, 0)
        numbers = [_scaled(body, 3 + 3 * i) for i in range(2 * SUBBANDS)]
        frame.bins = np.array(numbers).reshape(SUBBANDS, 2)
    elif marker == _DHT:
        _read_huffman_tables(body, frame)
    elif marker == _COM:
        stated = _PPI.search(body)
        frame.ppi = float(stated[1]) if stated else frame.ppi
    else:
        raise ValueError("unknown marker")


def _scaled(body: bytes, offset: int) -> float:
    """A 16-bit number with a count of decimals before it."""
    decimals, digits = struct.unpack_from(">BH", body, offset)
    return float(digits / 10.0 ** _decimals(decimals))


def _decimals(count: int) -> int:
    if count > _MAX_DECIMALS:
        raise ValueError("number out of range")
    return count


def _synthesis_filters(body: bytes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The high-pass and the low-pass synthesis filter.

    The file holds the right halves of the analysis filters, low-pass first. The alternating signs turn the low-pass
    analysis filter into the high-pass synthesis filter and the other way round.
    """
    if tuple(body[:2]) != _TAPS:
        raise InvalidImage("image_not_an_image", "WSQ with other than the 9/7 filters")
    taps = []
    for i in range(_TAPS[0] // 2 + 1 + _TAPS[1] // 2 + 1):
        sign, decimals, digits = struct.unpack_from(">BBI", body, 2 + 6 * i)
        taps.append((-1 if sign else 1) * digits / 10.0 ** _decimals(decimals))
    first, second = np.array(taps[: _TAPS[0] // 2 + 1]), np.array(taps[_TAPS[0] // 2 + 1 :])
    return first * (-1.0) ** np.arange(len(first)), second * (-1.0) ** np.arange(len(second))


def _read_huffman_tables(body: bytes, frame: Frame) -> None:
    position = 0
    while position < len(body):
        lengths = np.frombuffer(body, np.uint8, 16, position + 1).astype(np.int32)
        count = int(lengths.sum())
        symbols = np.frombuffer(body, np.uint8, count, position + 17)
        if body[position] >= _TABLES:
            raise ValueError("impossible table")
        frame.tables[body[position]] = HuffmanTable(lengths, symbols)
        position += 17 + count
