"""Drawing: two fingers side by side, with their minutiae, the pairs found, and the parts of the score.

The reference is turned and moved to lie as the probe does, so that paired minutiae stand at the same place of both
panels. Texts are English: the only font that is always there, Pillow's own, has no Chinese.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from biometrics.finger.alignment import Movement, moved_back
from biometrics.finger.explanation import CHANCE, Explanation, Part
from biometrics.finger.template import FingerTemplate, MinutiaKind

WORDS: Final = {
    "pairs": "minutiae paired",
    "share": "share of all minutiae that are paired",
    "edges": "lines between pairs that agree",
    "supported": "pairs joined to others by lines that agree",
    "kinds": "pairs of one kind",
    "length_accuracy": "agreement of distances, 0 to 1",
    "angle_accuracy": "agreement of angles, 0 to 1",
    "overlap_share": "share paired within the shared area",
    "overlap_pairs": "pairs x share in the shared area",
    "displacement": "pixels apart after the movement, mean",
    "turning": "radians apart after the movement, mean",
    "spread": "spread of the pairs, pixels",
    "likeness": "likeness of the surroundings, 0 to 1",
    CHANCE: "what chance reaches, captures of this size",
}
CONFIRMED, WEAK, MISSING, OUTSIDE = "#007a33", "#c25e00", "#c4003b", "#6b7280"
_INK, _FAINT, _PAPER, _RULE = "#111827", "#6b7280", "#ffffff", "#d1d5db"
_TREE = "#0b63c4"
_PANEL, _MOST_SCALE = 860, 3.0
_MARGIN = 40.0
_PAD = 28
_FADED = 0.45
_RADIUS, _TAIL = 7, 20
_FINE = 2
"""Panels are drawn so much larger, and then made smaller, for smooth lines."""
_ROW = 27


@dataclass(frozen=True, eq=False)
class Side:
    """One finger as it is drawn: its template, and its picture at 500 dpi, uint8 (H, W), where there is one."""

    title: str
    template: FingerTemplate
    picture: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class _Frame:
    """The part of the probe's plane that both panels show: its corner and size in pixels at 500 dpi, and the scale."""

    x: float
    y: float
    width: float
    height: float
    scale: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        return (x - self.x) * self.scale, (y - self.y) * self.scale

    @property
    def size(self) -> tuple[int, int]:
        return round(self.width * self.scale), round(self.height * self.scale)


