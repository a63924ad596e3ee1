"""Plain PNG pictures, as scanners and cameras write them, read at once (ISO/IEC 15948, second and third edition).

Pillow inflates with zlib and gives the lines on in pieces, which takes three times as long. Plain is grey or colour of
8 bits without interlace, palette, transparency, movement or metadata that could turn the picture. All else, and
whatever is odd about a plain one, is left to Pillow, which also says what is wrong with it.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

import deflate
import numpy as np
from numpy.typing import NDArray

from biometrics.kernels.compiled import kernel

_START, _LENGTH_AND_TYPE, _CHECKSUM = 8, 8, 4
_CHANNELS = {0: 1, 2: 3}
"""Of the colour types that are plain."""
_METRE = 0.0254
"""An inch in metres."""
_PASSED_OVER = {b"gAMA": 4, b"sRGB": 1, b"cHRM": 32, b"tIME": 7}
"""Chunks that say nothing that is looked at here, with their lengths. Text is none of them: it may say how to turn."""
_SUB, _UP, _AVERAGE, _PAETH = 1, 2, 3, 4


@dataclass(frozen=True)
class Plain:
    """A plain PNG whose pixels were not looked at yet. `dpi`: across and down, as the file states it."""

    width: int
    height: int
    channels: int
    dpi: tuple[float, float] | None
    stream: bytes = field(repr=False)

    def pixels(self) -> NDArray[np.uint8] | None:
        """uint8 (H, W), or (H, W, 3) in RGB; None where the stream is not exactly what the header says.

        Sets aside what width and height ask for: bound them before.
        """
        line = self.width * self.channels
        try:
            filtered = deflate.zlib_decompress(self.stream, self.height * (line + 1))
        except deflate.DeflateError:
            return None
        if len(filtered) != self.height * (line + 1):
            return None
        lines = np.frombuffer(filtered, np.uint8).reshape(self.height, line + 1)
        if int(lines[:, 0].max()) > _PAETH:
            return None
        pixels = unfiltered(lines, self.channels)
        return pixels if self.channels == 1 else pixels.reshape(self.height, self.width, self.channels)


def plain(data: bytes) -> Plain | None:
    """What the chunks of a PNG say, if it is a plain one, whole and in order."""
    header: tuple[int, ...] | None = None
    dpi, parts, ended, position = None, list[bytes](), False, _START
    while position + _LENGTH_AND_TYPE <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        begin = position + _LENGTH_AND_TYPE
        end = begin + length
        if end + _CHECKSUM > len(data) or (header is None) != (kind == b"IHDR"):
            return None
        content, position = data[begin:end], end + _CHECKSUM
        if kind == b"IDAT" and not ended:
            parts.append(content)
            continue
        ended = bool(parts)
        if zlib.crc32(content, zlib.crc32(kind)) != struct.unpack_from(">I", data, end)[0]:
            return None
        if kind == b"IHDR" and length == 13:
            header = struct.unpack(">2I5B", content)
        elif kind == b"pHYs" and length == 9 and not parts:
            across, down, unit = struct.unpack(">2IB", content)
            dpi = (across * _METRE, down * _METRE) if unit == 1 else None
        elif kind == b"IEND" and header is not None:
            return _found(header, dpi, parts)
        elif _PASSED_OVER.get(kind) != length:
            return None
    return None


def _found(header: tuple[int, ...], dpi: tuple[float, float] | None, parts: list[bytes]) -> Plain | None:
    width, height, depth, colour, *ways = header
    if depth != 8 or colour not in _CHANNELS or any(ways):
        return None
    return Plain(width, height, _CHANNELS[colour], dpi, parts[0] if len(parts) == 1 else b"".join(parts))


@kernel
def unfiltered(lines: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    """Bytes of pixels, (H, W * step), from filtered lines, (H, 1 + W * step), whose first byte is the filter's type,
    0 to 4 (clause 9 of the standard; `step` bytes a pixel)."""
    height, width = lines.shape[0], lines.shape[1] - 1
    found = np.empty((height, width), np.uint8)
    nothing = np.zeros(width, np.uint8)
    for y in range(height):
        way, line, own = lines[y, 0], lines[y, 1:], found[y]
        above = found[y - 1] if y else nothing
        if way == _UP:
            for x in range(width):
                own[x] = line[x] + above[x]
        elif way in (_SUB, _AVERAGE, _PAETH):
            for channel in range(step):
                if way == _SUB:
                    _sub(line[channel::step], own[channel::step])
                elif way == _AVERAGE:
                    _average(line[channel::step], above[channel::step], own[channel::step])
                else:
                    _paeth(line[channel::step], above[channel::step], own[channel::step])
        else:
            own[:] = line
    return found


@kernel
def _sub(line: NDArray[np.uint8], own: NDArray[np.uint8]) -> None:
    left = np.uint8(0)
    for x in range(len(line)):
        left = np.uint8(line[x] + left)
        own[x] = left


@kernel
def _average(line: NDArray[np.uint8], above: NDArray[np.uint8], own: NDArray[np.uint8]) -> None:
    left = np.int32(0)
    for x in range(len(line)):
        left = (np.int32(line[x]) + ((left + np.int32(above[x])) >> 1)) & 255
        own[x] = left


@kernel
def _paeth(line: NDArray[np.uint8], above: NDArray[np.uint8], own: NDArray[np.uint8]) -> None:
    left = corner = np.int32(0)
    for x in range(len(line)):
        up = np.int32(above[x])
        # Both choices are made without a branch: which of the three it is cannot be foretold.
        rise, run = up - corner, left - corner
        far_left, far_up, far_corner = abs(rise), abs(run), abs(rise + run)
        nearer, far = (left, far_left) if far_left <= far_up else (up, far_up)
        left = (np.int32(line[x]) + (nearer if far <= far_corner else corner)) & 255
        corner = up
        own[x] = left


def warm_up() -> None:
    """Compile, or load, what the first picture would wait for."""
    unfiltered(np.frombuffer(bytes(4), np.uint8).reshape(2, 2), 1)
