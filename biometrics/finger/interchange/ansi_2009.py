"""ANSI/INCITS 378-2009, and its Amendment 1 of 2010. Numbers have the most significant byte first.

| bytes | what |
|---|---|
| 4 | `FMR`, 0 |
| 4 | `030`, 0; with the amendment `035`, 0 |
| 4 | length of the whole record |
| 2, 2 | product: its maker (IBIA's number) and type |
| 1 | bit 7: the scanner is certified |
| 2 | id of the scanner |
| 1 | number of views |
| 1 | reserved |

and each view:

| bytes | what |
|---|---|
| 1 | finger |
| 1 | number of the view among those of the finger, 0..15 |
| 1 | impression |
| 1 | quality of the capture: 0..100, 254 not computed, 255 failed |
| 2, 2 | maker and id of the method that judged the quality |
| 2, 2 | width and height of the capture, pixels |
| 2, 2 | pixels per cm across and down |
| 1 | number of minutiae |
| 6 each | the minutiae (see `minutiae`): angles in units of 2 degrees, quality 0..100, 254, 255 |
| 2 and more | further data |

The amendment adds fingers and palms to the codes and changes no layout.
"""

from __future__ import annotations

import struct

from biometrics.finger.interchange.ansi_2004 import NO_MAKER
from biometrics.finger.interchange.formats import Format
from biometrics.finger.interchange.geometry import (
    NOT_STATED,
    OWN_PIXELS,
    PIXELS_PER_CM,
    Grid,
    to_numbers,
    to_template,
)
from biometrics.finger.interchange.minutiae import FURTHER_DATA, read_minutiae, skip_further_data, write_minutiae
from biometrics.finger.interchange.reader import Reader
from biometrics.finger.interchange.view import View, impression_of, numbered, position_of

MAGIC = b"FMR\x00030\0"
MAGIC_AMENDED = b"FMR\x00035\0"
_LENGTH = 4
_HEAD = struct.Struct(">HHBHBx")
_VIEW = struct.Struct(">BBBBHHHHHHB")
_TURN = 180
_MOST_OF_A_FINGER = 16


def read(data: bytes) -> tuple[View, ...]:
    """All views of a record. Raises InvalidTemplate: `template_malformed`, `template_out_of_range`."""
    reader = Reader(data)
    reader.take(len(MAGIC))
    reader.end_after(reader.number(_LENGTH))
    *_, count = _HEAD.unpack(reader.take(_HEAD.size))
    return tuple(_read_view(reader) for _ in range(count))


def _read_view(reader: Reader) -> View:
    finger, _, impression, quality, _, _, width, height, across, down, count = _VIEW.unpack(reader.take(_VIEW.size))
    numbers = read_minutiae(reader, count)
    skip_further_data(reader)
    grid = Grid.of_pixels(across, down, _TURN)
    template = to_template(Format.ANSI_2009.engine, numbers, grid, size=(width, height), quality=quality)
    return View(template, position_of(finger), impression_of(impression))


def write(views: tuple[View, ...]) -> bytes:
    """One record of at least one view. Raises ValueError for more than 16 views of one finger."""
    head = _HEAD.pack(NO_MAKER, 0, 0, 0, len(views))
    body = head + b"".join(_write_view(number, view) for number, view in numbered(views, _MOST_OF_A_FINGER))
    return MAGIC + (len(MAGIC) + _LENGTH + len(body)).to_bytes(_LENGTH, "big") + body


def _write_view(number: int, view: View) -> bytes:
    template = view.template
    head = _VIEW.pack(
        view.position,
        number,
        view.impression,
        template.quality or NOT_STATED,
        NO_MAKER,
        0,
        template.width,
        template.height,
        PIXELS_PER_CM,
        PIXELS_PER_CM,
        len(template),
    )
    numbers = to_numbers(
        template, Grid(OWN_PIXELS, OWN_PIXELS, _TURN), (template.width - 1, template.height - 1), not_stated=NOT_STATED
    )
    return head + write_minutiae(numbers) + bytes(FURTHER_DATA)
