"""Ridge growth as in SFinGe: seeds that spread into ridges under repeated filtering with the local Gabor kernel.

Where two growing patches meet out of phase, or where the orientation and period maps disagree, a ridge ends or forks:
minutiae come about by themselves. Growth runs at half size, where it costs a sixteenth; a few rounds at full size then
round the ridges off.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from biometrics.finger.synthesis import parameters as p
from biometrics.finger.synthesis.fields import Field

Kernels = NDArray[np.float32]
# Kernel sides are multiples of eight, so that their rows fill whole vectors; the envelope fades out well within.
_COARSE_SIDE, _FINE_SIDE = 16, 24


def grow(rng: np.random.Generator, theta: Field, period: Field) -> Field:
    """The ridge pattern in -1 (valley) .. 1 (ridge), shaped like `theta` (radians) and `period` (pixels)."""
    coarse_theta = np.ascontiguousarray(theta[::2, ::2])
    coarse_period = np.ascontiguousarray(period[::2, ::2]) * np.float32(0.5)
    ridges = _seeds(rng, *coarse_theta.shape)
    ridges = _filter(ridges, coarse_theta, coarse_period, _COARSE_SIDE, [p.GROWTH_GAIN] * p.COARSE_ROUNDS)
    # The last round saturates less, so that ridges keep a rounded profile for moisture to widen or thin.
    gains = [p.GROWTH_GAIN] * (p.FINE_ROUNDS - 1) + [p.FINISH_GAIN]
    return _filter(_double(ridges, *theta.shape), theta, period, _FINE_SIDE, gains)


def _seeds(rng: np.random.Generator, height: int, width: int) -> Field:
    seeds = np.zeros((height, width), dtype=np.float32)
    count = max(1, round(4 * height * width / rng.uniform(*p.SEED_SPACING) ** 2))
    seeds[rng.integers(0, height, count), rng.integers(0, width, count)] = 1.0
    return seeds


def _filter(ridges: Field, theta: Field, period: Field, side: int, gains: list[float]) -> Field:
    low, high = float(period.min()), float(period.max())
    kernels = _bank(low, high, side)
    turn = np.asarray(np.rint(theta * (p.ORIENTATIONS / np.pi)) % p.ORIENTATIONS, dtype=np.int32)
    step = np.asarray(np.rint((period - low) * ((p.PERIODS - 1) / max(high - low, 1e-6))), dtype=np.int32)
    which = turn * p.PERIODS + step
    for gain in gains:
        ridges = _convolve(ridges, kernels, which, np.float32(gain))
    return ridges


def _bank(low: float, high: float, side: int) -> Kernels:
    """Gabor kernels without a constant part, unit gain on their own wave; (orientations * periods, side, side)."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float64) - side // 2
    kernels = np.empty((p.ORIENTATIONS, p.PERIODS, *x.shape))
    for i in range(p.ORIENTATIONS):
        angle = i * np.pi / p.ORIENTATIONS
        along = x * np.cos(angle) - y * np.sin(angle)
        across = x * np.sin(angle) + y * np.cos(angle)
        for j in range(p.PERIODS):
            period = low + (high - low) * j / (p.PERIODS - 1)
            envelope = np.exp(
                -((across / (p.GABOR_SIGMA_ACROSS * period)) ** 2 + (along / (p.GABOR_SIGMA_ALONG * period)) ** 2) / 2
            )
            wave = np.cos(2 * np.pi * across / period)
            kernel = envelope * wave
            kernel -= envelope * (kernel.sum() / envelope.sum())
            kernels[i, j] = kernel / (kernel * wave).sum()
    return np.ascontiguousarray(kernels.reshape(-1, *x.shape), dtype=np.float32)


@njit(cache=True, fastmath=True)
def _convolve(ridges, kernels, which, gain):  # type: ignore[no-untyped-def]
    height, width = ridges.shape
    side = kernels.shape[1]
    padded = np.zeros((height + side, width + side), np.float32)
    padded[side // 2 : side // 2 + height, side // 2 : side // 2 + width] = ridges
    out = np.empty((height, width), np.float32)
    for y in range(height):
        for x in range(width):
            kernel = which[y, x]
            total = np.float32(0.0)
            for i in range(side):
                for j in range(side):
                    total += kernels[kernel, i, j] * padded[y + i, x + j]
            out[y, x] = np.tanh(gain * total)
    return out


@njit(cache=True)
def _double(small, height, width):  # type: ignore[no-untyped-def]
    """Bilinear enlargement to twice the size."""
    rows, columns = small.shape
    out = np.empty((height, width), np.float32)
    for y in range(height):
        top = min(y // 2, rows - 1)
        bottom = min(top + y % 2, rows - 1)
        for x in range(width):
            left = min(x // 2, columns - 1)
            right = min(left + x % 2, columns - 1)
            out[y, x] = (small[top, left] + small[top, right] + small[bottom, left] + small[bottom, right]) / 4
    return out