def draw(probe: Side, reference: Side, explanation: Explanation) -> Image.Image:
    """The picture, RGB."""
    movement = explanation.movement or Movement(0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    own = _Placed(probe, Movement(0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0), explanation.probe_shared, 0)
    other = _Placed(reference, movement, explanation.reference_shared, 1)
    frame = _frame([*own.points, *other.points])
    width = 2 * _PANEL + 3 * _PAD
    top, panel_height = 122, frame.size[1]
    table = max(len(explanation.parts), 9) * _ROW + 96
    sheet = Image.new("RGB", (width, top + panel_height + _PAD + table), _PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((_PAD, 22), f"Score {explanation.comparison.score:.1f}", _INK, _font(34))
    pen.text((_PAD + 260, 20), _summary(explanation), _INK, _font(19))
    pen.text((_PAD + 260, 46), SCALE, _FAINT, _font(16))
    for number, placed in enumerate((own, other)):
        left = _PAD + number * (_PANEL + _PAD)
        panel = _panel(placed, frame, explanation)
        sheet.paste(panel, (left + (_PANEL - panel.width) // 2, top))
        pen.rectangle((left, top, left + _PANEL, top + panel_height), outline=_RULE)
        pen.text((left, top - 28), _caption(placed, movement if number else None), _INK, _font(18))
    _legend(pen, (_PAD, top + panel_height + _PAD))
    _table(pen, (_PAD + 520, top + panel_height + _PAD), explanation.parts, explanation.comparison.score)
    return sheet


SCALE: Final = (
    "20 is reached by one comparison of different fingers in a hundred, 30 by one in a thousand, and so on, by"
    " the data that the weights were fitted to."
)


class _Placed:
    """A side whose minutiae lie in the probe's plane."""

    def __init__(self, side: Side, movement: Movement, shared: NDArray[np.bool_], column: int) -> None:
        self.side = side
        self.movement = movement
        self.shared = shared
        self.column = column
        template = side.template
        self.points = [moved_back(movement, x, y) for x, y in zip(template.x, template.y, strict=True)]
        self.directions = template.direction - movement.angle


def _frame(points: list[tuple[float, float]]) -> _Frame:
    places = np.array(points or [(0.0, 0.0), (300.0, 300.0)])
    low, high = places.min(axis=0) - _MARGIN, places.max(axis=0) + _MARGIN
    width, height = high - low
    return _Frame(low[0], low[1], width, height, min(_MOST_SCALE, _PANEL / width, 1.15 * _PANEL / height))


def _summary(explanation: Explanation) -> str:
    count = len(explanation.comparison.tree)
    confirmed = int(np.count_nonzero(explanation.support))
    shared = int(explanation.probe_shared.sum()), int(explanation.reference_shared.sum())
    if count == 0:
        return "No pairs of minutiae were found."
    return (
        f"{count} pairs, {confirmed} of them confirmed; "
        f"{shared[0]} minutiae of A and {shared[1]} of B lie in the area that both show"
    )


def _caption(placed: _Placed, movement: Movement | None) -> str:
    text = f"{'B' if placed.column else 'A'}  {placed.side.title}: {len(placed.side.template)} minutiae"
    if movement is not None and movement.angle:
        way = "anticlockwise" if movement.angle > 0 else "clockwise"
        text += f", turned {way} by {math.degrees(abs(movement.angle)):.1f}° to lie as A"
    return text


def _panel(placed: _Placed, frame: _Frame, explanation: Explanation) -> Image.Image:
    fine = replace(frame, scale=_FINE * frame.scale)
    panel = _print(placed, fine)
    pen = ImageDraw.Draw(panel)
    tree = explanation.comparison.tree
    for row in tree[1:]:
        here, there = (fine.at(*placed.points[row[column]]) for column in (placed.column, placed.column + 2))
        pen.line((*here, *there), _TREE, 2 * _FINE)
    paired = {int(row[placed.column]): number for number, row in enumerate(tree)}
    for index in range(len(placed.points)):
        if index not in paired:
            _minutia(pen, placed, fine, index, MISSING if placed.shared[index] else OUTSIDE)
    for index, number in paired.items():
        _minutia(pen, placed, fine, index, CONFIRMED if explanation.support[number] else WEAK)
    for index, number in paired.items():
        _number(pen, placed, fine, index, number + 1)
    return panel.resize(frame.size, Image.Resampling.LANCZOS)


def _print(placed: _Placed, frame: _Frame) -> Image.Image:
    """The faded picture in the probe's plane, or bare paper."""
    picture = placed.side.picture
    if picture is None:
        return Image.new("RGB", frame.size, _PAPER)
    faded = (255 - (255 - picture.astype(np.float32)) * _FADED).astype(np.uint8)
    motion, step = placed.movement, 1.0 / frame.scale
    right, down = frame.x - motion.from_x, frame.y - motion.from_y
    onto = (
        motion.cosine * step,
        -motion.sine * step,
        motion.to_x + motion.cosine * right - motion.sine * down,
        motion.sine * step,
        motion.cosine * step,
        motion.to_y + motion.sine * right + motion.cosine * down,
    )
    shown = Image.fromarray(faded).transform(
        frame.size, Image.Transform.AFFINE, onto, Image.Resampling.BICUBIC, fillcolor=255
    )
    return shown.convert("RGB")


def _minutia(pen: ImageDraw.ImageDraw, placed: _Placed, frame: _Frame, index: int, colour: str) -> None:
    """A circle at an ending, a square at a bifurcation, with a tail in its direction."""
    x, y = frame.at(*placed.points[index])
    angle, radius, tail = placed.directions[index], _RADIUS * _FINE, _TAIL * _FINE
    across, down = math.cos(angle), math.sin(angle)
    pen.line((x + radius * across, y + radius * down, x + tail * across, y + tail * down), colour, 3 * _FINE)
    box = (x - radius, y - radius, x + radius, y + radius)
    if placed.side.template.kind[index] == MinutiaKind.BIFURCATION:
        pen.rectangle(box, outline=colour, width=3 * _FINE)
    else:
        pen.ellipse(box, outline=colour, width=3 * _FINE)


def _number(pen: ImageDraw.ImageDraw, placed: _Placed, frame: _Frame, index: int, number: int) -> None:
    """The pair's number beside the minutia, on the side where it covers no other one and no tail."""
    places = np.array([frame.at(*point) for point in placed.points])
    ahead = np.column_stack([np.cos(placed.directions), np.sin(placed.directions)])
    taken = np.concatenate([np.delete(places, index, axis=0), places + _TAIL * _FINE * ahead])
    around = np.radians(np.arange(0, 360, 30))
    free = places[index] + _TAIL * _FINE * np.column_stack([np.cos(around), np.sin(around)])
    room = np.hypot(*(free[:, None] - taken[None]).transpose(2, 0, 1)).min(axis=1)
    x, y = (float(axis) for axis in free[room.argmax()])
    pen.text((x, y), str(number), _INK, _font(17 * _FINE), anchor="mm", stroke_width=3 * _FINE, stroke_fill=_PAPER)


def _legend(pen: ImageDraw.ImageDraw, place: tuple[int, int]) -> None:
    x, y = place
    rows = (
        (CONFIRMED, "paired, and joined to others by lines that agree"),
        (WEAK, "paired by one line only"),
        (MISSING, "not paired, though both captures show its place"),
        (OUTSIDE, "not paired, outside the shared area"),
    )
    pen.text((x, y), "Minutiae", _INK, _font(20))
    for number, (colour, words) in enumerate(rows, 1):
        middle = y + number * _ROW + 12
        pen.ellipse((x, middle - _RADIUS, x + 2 * _RADIUS, middle + _RADIUS), outline=colour, width=3)
        pen.text((x + 30, middle), words, _INK, _font(17), anchor="lm")
    notes = (
        "circle: ending; square: bifurcation; the tail shows its direction",
        "one number: one pair, in the order found, 1 the root",
        "blue line: how a pair was reached from another",
    )
    for number, words in enumerate(notes, len(rows) + 1):
        pen.text((x, y + number * _ROW + 12), words, _FAINT, _font(17), anchor="lm")


def _table(pen: ImageDraw.ImageDraw, place: tuple[int, int], parts: tuple[Part, ...], score: float) -> None:
    x, y = place
    value, points, bar = x + 470, x + 570, x + 860
    pen.text((x, y), "Parts of the score", _INK, _font(20))
    pen.text((value, y + 12), "value", _FAINT, _font(17), anchor="rm")
    pen.text((points, y + 12), "points", _FAINT, _font(17), anchor="rm")
    longest = max((abs(part.points) for part in parts), default=1.0) or 1.0
    for number, part in enumerate(parts, 1):
        middle = y + number * _ROW + 12
        pen.text((x, middle), WORDS[part.name], _INK, _font(17), anchor="lm")
        if part.name != CHANCE:
            pen.text((value, middle), f"{part.value:,.2f}".rstrip("0").rstrip("."), _INK, _font(17), anchor="rm")
        pen.text((points, middle), f"{part.points:+.1f}", _INK, _font(17), anchor="rm")
        low, high = sorted((bar, bar + 240 * part.points / longest))
        pen.rectangle((low, middle - 8, high, middle + 8), fill=CONFIRMED if part.points > 0 else MISSING)
    foot = y + (len(parts) + 1) * _ROW + 12
    pen.line((x, foot - 14, points, foot - 14), _RULE, 2)
    pen.line((bar, y + _ROW, bar, foot - 14), _FAINT, 1)
    pen.text((x, foot + 4), "score, no less than 0", _INK, _font(18), anchor="lm")
    pen.text((points, foot + 4), f"{score:.1f}", _INK, _font(18), anchor="rm")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
