"""Ridge period: how far apart the ridges are, which tells whether the stated resolution can be true."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.parameters import (
    BLOCK_CONTRAST,
    CLEARLY_PLAUSIBLE_PERIOD,
    MIN_PERIOD_WINDOW_SHARE,
    MIN_PERIOD_WINDOWS,
    PERIOD_PEAK_SHARE,
    PERIOD_RANGE,
    PERIOD_STEP,
    PERIOD_WINDOW,
    PLAUSIBLE_PERIOD,
)
from biometrics.kernels.compiled import loose_kernel

_OCTAVES = 2.0 ** (1.0 / 6.0)
_COSINE = math.cos(math.radians(30.0))
_TAPER = np.hanning(PERIOD_WINDOW).astype(np.float32)
_HIGHEST = math.floor(PERIOD_WINDOW / PERIOD_RANGE[0])
"""Waves whose period is looked for have at most so many crests across or down a window."""
_ANGLES = 2.0 * np.pi * np.outer(np.arange(PERIOD_WINDOW), np.arange(_HIGHEST + 1)) / PERIOD_WINDOW
_WAVES = np.hstack([np.cos(_ANGLES), np.sin(_ANGLES)]).astype(np.float32)
_ALONG = np.ascontiguousarray(_WAVES.T)
"""Waves of 0 to 18 crests, cosines before sines. To multiply by them takes a third of a Fourier transform's time, of
which a tenth is looked at, and which numpy computes in double precision."""


def ridge_period(grey: NDArray[np.uint8]) -> float | None:
    """Median distance between neighbouring ridges in pixels, uint8 (H, W); None where too few ridges are seen.

    In windows of 64 x 64 the power spectrum of parallel ridges has one peak; its distance from the centre is the
    ridges' frequency. Windows whose power does not gather around a peak (creases, cores, texture) do not count. Ridges
    far apart curve too much within a window, so that a picture which says nothing is looked at again at half its size.
    """
    return _looked_closely(grey, grey.astype(np.float32))


def has_implausible_ridges(grey: NDArray[np.uint8]) -> bool:
    """Whether the `ridge_period` of a picture, uint8 (H, W), is known and implausible.

    Windows side by side, a quarter of all, see the whole picture; where they agree on a period well within what is
    plausible, they settle it.
    """
    values = grey.astype(np.float32)
    first = _period(values, PERIOD_WINDOW)
    if first is not None and CLEARLY_PLAUSIBLE_PERIOD[0] <= first <= CLEARLY_PLAUSIBLE_PERIOD[1]:
        return False
    period = _looked_closely(grey, values)
    return period is not None and is_implausible(period)


def is_implausible(period: float) -> bool:
    """Whether no human finger has ridges `period` pixels apart at 500 dpi."""
    return not PLAUSIBLE_PERIOD[0] <= period <= PLAUSIBLE_PERIOD[1]


def _looked_closely(grey: NDArray[np.uint8], values: NDArray[np.float32]) -> float | None:
    period = _period(values, PERIOD_STEP)
    if period is None and (coarse := _period(_halved(grey), PERIOD_STEP)) is not None:
        period = 2.0 * coarse
    return period


def _halved(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    height, width = (side // 2 for side in grey.shape)
    squares = grey[: 2 * height, : 2 * width].reshape(height, 2, width, 2)
    return np.asarray(squares.mean(axis=(1, 3), dtype=np.float32))


def _period(grey: NDArray[np.float32], step: int) -> float | None:
    if min(grey.shape) < PERIOD_WINDOW:
        return None
    # A line of windows at a time stays in the cache.
    lines = [
        _peak_periods(_ALONG @ (_tapered_windows(grey, top, step) @ _WAVES))
        for top in range(0, grey.shape[0] - PERIOD_WINDOW + 1, step)
    ]
    found = np.concatenate(lines)
    enough = max(MIN_PERIOD_WINDOWS, MIN_PERIOD_WINDOW_SHARE * len(found))
    found = found[found > 0.0]
    return float(np.median(found)) if len(found) >= enough else None


@loose_kernel
def _tapered_windows(grey: NDArray[np.float32], top: int, step: int) -> NDArray[np.float32]:
    """The windows of `grey`, float32 (H, W), from the line `top` on that have contrast, one every `step` pixels:
    (n, 64, 64), less their means and faded out to their edges."""
    across = (grey.shape[1] - PERIOD_WINDOW) // step + 1
    windows, count = np.empty((across, PERIOD_WINDOW, PERIOD_WINDOW), np.float32), 0
    size = np.float32(PERIOD_WINDOW**2)
    for left in range(0, step * across, step):
        total = squares = np.float32(0.0)
        for y in range(PERIOD_WINDOW):
            for x in range(PERIOD_WINDOW):
                total += grey[top + y, left + x]
        mean = total / size
        for y in range(PERIOD_WINDOW):
            for x in range(PERIOD_WINDOW):
                value = grey[top + y, left + x] - mean
                squares += value * value
                windows[count, y, x] = value * (_TAPER[y] * _TAPER[x])
        if squares >= size * np.float32(BLOCK_CONTRAST**2):
            count += 1
    return windows[:count]


@loose_kernel
def _peak_periods(waves: NDArray[np.float32]) -> NDArray[np.float32]:
    """The ridges' periods in windows, 0 in those whose power does not gather around one peak.

    `waves` (n, 38, 38): the windows times cosines and sines, down and across. A wave that runs up instead of down is
    made of the same four products; without crests down there is only one of the two.
    """
    least, most = PERIOD_WINDOW / PERIOD_RANGE[1], PERIOD_WINDOW / PERIOD_RANGE[0]
    crests = _HIGHEST + 1
    periods, power = np.zeros(len(waves), np.float32), np.zeros((2, crests, crests), np.float32)
    for number in range(len(waves)):
        products, total, best, peak_x, peak_y = waves[number], np.float32(0.0), np.float32(-1.0), 0, 0
        for down in range(crests):
            for across in range(crests):
                if not least * least <= down * down + across * across <= most * most:
                    continue
                both, neither = products[down, across], products[crests + down, crests + across]
                one, other = products[down, crests + across], products[crests + down, across]
                for way in range(2 if down else 1):
                    sign = np.float32(1 - 2 * way)
                    found = (both - sign * neither) ** 2 + (one + sign * other) ** 2
                    power[way, down, across] = found
                    total += found
                    if found > best:
                        best, peak_x, peak_y = found, across, down if way == 0 else -down
        gathered, weighted = _gathered(power, peak_x, peak_y)
        if total > 0.0 and gathered >= PERIOD_PEAK_SHARE * total:
            periods[number] = PERIOD_WINDOW * gathered / weighted
    return periods


@loose_kernel
def _gathered(power: NDArray[np.float32], peak_x: int, peak_y: int) -> tuple[float, float]:
    """The power near a peak, and the same weighted with the waves' crests."""
    least, most = PERIOD_WINDOW / PERIOD_RANGE[1], PERIOD_WINDOW / PERIOD_RANGE[0]
    peak = math.sqrt(peak_x * peak_x + peak_y * peak_y)
    least, most = max(least, peak / _OCTAVES), min(most, peak * _OCTAVES)
    gathered = weighted = 0.0
    for way in range(2):
        for down in range(way, _HIGHEST + 1):
            for across in range(_HIGHEST + 1):
                square = down * down + across * across
                if not least * least < square < most * most:
                    continue
                along = abs(peak_x * across + peak_y * (down if way == 0 else -down))
                frequency = math.sqrt(square)
                if along > _COSINE * frequency * peak:
                    gathered += power[way, down, across]
                    weighted += power[way, down, across] * frequency
    return gathered, weighted
