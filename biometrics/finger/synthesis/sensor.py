"""From skin in contact to grey levels: moisture, speckle, scratches, the sensor's background, optics and noise."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from biometrics.finger.synthesis import parameters as p
from biometrics.finger.synthesis.fields import Field, smooth_field
from biometrics.finger.synthesis.skin import draw_strokes


def ink(rng: np.random.Generator, quality: p.Quality, skin: Field, contact: Field) -> Field:
    """How dark each pixel prints, 0 .. 1, from the skin's relief in -1 .. 1 and its contact."""
    height, width = skin.shape
    moisture = p.MOISTURE_MEAN + quality.moisture * (
        rng.standard_normal() + p.MOISTURE_LOCAL * smooth_field(rng, height, width, p.MOISTURE_GRID)
    )
    speckle = quality.noise * p.SPECKLE * np.exp(p.SPECKLE_SPREAD * rng.standard_normal())
    local = speckle * np.exp(p.SPECKLE_LOCAL * smooth_field(rng, height, width, p.SPECKLE_GRID))
    local = np.minimum(local, np.float32(p.SPECKLE_MOST * quality.noise))
    grain = np.zeros_like(skin)
    for size, share in p.GRAINS:
        grain += share * smooth_field(rng, height, width, size)
    scratches = draw_strokes(rng, height, width, p.SCRATCHES_MEAN * quality.scratches)
    relief = skin + moisture - p.SCRATCH_DEPTH * scratches
    print_rule = np.array([p.SHARPNESS, p.BORDER_SPECKLE, p.BORDER_THINNING], dtype=np.float32)
    darkness: Field = _print(relief, contact, local * grain, print_rule)
    return darkness


def photograph(rng: np.random.Generator, quality: p.Quality, darkness: Field) -> NDArray[np.uint8]:
    """Grey levels of an optical sensor: light, unevenly lit ground, dark ridges, a slightly soft lens, noise."""
    height, width = darkness.shape
    ground = rng.uniform(*p.GROUND) + p.GROUND_UNEVEN * smooth_field(rng, height, width, p.GROUND_GRID)
    depth = rng.uniform(*p.CONTRAST) * (1.0 + p.CONTRAST_UNEVEN * smooth_field(rng, height, width, p.CONTRAST_GRID))
    noise = p.SENSOR_NOISE * quality.noise * rng.standard_normal((height, width), dtype=np.float32)
    soft = _soften(darkness, np.float32(quality.blur)) if quality.blur > 0 else darkness
    grey = ground - depth * soft + noise
    return np.asarray(np.clip(np.rint(grey), 0, 255), dtype=np.uint8)


@njit(cache=True, fastmath=True)
def _print(relief, contact, noise, rule):  # type: ignore[no-untyped-def]
    height, width = relief.shape
    out = np.empty((height, width), np.float32)
    one, sharpness, speckle, thinning = np.float32(1.0), rule[0], rule[1], rule[2]
    for y in range(height):
        for x in range(width):
            # Towards the border the skin barely touches: only crests print, and the noise decides which.
            lift = one - contact[y, x]
            value = relief[y, x] + noise[y, x] * (one + speckle * lift) - thinning * lift
            dark = one / (one + np.exp(-sharpness * value))
            out[y, x] = dark * min(one, max(np.float32(0.0), np.float32(1.6) * (np.float32(1.6) - lift)))
    return out


@njit(cache=True)
def _soften(image, sigma):  # type: ignore[no-untyped-def]
    """Gaussian of five taps on both axes; the border repeats."""
    height, width = image.shape
    a, b = np.exp(-0.5 / sigma**2), np.exp(-2.0 / sigma**2)
    total = 1.0 + 2.0 * a + 2.0 * b
    w0, w1, w2 = np.float32(1.0 / total), np.float32(a / total), np.float32(b / total)
    across, out = np.empty_like(image), np.empty_like(image)
    for y in range(height):
        for x in range(width):
            l1, l2, r1, r2 = max(x - 1, 0), max(x - 2, 0), min(x + 1, width - 1), min(x + 2, width - 1)
            across[y, x] = w0 * image[y, x] + w1 * (image[y, l1] + image[y, r1]) + w2 * (image[y, l2] + image[y, r2])
    for y in range(height):
        u1, u2, d1, d2 = max(y - 1, 0), max(y - 2, 0), min(y + 1, height - 1), min(y + 2, height - 1)
        for x in range(width):
            out[y, x] = w0 * across[y, x] + w1 * (across[u1, x] + across[d1, x]) + w2 * (across[u2, x] + across[d2, x])
    return out
