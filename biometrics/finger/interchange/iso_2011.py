"""ISO/IEC 19794-2:2011, the record format (with Cor. 1:2012). Numbers have the most significant byte first.

| bytes | what |
|---|---|
| 4 | `FMR`, 0 |
| 4 | `030`, 0 |
| 4 | length of the whole record |
| 2 | number of representations (views) |
| 1 | 1 where the representations tell the certificates of their scanners |

and each representation:

| bytes | what |
|---|---|
| 4 | its length, with these four |
| 9 | when it was captured; all bits set for not stated |
| 1, 2, 2 | scanner: technology, maker, id |
| 1 | number of judgements of the quality |
| 5 each | quality 0..100, 255 failed; maker and id of the method, 2 each |
| 1 | number of certificates; with the next row only where the head says so |
| 3 each | authority and scheme |
| 1 | finger |
| 1 | number of the view among those of the finger, 0..15 |
| 2, 2 | pixels per cm across and down |
| 1 | impression |
| 2, 2 | width and height of the capture, pixels |
| 1 | bits 7..4: bytes of a minutia, 5 or 6; bits 3..0: endings lie where the valley forks (0) or the ridge ends (1) |
| 1 | number of minutiae |
| 5 or 6 each | the minutiae (see `minutiae`): angles in 256ths of a turn; in the sixth byte quality 0..100, 254, 255 |
| 2 and more | further data |

What is written says 1 of the endings: that is where LEADER finds them (see `geometry`).
"""

from __future__ import annotations

import struct

from biometrics.errors import InvalidTemplate
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
from biometrics.finger.interchange.reader import MALFORMED, Reader
from biometrics.finger.interchange.view import View, impression_of, numbered, position_of

MAGIC = b"FMR\x00030\0"
HEAD_SIZE = 15
LEAST_VIEW = 34
"""Bytes of a representation with no judgement, no certificate and no minutia."""
MOST_VIEWS = 256
"""More than 16 of each of ten fingers and unknown ones: no record of a person has them."""
_LENGTH = 4
_HEAD = struct.Struct(">HB")
_CAPTURED = struct.Struct(">9sBHH")
_JUDGEMENT = struct.Struct(">BHH")
_CERTIFICATE_SIZE = 3
_FINGER = struct.Struct(">BBHHBHHBB")
_TURN = 256
_MOST_OF_A_FINGER = 16
_WITH_QUALITY, _WITHOUT_QUALITY = 6, 5
_RIDGE_END = 1
_NO_TIME = b"\xff" * 9


def read(data: bytes) -> tuple[View, ...]:
    """All views of a record. Raises InvalidTemplate: `template_malformed`, `template_out_of_range`."""
    reader = Reader(data)
    reader.take(len(MAGIC))
    reader.end_after(reader.number(_LENGTH))
    count, certified = _HEAD.unpack(reader.take(_HEAD.size))
    if count > MOST_VIEWS:
        raise InvalidTemplate(MALFORMED, f"{count} views")
    return tuple(
        _read_view(Reader(reader.take(reader.number(_LENGTH) - _LENGTH)), bool(certified)) for _ in range(count)
    )


def _read_view(reader: Reader, certified: bool) -> View:
    reader.take(_CAPTURED.size)
    qualities = [_JUDGEMENT.unpack(reader.take(_JUDGEMENT.size))[0] for _ in range(reader.number(1))]
    if certified:
        reader.take(_CERTIFICATE_SIZE * reader.number(1))
    finger, _, across, down, impression, width, height, form, count = _FINGER.unpack(reader.take(_FINGER.size))
    if form >> 4 not in {_WITH_QUALITY, _WITHOUT_QUALITY}:
        raise InvalidTemplate(MALFORMED, "a minutia has neither 5 nor 6 bytes")
    numbers = read_minutiae(reader, count, with_quality=form >> 4 == _WITH_QUALITY)
    skip_further_data(reader)
    grid = Grid.of_pixels(across, down, _TURN)
    quality = next((one for one in qualities if one <= 100), 0)
    template = to_template(Format.ISO_2011.engine, numbers, grid, size=(width, height), quality=quality)
    return View(template, position_of(finger), impression_of(impression))


def write(views: tuple[View, ...]) -> bytes:
    """One record of at least one view. Raises ValueError for more than 16 views of one finger."""
    written = [_write_view(number, view) for number, view in numbered(views, _MOST_OF_A_FINGER)]
    body = b"".join((_LENGTH + len(one)).to_bytes(_LENGTH, "big") + one for one in written)
    return MAGIC + (HEAD_SIZE + len(body)).to_bytes(_LENGTH, "big") + _HEAD.pack(len(written), 0) + body


def _write_view(number: int, view: View) -> bytes:
    template = view.template
    judged = bytes([1]) + _JUDGEMENT.pack(template.quality, 0, 0) if template.quality else bytes([0])
    with_quality = bool(template.minutia_quality.any())
    finger = _FINGER.pack(
        view.position,
        number,
        PIXELS_PER_CM,
        PIXELS_PER_CM,
        view.impression,
        template.width,
        template.height,
        (_WITH_QUALITY if with_quality else _WITHOUT_QUALITY) << 4 | _RIDGE_END,
        len(template),
    )
    numbers = to_numbers(
        template, Grid(OWN_PIXELS, OWN_PIXELS, _TURN), (template.width - 1, template.height - 1), not_stated=NOT_STATED
    )
    minutiae = write_minutiae(numbers, with_quality=with_quality)
    return _CAPTURED.pack(_NO_TIME, 0, 0, 0) + judged + finger + minutiae + bytes(FURTHER_DATA)
