"""The formats of ISO/IEC 19794-2 for comparison on a card, those of 2005, and of 2011 as far as it kept them.

A minutia in *normal* size has 5 bytes, see `minutiae`: x and y in hundredths of a millimetre, angles in 256ths of a
turn, no quality. In *compact* size it has 3:

| bytes | what |
|---|---|
| 1 | x, tenths of a millimetre |
| 1 | y |
| 1 | bits 7..6: kind as in `minutiae`; bits 5..0: angle in 64ths of a turn |

Cards get them in the data objects of ISO/IEC 7816-11 (BER: tag, length, content):

| tag | what |
|---|---|
| `7F2E` | biometric data template, with one of the next two |
| `81` | the minutiae, nothing else |
| `A1` | objects: `90` the minutiae; `91` ridge counts, `92` cores, `93` deltas and `94` quality of cells are skipped |

Neither the objects nor the minutiae tell the size: cards and those who talk to them have agreed on it. So a number of
bytes that both sizes divide is looked into: where only one reading has no reserved bit set, it is that one. A card
knows no picture and so no size of one, no quality, and one finger.
"""

from __future__ import annotations

import numpy as np

from biometrics.errors import InvalidTemplate
from biometrics.finger.interchange.formats import Format
from biometrics.finger.interchange.geometry import Grid, Numbers, to_numbers, to_template
from biometrics.finger.interchange.minutiae import read_minutiae, write_minutiae
from biometrics.finger.interchange.reader import MALFORMED, Reader
from biometrics.finger.interchange.view import View
from biometrics.finger.parameters import DPI
from biometrics.finger.template import FingerTemplate

AMBIGUOUS = "template_format_ambiguous"
MAGIC = b"\x7f\x2e"
_MINUTIAE, _OBJECTS = 0x81, 0xA1
_MINUTIAE_AMONG_OBJECTS = 0x90
_SIZES = {Format.ISO_CARD_NORMAL: 5, Format.ISO_CARD_COMPACT: 3}
_PIXEL_MM = 25.4 / DPI
_GRIDS = {
    Format.ISO_CARD_NORMAL: Grid(100 * _PIXEL_MM, 100 * _PIXEL_MM, 256),
    Format.ISO_CARD_COMPACT: Grid(10 * _PIXEL_MM, 10 * _PIXEL_MM, 64),
}
_MOST = {Format.ISO_CARD_NORMAL: 0x3FFF, Format.ISO_CARD_COMPACT: 0xFF}
_COMPACT_ANGLE, _COMPACT_KIND_SHIFT = 0x3F, 6
_RESERVED_KIND = 3
_SHORT_LENGTH = 0x80
_MOST_LENGTH_BYTES = 2


def read(data: bytes, form: Format) -> tuple[View, ...]:
    """The one view of a card's object, or of bare minutiae, in one of the two sizes.

    Raises InvalidTemplate: `template_malformed`, `template_out_of_range`.
    """
    minutiae = _content(data) if data.startswith(MAGIC) else data
    if len(minutiae) % _SIZES[form]:
        raise InvalidTemplate(MALFORMED, "no whole number of minutiae")
    return (View(to_template(form.engine, _numbers(minutiae, form), _GRIDS[form])),)


def write(views: tuple[View, ...], form: Format) -> bytes:
    """The card's object (`7F2E`, `81`) of one view, the surest minutiae first. Raises ValueError for several views.

    Compact size reaches 25.5 mm. A longer capture is moved to where its minutiae begin, and what lies beyond is lost.
    """
    if len(views) != 1:
        raise ValueError(f"{form} holds one view")
    numbers = to_numbers(_fitted(views[0].template, form), _GRIDS[form], (_MOST[form], _MOST[form]))
    minutiae = _compact(numbers) if form is Format.ISO_CARD_COMPACT else write_minutiae(numbers, with_quality=False)
    return _object(MAGIC, _object(bytes([_MINUTIAE]), minutiae))


