"""Between the minutiae of records and ours: resolutions, angles, and what to make of values that are out of bounds.

All records state y downwards from the upper left corner, as templates do, and angles *counter-clockwise* from the
right, as seen on the screen, where templates count clockwise. Both mean the same direction of an ending and of a
bifurcation (see `biometrics.finger.template`). As to the place, the older records put an ending where the valley before
it forks, half a ridge from the ridge's end, the newer ones let the writer choose. In practice it is a pixel or two:
`benchmarks/RESULTS.md` has how far the minutiae of SourceAFIS and FingerJetFX lie from ours (`ahead_px`). That is less
than the matcher tolerates, so places are taken as they stand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biometrics.errors import InvalidTemplate
from biometrics.finger.parameters import DPI, DPI_SLACK, MAX_SIDE, STATED_DPI_RANGE
from biometrics.finger.template import FingerTemplate, MinutiaKind

PIXELS_PER_CM = 197
"""What everybody writes for 500 dpi, which are 196.85."""
OWN_PIXELS = 1.0
OUT_OF_RANGE = "template_out_of_range"
_CM = 2.54
_OTHER_KIND, _RESERVED_KIND = 0, 3
NOT_STATED_BEFORE_2009, NOT_STATED = 0, 254
_QUALITIES_NOT_STATED = (NOT_STATED, 255)


@dataclass(frozen=True)
class Grid:
    """What the numbers of a record mean: units of length across and down for a pixel at 500 dpi, and of a full turn."""

    across: float
    down: float
    turn: int

    @classmethod
    def of_pixels(cls, across: int, down: int, turn: int) -> Grid:
        """Of a picture with so many pixels per cm. Raises InvalidTemplate (`template_out_of_range`).

        Within 2 % of 500 dpi a pixel is a pixel, as in pictures: 197 per cm are meant to be 500 dpi.
        """
        return cls(_scale(across), _scale(down), turn)


def _scale(per_cm: int) -> float:
    dpi = per_cm * _CM
    if not STATED_DPI_RANGE[0] <= dpi <= STATED_DPI_RANGE[1]:
        raise InvalidTemplate(OUT_OF_RANGE, f"{per_cm} pixels per cm")
    return dpi / DPI if abs(dpi / DPI - 1.0) > DPI_SLACK else OWN_PIXELS


@dataclass(frozen=True)
class Numbers:
    """Minutiae as the numbers of a record, arrays of one length: units of its grid, its kinds and qualities."""

    x: ArrayLike
    y: ArrayLike
    angle: ArrayLike
    kind: ArrayLike
    quality: ArrayLike


def to_template(
    engine: str, numbers: Numbers, grid: Grid, *, size: tuple[float, float] = (0.0, 0.0), quality: int = 0
) -> FingerTemplate:
    """A template of what a record says. Raises InvalidTemplate: `template_malformed`, `template_out_of_range`.

    `size` is the capture's width and height in units of the grid. Records are found that state none, or one that their
    minutiae exceed: it grows to hold them. Minutiae of neither kind (0 in all records) become endings, as most are. A
    quality that is not stated is 0, whether the record says so with 0, 254 or 255; other numbers above 100 are none.
    """
    kind = np.asarray(numbers.kind, np.int64)
    grades = np.asarray(numbers.quality, np.int64)
    grades = np.where(np.isin(grades, _QUALITIES_NOT_STATED), 0, grades)
    if np.any(kind == _RESERVED_KIND) or np.any(grades > 100):
        raise InvalidTemplate("template_malformed", "a minutia of no known kind or quality")
    x, y = np.asarray(numbers.x, np.float64) / grid.across, np.asarray(numbers.y, np.float64) / grid.down
    width, height = _side(size[0] / grid.across, x), _side(size[1] / grid.down, y)
    quality = 0 if quality in _QUALITIES_NOT_STATED else quality
    if quality > 100:
        raise InvalidTemplate("template_malformed", "the capture's quality")
    return FingerTemplate.of(
        engine,
        width,
        height,
        x=x,
        y=y,
        direction=np.asarray(numbers.angle, np.float64) * (-2 * math.pi / grid.turn),
        kind=np.where(kind == _OTHER_KIND, MinutiaKind.ENDING, kind),
        minutia_quality=grades,
        quality=quality,
    )


def _side(stated: float, places: NDArray[np.float64]) -> int:
    side = max(1, math.ceil(stated), math.floor(float(places.max(initial=0.0))) + 1)
    if side > MAX_SIDE:
        raise InvalidTemplate(OUT_OF_RANGE, f"{side} pixels at 500 dpi")
    return side


def to_numbers(
    template: FingerTemplate, grid: Grid, most: tuple[int, int], *, not_stated: int = NOT_STATED_BEFORE_2009
) -> Numbers:
    """The minutiae of a template as whole numbers of a record, x and y no more than `most`.

    `not_stated` is what the record says for a quality that is not known, 0 with us.
    """
    turns = np.rint(template.direction.astype(np.float64) * (-grid.turn / (2 * math.pi)))
    return Numbers(
        np.clip(np.rint(template.x * grid.across), 0, most[0]).astype(np.int64),
        np.clip(np.rint(template.y * grid.down), 0, most[1]).astype(np.int64),
        np.mod(turns.astype(np.int64), grid.turn),
        template.kind.astype(np.int64),
        np.where(template.minutia_quality == 0, not_stated, template.minutia_quality),
    )
