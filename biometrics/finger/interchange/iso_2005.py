"""ISO/IEC 19794-2:2005, the record format (with Cor. 1:2009). Numbers have the most significant byte first.

| bytes | what |
|---|---|
| 4 | `FMR`, 0 |
| 4 | ` 20`, 0 |
| 4 | length of the whole record |
| 2 | bits 15..12: compliance of the scanner; bits 11..0: its id |
| 2, 2 | width and height of the captures, pixels |
| 2, 2 | pixels per cm across and down |
| 1 | number of views |
| 1 | reserved |

Then come the views, see `short_view`; angles are 256ths of a turn. What follows in a longer file is not read: chips
have files of fixed length.
"""

from __future__ import annotations

import struct

from biometrics.finger.interchange.formats import Format
from biometrics.finger.interchange.geometry import OWN_PIXELS, PIXELS_PER_CM, Grid
from biometrics.finger.interchange.reader import Reader
from biometrics.finger.interchange.short_view import read_views, size_of_all, write_views
from biometrics.finger.interchange.view import View

MAGIC = b"FMR\0 20\0"
_LENGTH = 4
_HEAD = struct.Struct(">HHHHHBx")
_TURN = 256


def read(data: bytes) -> tuple[View, ...]:
    """All views of a record. Raises InvalidTemplate: `template_malformed`, `template_out_of_range`."""
    reader = Reader(data)
    reader.take(len(MAGIC))
    reader.end_after(reader.number(_LENGTH))
    _, width, height, across, down, count = _HEAD.unpack(reader.take(_HEAD.size))
    return read_views(reader, count, Grid.of_pixels(across, down, _TURN), (width, height), Format.ISO_2005.engine)


def write(views: tuple[View, ...]) -> bytes:
    """One record of at least one view. Raises ValueError for more than 16 views of one finger."""
    size = size_of_all(views)
    head = _HEAD.pack(0, *size, PIXELS_PER_CM, PIXELS_PER_CM, len(views))
    body = head + write_views(views, Grid(OWN_PIXELS, OWN_PIXELS, _TURN), size)
    return MAGIC + (len(MAGIC) + _LENGTH + len(body)).to_bytes(_LENGTH, "big") + body