def _fitted(template: FingerTemplate, form: Format) -> FingerTemplate:
    """The template, or what of it the form can say, moved to its corner."""
    grid, most = _GRIDS[form], _MOST[form]
    x, y = (
        place - place.min() if place.max(initial=0.0) * scale > most else place
        for place, scale in ((template.x, grid.across), (template.y, grid.down))
    )
    kept = (x * grid.across <= most) & (y * grid.down <= most)
    return FingerTemplate.of(
        template.engine,
        template.width,
        template.height,
        x=x[kept],
        y=y[kept],
        direction=template.direction[kept],
        kind=template.kind[kept],
        minutia_quality=template.minutia_quality[kept],
        quality=template.quality,
    )


def _compact(numbers: Numbers) -> bytes:
    kind_and_angle = np.asarray(numbers.kind) << _COMPACT_KIND_SHIFT | np.asarray(numbers.angle)
    return np.column_stack([np.asarray(numbers.x), np.asarray(numbers.y), kind_and_angle]).astype(np.uint8).tobytes()


def _numbers(minutiae: bytes, form: Format) -> Numbers:
    count = len(minutiae) // _SIZES[form]
    if form is Format.ISO_CARD_NORMAL:
        return read_minutiae(Reader(minutiae), count, with_quality=False)
    x, y, kind_and_angle = np.frombuffer(minutiae, np.uint8).reshape(count, _SIZES[form]).T
    none = np.zeros(count, np.uint8)
    return Numbers(x, y, kind_and_angle & _COMPACT_ANGLE, kind_and_angle >> _COMPACT_KIND_SHIFT, none)


def form_of(data: bytes) -> Format:
    """The size of the minutiae in a card's object. Raises InvalidTemplate: `template_malformed`,
    `template_format_ambiguous`."""
    minutiae = _content(data)
    forms = [form for form in _SIZES if len(minutiae) % _SIZES[form] == 0]
    if len(forms) > 1:
        forms = [form for form in forms if not _has_reserved_bits(minutiae, form)]
    if len(forms) > 1 and minutiae:
        raise InvalidTemplate(AMBIGUOUS, "normal or compact size")
    if not forms:
        raise InvalidTemplate(MALFORMED, "no whole number of minutiae")
    return forms[0]


def _has_reserved_bits(minutiae: bytes, form: Format) -> bool:
    if np.any(np.asarray(_numbers(minutiae, form).kind) == _RESERVED_KIND):
        return True
    size = _SIZES[form]
    return form is Format.ISO_CARD_NORMAL and any(byte >> _COMPACT_KIND_SHIFT for byte in minutiae[2::size])


def _content(data: bytes) -> bytes:
    """The minutiae of a card's object."""
    outer = Reader(data)
    outer.take(len(MAGIC))
    return _find(Reader(outer.take(_length(outer))))


def _find(objects: Reader) -> bytes:
    """The content of the first object that holds minutiae."""
    while objects.left:
        tag = objects.number(1)
        content = objects.take(_length(objects))
        if tag in {_MINUTIAE, _MINUTIAE_AMONG_OBJECTS}:
            return content
        if tag == _OBJECTS:
            objects = Reader(content)
    raise InvalidTemplate(MALFORMED, "no minutiae in the card's object")


def _length(reader: Reader) -> int:
    first = reader.number(1)
    if first < _SHORT_LENGTH:
        return first
    size = first - _SHORT_LENGTH
    if not 1 <= size <= _MOST_LENGTH_BYTES:
        raise InvalidTemplate(MALFORMED, "the length of a data object")
    return reader.number(size)


def _object(tag: bytes, content: bytes) -> bytes:
    length = len(content)
    if length < _SHORT_LENGTH:
        return tag + bytes([length]) + content
    size = 1 if length <= 0xFF else _MOST_LENGTH_BYTES
    return tag + bytes([_SHORT_LENGTH + size]) + length.to_bytes(size, "big") + content
