"""Templates of SourceAFIS 3 (Java and .NET): one CBOR map (RFC 8949), read only.

| key | value |
|---|---|
| `version` | text: the version of SourceAFIS that wrote it and its platform, such as `3.18.1-java` |
| `width`, `height` | of the capture, pixels at 500 dpi |
| `positionsX`, `positionsY` | pixels from the upper left corner, whole numbers |
| `directions` | radians, 0 to 2 pi, from the x axis downwards, as ours |
| `types` | text, `E` or `B` for each minutia |

It is read with `cbor2`, which is told to expect nothing but that: no nesting beyond it, no tags (which stand for dates,
fractions, expressions and the like), no key twice.
"""

from __future__ import annotations

import math
from typing import Any, NoReturn

import cbor2
import numpy as np

from biometrics.errors import InvalidTemplate
from biometrics.finger.interchange.formats import Format
from biometrics.finger.interchange.geometry import OUT_OF_RANGE
from biometrics.finger.interchange.reader import MALFORMED
from biometrics.finger.interchange.view import View
from biometrics.finger.parameters import MAX_SIDE
from biometrics.finger.template import FingerTemplate, MinutiaKind

MAP_TYPES = range(0xA0, 0xC0)
"""The first byte of a CBOR map."""
_GENERATION = "3."
_KINDS = {"E": MinutiaKind.ENDING, "B": MinutiaKind.BIFURCATION}
_DEPTH = 2
_TAGS_WITH_A_MEANING = (*range(1_100), 43_000, 55_799)
"""Those that cbor2 would make dates, numbers, expressions or networks of lie among them; others stay tags."""


def read(data: bytes) -> tuple[View, ...]:
    """The one view of a template. Raises InvalidTemplate: `template_malformed`, `template_version_unsupported`,
    `template_out_of_range`."""
    fields = _decode(data)
    version = fields.get("version")
    if not isinstance(version, str):
        raise InvalidTemplate(MALFORMED, "no template of SourceAFIS")
    if not version.startswith(_GENERATION):
        raise InvalidTemplate("template_version_unsupported", "not SourceAFIS 3")
    width, height = (_whole(fields.get(name), 1, MAX_SIDE) for name in ("width", "height"))
    x, y = (_places(fields.get(name), side) for name, side in (("positionsX", width), ("positionsY", height)))
    directions, kinds = _directions(fields.get("directions")), _kinds(fields.get("types"))
    if not len(x) == len(y) == len(directions) == len(kinds):
        raise InvalidTemplate(MALFORMED, "its lists differ in length")
    template = FingerTemplate.of(
        Format.SOURCEAFIS.engine,
        width,
        height,
        x=np.array(x, np.float64),
        y=np.array(y, np.float64),
        direction=np.array(directions, np.float64),
        kind=np.array(kinds, np.int64),
        minutia_quality=np.zeros(len(x)),
        quality=0,
    )
    return (View(template),)


def _decode(data: bytes) -> dict[str, Any]:
    try:
        found = cbor2.loads(
            data,
            max_depth=_DEPTH,
            allow_duplicate_keys=False,
            strict_hashable_types=True,
            semantic_decoders=dict.fromkeys(_TAGS_WITH_A_MEANING, _refuse),
        )
    except cbor2.CBORError as error:
        raise InvalidTemplate(MALFORMED, "no CBOR that a template could be") from error
    if not isinstance(found, dict):
        raise InvalidTemplate(MALFORMED, "no template of SourceAFIS")
    return found


def _refuse(_: object, __: bool) -> NoReturn:
    raise ValueError("a tag")


def _whole(value: object, least: int, most: int) -> int:
    if type(value) is not int or value < least:
        raise InvalidTemplate(MALFORMED, "no whole number")
    if value > most:
        raise InvalidTemplate(OUT_OF_RANGE, "beyond any finger")
    return value


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidTemplate(MALFORMED, "no list")
    return value


def _places(value: object, side: int) -> list[int]:
    return [_whole(place, 0, side) for place in _list(value)]


def _directions(value: object) -> list[float]:
    found = _list(value)
    if not all(isinstance(one, float) and math.isfinite(one) for one in found):
        raise InvalidTemplate(MALFORMED, "no direction")
    return found


def _kinds(value: object) -> list[MinutiaKind]:
    if not isinstance(value, str) or not set(value) <= _KINDS.keys():
        raise InvalidTemplate(MALFORMED, "no kinds")
    return [_KINDS[letter] for letter in value]
