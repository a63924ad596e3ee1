"""ANSI/INCITS 378-2004. Numbers have the most significant byte first.

| bytes | what |
|---|---|
| 4 | `FMR`, 0 |
| 4 | ` 20`, 0 |
| 2 | length of the whole record; 0 for one of more than 65,535 bytes, whose length then follows in 4 |
| 2, 2 | product: its maker (IBIA's number) and type |
| 2 | bits 15..12: compliance of the scanner; bits 11..0: its id |
| 2, 2 | width and height of the captures, pixels |
| 2, 2 | pixels per cm across and down |
| 1 | number of views |
| 1 | reserved |

Then come the views, see `short_view`; angles are units of 2 degrees, 0..179. Magic and version are those of ISO's
record of 2005: the length tells the two apart, see `sniffing`.
"""

from __future__ import annotations

import struct

from biometrics.finger.interchange.formats import Format
from biometrics.finger.interchange.geometry import OWN_PIXELS, PIXELS_PER_CM, Grid
from biometrics.finger.interchange.reader import Reader
from biometrics.finger.interchange.short_view import read_views, size_of_all, write_views
from biometrics.finger.interchange.view import View

MAGIC = b"FMR\0 20\0"
NO_MAKER = 0x0103
"""IBIA's number for a maker that has none; 0 is not allowed."""
_SHORT_LENGTH, _LONG_LENGTH = 2, 4
_HEAD = struct.Struct(">HHHHHHHBx")
_TURN = 180


def read(data: bytes) -> tuple[View, ...]:
    """All views of a record. Raises InvalidTemplate: `template_malformed`, `template_out_of_range`."""
    reader = Reader(data)
    reader.take(len(MAGIC))
    reader.end_after(reader.number(_SHORT_LENGTH) or reader.number(_LONG_LENGTH))
    _, _, _, width, height, across, down, count = _HEAD.unpack(reader.take(_HEAD.size))
    return read_views(reader, count, Grid.of_pixels(across, down, _TURN), (width, height), Format.ANSI_2004.engine)


def write(views: tuple[View, ...]) -> bytes:
    """One record of at least one view. Raises ValueError for more than 16 views of one finger."""
    size = size_of_all(views)
    head = _HEAD.pack(NO_MAKER, 0, 0, *size, PIXELS_PER_CM, PIXELS_PER_CM, len(views))
    body = head + write_views(views, Grid(OWN_PIXELS, OWN_PIXELS, _TURN), size)
    whole = len(MAGIC) + _SHORT_LENGTH + len(body)
    if whole < 1 << 8 * _SHORT_LENGTH:
        return MAGIC + whole.to_bytes(_SHORT_LENGTH, "big") + body
    return MAGIC + bytes(_SHORT_LENGTH) + (whole + _LONG_LENGTH).to_bytes(_LONG_LENGTH, "big") + body
