"""Made-up fingers for registers larger than any set of fingerprints: minutiae only, without a picture.

Minutiae lie at random, no two closer than a ridge, within an oval of skin, along the flow that the singular points of a
natural class make (zero-pole model, Sherlock and Monro 1993; frequencies as in `biometrics.finger.synthesis`); each
points along the flow one way or the other. Numbers and sizes are those of the public sets. No two drawn fingers have
anything in common but that; how like real strangers they are: `tests/benchmarks/test_deduplication.py`.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.finger.fill import touch
from biometrics.finger import FingerTemplate
from biometrics.finger.parameters import ENGINE, MIN_MINUTIAE
from biometrics.finger.synthesis import Quality
from biometrics.finger.synthesis.impression import draw_touch
from biometrics.finger.synthesis.parameters import CLASS_FREQUENCIES
from biometrics.kernels.compiled import kernel

WIDTH, HEIGHT = 420, 480
COUNT: Final = (37.0, 12.0, 12, 80)
"""Mean, standard deviation, least and most minutiae."""
HALF_WIDTH, HALF_HEIGHT, SIZE_SPREAD = 112.0, 158.0, 13.0
APART: Final = 13.0
NOISE: Final = math.radians(4.0)
_SHARES = np.cumsum([CLASS_FREQUENCIES[kind] for kind in ("left_loop", "right_loop", "whorl", "arch", "tented_arch")])
_LOOPS, _WHORLS, _ARCHES = float(_SHARES[1]), float(_SHARES[2]), float(_SHARES[3])


def drawn(seed: int) -> FingerTemplate:
    """The finger of a number, always the same."""
    places = np.empty((COUNT[3], 3), np.float32)
    count = _draw(seed, places)
    draw = np.random.default_rng([seed, 1])
    return FingerTemplate.of(
        ENGINE,
        WIDTH,
        HEIGHT,
        x=places[:count, 0],
        y=places[:count, 1],
        direction=places[:count, 2],
        kind=1 + (draw.random(count) < 0.34),
        minutia_quality=np.rint(100 - 50 * draw.random(count) ** 2),
        quality=90,
    )


def seen_again(finger: FingerTemplate, draw: np.random.Generator) -> FingerTemplate:
    """Another touch of a finger: what one misses, adds and shifts (`finger_fill.touch`)."""
    while True:
        found = touch(finger, draw_touch(draw, Quality()), draw)
        if len(found) >= MIN_MINUTIAE:
            return found


@kernel
def _draw(seed: int, places: NDArray[np.float32]) -> int:
    """Write x, y and direction of minutiae to `places`, returns how many."""
    np.random.seed(seed)  # noqa: NPY002 - the generator that compiled code has
    wanted = int(min(max(np.random.normal(COUNT[0], COUNT[1]), COUNT[2]), COUNT[3]))  # noqa: NPY002
    across = np.random.normal(HALF_WIDTH, SIZE_SPREAD)  # noqa: NPY002
    along = np.random.normal(HALF_HEIGHT, SIZE_SPREAD)  # noqa: NPY002
    kind = np.random.random()  # noqa: NPY002
    side = np.random.uniform(40.0, 100.0) * (-1.0 if kind < 0.5 * _LOOPS else 1.0)  # noqa: NPY002
    core_x, core_y = np.random.normal(0.0, 14.0), np.random.normal(-30.0, 18.0)  # noqa: NPY002
    below = np.random.uniform(75.0, 150.0)  # noqa: NPY002
    count, tries = 0, 0
    while count < wanted and tries < 20 * wanted:
        tries += 1
        x, y = np.random.uniform(-across, across), np.random.uniform(-along, along)  # noqa: NPY002
        if (x / across) ** 2 + (y / along) ** 2 > 1.0:
            continue
        near = False
        for other in range(count):
            dx, dy = places[other, 0] - x - WIDTH / 2, places[other, 1] - y - HEIGHT / 2
            near |= dx * dx + dy * dy < APART * APART
        if near:
            continue
        if kind < _LOOPS or kind > _ARCHES:
            flow = 0.5 * (math.atan2(y - core_y, x - core_x) - math.atan2(y - core_y - below, x - core_x - side))
        elif kind < _WHORLS:
            flow = 0.5 * math.atan2(y - core_y, x - core_x) + 0.5 * math.atan2(y - core_y - 40.0, x - core_x)
            flow -= 0.5 * math.atan2(y - core_y - below, x - core_x - abs(side))
            flow -= 0.5 * math.atan2(y - core_y - below, x - core_x + abs(side))
        else:
            flow = 0.6 * math.sin(math.pi * x / across) * math.exp(-((y / along) ** 2))
        turn = math.pi * math.floor(2.0 * np.random.random())  # noqa: NPY002
        places[count, 0], places[count, 1] = x + WIDTH / 2, y + HEIGHT / 2
        places[count, 2] = flow + turn + np.random.normal(0.0, NOISE)  # noqa: NPY002
        count += 1
    return count
