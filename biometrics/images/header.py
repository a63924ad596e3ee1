"""What a file says of itself before anything of its claimed size is decoded.

Pillow reads most headers; what it glosses over is read here: it hands 16-bit colour over as 8 bits, calls 12-bit
JPEG unreadable, and takes the size of a JPEG 2000 picture from the wrapper although the decoder obeys the code stream.
"""

from __future__ import annotations

import struct

_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"\xff\xa0\xff", "WSQ"),
)
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


def sniff(data: bytes) -> str | None:
    """The format that the first bytes announce, None if it is none of those accepted."""
    return next((name for signature, name in _SIGNATURES if data.startswith(signature)), None)


def jpeg_precision(data: bytes) -> int | None:
    """Bits per sample of the first frame header of a JPEG (ISO/IEC 10918-1 B.2.2), None if none is found."""
    position = 2
    while position + 5 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker in _FRAME_MARKERS:
            return data[position + 4]
        if marker == 0xFF:
            position += 1
        else:
            position += 2 + struct.unpack_from(">H", data, position + 2)[0]
    return None


def jpeg_scans(data: bytes) -> int:
    """An upper bound of the number of scans of a JPEG: start-of-scan markers, wherever they stand."""
    return data.count(b"\xff\xda")


def png_depth(data: bytes) -> int:
    """Bits per sample of a PNG, from its IHDR, which has to come first (ISO/IEC 15948 5.6)."""
    return data[24] if len(data) > 24 else 0


def has_no_area(data: bytes, kind: str) -> bool:
    """Whether a PNG or BMP states a width or height of 0, which Pillow takes for damage."""
    if kind == "PNG" and len(data) >= 24:
        return 0 in struct.unpack_from(">2I", data, 16)
    if kind == "BMP" and len(data) >= 26 and struct.unpack_from("<I", data, 14)[0] >= 40:
        return 0 in struct.unpack_from("<2i", data, 18)
    return False


def jpeg2000_size(data: bytes) -> tuple[int, int, int, int] | None:
    """(width, height, components, bits per sample) of the code stream, from its SIZ marker (ISO/IEC 15444-1 A.5.1).

    None if there is no complete code stream header.
    """
    start = 0 if data.startswith(b"\xff\x4f") else _codestream_offset(data)
    if start is None or data[start : start + 4] != b"\xff\x4f\xff\x51" or len(data) < start + 43:
        return None
    x1, y1, x0, y0 = struct.unpack_from(">4I", data, start + 8)
    components = struct.unpack_from(">H", data, start + 40)[0]
    depths = data[start + 42 : start + 42 + 3 * components : 3]
    return x1 - x0, y1 - y0, components, max((depth & 0x7F) + 1 for depth in depths) if depths else 0


def _codestream_offset(data: bytes) -> int | None:
    """Where the first `jp2c` box's content begins (ISO/IEC 15444-1 I.4)."""
    position = 0
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        head = 8
        if length == 1 and position + 16 <= len(data):
            length, head = struct.unpack_from(">Q", data, position + 8)[0], 16
        if kind == b"jp2c":
            return position + head
        if length < head:
            return None
        position += length
    return None
