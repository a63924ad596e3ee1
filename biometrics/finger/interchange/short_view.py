"""The view as the records of 2004 (ANSI) and 2005 (ISO) have it; they differ only in the unit of angles.

| bytes | what |
|---|---|
| 1 | finger |
| 1 | bits 7..4: number of the view among those of the finger; bits 3..0: impression |
| 1 | quality of the capture, 0..100 |
| 1 | number of minutiae |
| 6 each | the minutiae (see `minutiae`): quality 1..100, 0 for not stated |
| 2 and more | further data |
"""

from __future__ import annotations

import struct

from biometrics.finger.interchange.geometry import Grid, to_numbers, to_template
from biometrics.finger.interchange.minutiae import FURTHER_DATA, read_minutiae, skip_further_data, write_minutiae
from biometrics.finger.interchange.reader import Reader
from biometrics.finger.interchange.view import View, numbered, old_impression_code, old_impression_of, position_of

_HEAD = struct.Struct(">BBBB")
_MOST_OF_A_FINGER = 16


def read_views(reader: Reader, count: int, grid: Grid, size: tuple[int, int], engine: str) -> tuple[View, ...]:
    """The next `count` views. Raises InvalidTemplate: `template_malformed`, `template_out_of_range`."""
    return tuple(_read(reader, grid, size, engine) for _ in range(count))


def _read(reader: Reader, grid: Grid, size: tuple[int, int], engine: str) -> View:
    finger, number_and_impression, quality, count = _HEAD.unpack(reader.take(_HEAD.size))
    numbers = read_minutiae(reader, count)
    skip_further_data(reader)
    template = to_template(engine, numbers, grid, size=size, quality=quality)
    return View(template, position_of(finger), old_impression_of(number_and_impression & 0xF))


def write_views(views: tuple[View, ...], grid: Grid, size: tuple[int, int]) -> bytes:
    """The bytes of `read_views`. Raises ValueError for more than 16 views of one finger."""
    return b"".join(_write(number, view, grid, size) for number, view in numbered(views, _MOST_OF_A_FINGER))


def _write(number: int, view: View, grid: Grid, size: tuple[int, int]) -> bytes:
    template = view.template
    numbers = to_numbers(template, grid, (size[0] - 1, size[1] - 1))
    byte = number << 4 | old_impression_code(view.impression)
    head = _HEAD.pack(view.position, byte, template.quality, len(template))
    return head + write_minutiae(numbers) + bytes(FURTHER_DATA)


def size_of_all(views: tuple[View, ...]) -> tuple[int, int]:
    """The largest width and height among the captures, which the record states for all, pixels."""
    return max(view.template.width for view in views), max(view.template.height for view in views)
