"""The generator in order: pattern, flow, ridges, skin; then touch, contact, ink, picture."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from biometrics.finger.synthesis import parameters as p
from biometrics.finger.synthesis.fields import Field, generator, sample, smooth_field
from biometrics.finger.synthesis.impression import draw_touch, pressure, skin_coordinates
from biometrics.finger.synthesis.orientation import draw_pattern, orientation_field
from biometrics.finger.synthesis.period import period_map
from biometrics.finger.synthesis.ridges import grow
from biometrics.finger.synthesis.sensor import ink, photograph
from biometrics.finger.synthesis.skin import draw_pores, draw_strokes

_MASTER, _IMPRESSION = 0, 1
SMALLEST_SIDE = 32


@dataclass(frozen=True)
class Master:
    """A fingertip as read-only maps of (544, 400).

    `kind` is the class, `orientation` in radians modulo pi (counter-clockwise from the x axis as seen), `period` in
    pixels, `ridges` -1 (valley) .. 1 (crest), `relief` the ridges with pores and creases cut into them.
    """

    kind: str
    orientation: Field
    period: Field
    ridges: Field
    relief: Field


# A master is 3.5 MB; whoever makes several impressions of a finger makes them one after another.
@lru_cache(maxsize=8)
def master(finger_seed: int) -> Master:
    """The finger of this seed (0 or more; ValueError otherwise). Its arrays are shared: they are read-only."""
    _check_seed("finger_seed", finger_seed)
    rng = generator(finger_seed, _MASTER)
    pattern = draw_pattern(rng)
    orientation = orientation_field(rng, pattern)
    period = period_map(rng, pattern, orientation)
    ridges = grow(rng, orientation, period)
    pores = draw_pores(rng, ridges)
    creases = draw_strokes(rng, p.MASTER_HEIGHT, p.MASTER_WIDTH, p.CREASES_MEAN)
    rough = p.ROUGHNESS * smooth_field(rng, p.MASTER_HEIGHT, p.MASTER_WIDTH, p.ROUGHNESS_GRID)
    relief = ridges + rough - p.PORE_DEPTH * pores - p.CREASE_DEPTH * creases
    for array in (orientation, period, ridges, relief):
        array.flags.writeable = False
    return Master(pattern.kind, orientation, period, ridges, relief)


def generate(
    finger_seed: int,
    impression: int = 0,
    *,
    height: int = 374,
    width: int = 388,
    quality: p.Quality | None = None,
) -> NDArray[np.uint8]:
    """An impression of a finger, (height, width) grey levels at 500 dpi, dark ridges on light ground.

    `quality` says how much impressions differ and how bad they are; the default is a mix as optical sensors give.
    ValueError for a negative seed or impression and for sides below 32 pixels.
    """
    _check_seed("impression", impression)
    if min(height, width) < SMALLEST_SIDE:
        msg = f"height and width must be at least {SMALLEST_SIDE} pixels"
        raise ValueError(msg)
    quality = quality or p.Quality()
    finger = master(finger_seed)
    rng = generator(finger_seed, _IMPRESSION, impression)
    touch = draw_touch(rng, quality)
    x, y, reach = skin_coordinates(rng, touch, quality, height, width)
    contact = pressure(rng, touch, reach)
    darkness = ink(rng, quality, sample(finger.relief, x, y), contact)
    return photograph(rng, quality, darkness)


def write_set(
    directory: Path,
    fingers: int = 50,
    impressions: int = 4,
    progress: Callable[[int, int], None] | None = None,
    *,
    first_seed: int = 1,
    quality: p.Quality | None = None,
) -> list[Path]:
    """Write `<finger>_<impression>.png` (both from 1, 500 dpi in the file) and return the paths, in order.

    Finger n has the seed `first_seed + n - 1`. `progress(done, total)` is called after each file.
    """
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for finger in range(1, fingers + 1):
        for impression in range(1, impressions + 1):
            pixels = generate(first_seed + finger - 1, impression - 1, quality=quality)
            path = directory / f"{finger}_{impression}.png"
            Image.fromarray(pixels).save(path, dpi=(500, 500))
            paths.append(path)
            if progress is not None:
                progress(len(paths), fingers * impressions)
    return paths


def _check_seed(name: str, value: int) -> None:
    if value < 0:
        msg = f"{name} must not be negative"
        raise ValueError(msg)
