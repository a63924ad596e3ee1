"""Consolidation: several impressions of one finger become one template that knows more than each.

The best impression is the ground. The others are laid on it one after another, each time the one that matches best what
is there already: rigidly by the minutiae that were paired, then bent so that these come to lie on each other. A minutia
seen in several impressions is put where they see it on average; one that fewer show than ought to see it is dropped,
and its quality is the lower the more of them missed it. (The idea is that of X. Jiang, W. Ser, "Online fingerprint
template improvement", PAMI 24, 2002; the way is our own.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from biometrics.errors import IncompatibleTemplates
from biometrics.finger import matcher
from biometrics.finger.alignment import align
from biometrics.finger.matcher import PreparedFinger
from biometrics.finger.outline import inside, outline
from biometrics.finger.parameters import (
    BEND_REACH,
    MAX_MINUTIAE,
    MIN_CONSOLIDATION_SCORE,
    MIN_SEEN_SHARE,
    SAME_MINUTIA_ANGLE,
    SAME_MINUTIA_DISTANCE,
)
from biometrics.finger.quality import grade
from biometrics.finger.template import FingerTemplate, MinutiaKind

Floats = NDArray[np.float64]


class Consolidation(NamedTuple):
    """The `template` made of the impressions `used`, indices in the order they were laid down."""

    template: FingerTemplate
    used: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class _Layer:
    """One impression as it lies on the ground: arrays (n,), `x`, `y` pixels, and `same`: which minutia each is."""

    x: Floats
    y: Floats
    direction: Floats
    bifurcation: NDArray[np.bool_]
    quality: Floats
    same: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class _Merged:
    """The minutiae of all layers, arrays (n,): means of the sightings, `seen` how many, `quality` their sum, 0..1 each.

    `bifurcation` is the share of the sightings, weighted by quality, that say so.
    """

    x: Floats
    y: Floats
    direction: Floats
    bifurcation: Floats
    quality: Floats
    seen: Floats


def consolidate(templates: Sequence[FingerTemplate]) -> Consolidation:
    """One template of several impressions of a finger.

    An impression that does not match what is there already (another finger, or skin that no other impression shows) is
    left out. Raises ValueError for no impression at all, IncompatibleTemplates when they are of several engines.
    """
    if not templates:
        raise ValueError("no impression")
    if len({one.engine for one in templates}) > 1:
        raise IncompatibleTemplates("impressions of several engines")
    prepared = [PreparedFinger.of(one) for one in templates]
    ground = int(np.argmax([one.minutia_quality.sum() for one in templates]))
    used, layers = [ground], [_as_it_lies(templates[ground])]
    left = [number for number in range(len(templates)) if number != ground]
    while left:
        merged = _merge(layers)
        shown = np.argsort(-merged.quality, kind="stable")[:MAX_MINUTIAE]
        so_far = PreparedFinger.of(_template(templates[ground].engine, merged, shown, merged.quality / merged.seen))
        compared = [matcher.compare(prepared[number], so_far) for number in left]
        best = int(np.argmax([one.score for one in compared]))
        if compared[best].score < MIN_CONSOLIDATION_SCORE:
            break
        order = shown[np.argsort(-np.rint(100.0 * (merged.quality / merged.seen)[shown]), kind="stable")]
        tree = compared[best].tree
        pairs = np.column_stack([tree[:, 0], order[tree[:, 1]]])
        number = left.pop(best)
        layers.append(_lay(templates[number], pairs, merged))
        used.append(number)
    if len(used) == 1:
        return Consolidation(templates[ground], (ground,))
    return Consolidation(_judge(templates[ground].engine, layers), tuple(used))


def _as_it_lies(template: FingerTemplate) -> _Layer:
    x, y, direction = (np.asarray(one, np.float64) for one in (template.x, template.y, template.direction))
    bifurcation = template.kind == MinutiaKind.BIFURCATION
    return _Layer(x, y, direction, bifurcation, template.minutia_quality / 100.0, np.arange(len(template)))


def _merge(layers: Sequence[_Layer]) -> _Merged:
    same = np.concatenate([layer.same for layer in layers])
    quality = np.concatenate([layer.quality for layer in layers])
    direction = np.concatenate([layer.direction for layer in layers])
    seen = np.bincount(same).astype(np.float64)
    weight = np.maximum(quality, 1e-3)
    total = np.bincount(same, weight)

    def mean(values: Floats) -> Floats:
        return np.asarray(np.bincount(same, weight * values) / total, np.float64)

    return _Merged(
        mean(np.concatenate([layer.x for layer in layers])),
        mean(np.concatenate([layer.y for layer in layers])),
        np.arctan2(mean(np.sin(direction)), mean(np.cos(direction))),
        mean(np.concatenate([layer.bifurcation for layer in layers]).astype(np.float64)),
        np.bincount(same, quality).astype(np.float64),
        seen,
    )


def _lay(template: FingerTemplate, pairs: NDArray[np.int64], merged: _Merged) -> _Layer:
    """An impression laid on what is there by its `pairs` (p, 2) of minutiae with those of `merged`."""
    own, theirs = pairs[:, 0], pairs[:, 1]
    here = _as_it_lies(template)
    rows = np.column_stack([own, theirs, own, theirs]).astype(np.int32)
    to_x, to_y = merged.x.astype(np.float32), merged.y.astype(np.float32)
    by = align(template.x, template.y, to_x, to_y, rows)
    dx, dy = here.x - by.from_x, here.y - by.from_y
    x, y = by.to_x + by.cosine * dx - by.sine * dy, by.to_y + by.sine * dx + by.cosine * dy
    distance = np.hypot(x[:, None] - x[own], y[:, None] - y[own])
    pull = np.exp(-0.5 * (distance / BEND_REACH) ** 2) + 1e-9
    pull /= pull.sum(axis=1, keepdims=True)
    x, y = x + pull @ (merged.x[theirs] - x[own]), y + pull @ (merged.y[theirs] - y[own])
    direction = here.direction + by.angle
    same = np.full(len(template), -1, np.int64)
    same[own] = theirs
    _join_nearby(x, y, direction, merged, same)
    new = same < 0
    same[new] = len(merged.x) + np.arange(np.count_nonzero(new))
    return _Layer(x, y, direction, here.bifurcation, here.quality, same)


def _join_nearby(x: Floats, y: Floats, direction: Floats, merged: _Merged, same: NDArray[np.int64]) -> None:
    """Write to `same` which of the merged minutiae those that were not paired are: the nearest free one, if near."""
    distance = np.hypot(x[:, None] - merged.x, y[:, None] - merged.y)
    turned = np.abs(np.mod(direction[:, None] - merged.direction + math.pi, 2 * math.pi) - math.pi)
    distance[turned > SAME_MINUTIA_ANGLE] = np.inf
    distance[same >= 0] = np.inf
    distance[:, same[same >= 0]] = np.inf
    while distance.size:
        own, theirs = np.unravel_index(int(np.argmin(distance)), distance.shape)
        if distance[own, theirs] > SAME_MINUTIA_DISTANCE:
            break
        same[own] = theirs
        distance[own], distance[:, theirs] = np.inf, np.inf


def _judge(engine: str, layers: Sequence[_Layer]) -> FingerTemplate:
    """The template of the minutiae that enough of the layers show, of those in whose outline they lie."""
    merged = _merge(layers)
    looked = np.zeros(len(merged.x))
    for layer in layers:
        corners = outline(layer.x.astype(np.float32), layer.y.astype(np.float32))
        within = [inside(corners, x, y) for x, y in zip(merged.x.tolist(), merged.y.tolist(), strict=True)]
        shows = np.isin(np.arange(len(looked)), layer.same)
        looked += np.array(within) | shows
    kept = np.flatnonzero(merged.seen / looked >= MIN_SEEN_SHARE)
    return _template(engine, merged, kept, merged.quality / looked)


def _template(engine: str, merged: _Merged, kept: NDArray[np.int64], quality: Floats) -> FingerTemplate:
    """A template of some of the minutiae, in a frame of their own."""
    x, y = merged.x[kept] - merged.x[kept].min(), merged.y[kept] - merged.y[kept].min()
    return FingerTemplate.of(
        engine,
        math.ceil(x.max()) + 1,
        math.ceil(y.max()) + 1,
        x=x,
        y=y,
        direction=merged.direction[kept],
        kind=np.where(merged.bifurcation[kept] > 0.5, MinutiaKind.BIFURCATION, MinutiaKind.ENDING),
        minutia_quality=np.rint(100.0 * quality[kept]),
        quality=grade(quality[kept].astype(np.float32)),
    )
