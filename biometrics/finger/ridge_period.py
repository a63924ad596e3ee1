"""Ridge period: how far apart the ridges are, which tells whether the stated resolution can be true."""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from biometrics.finger.parameters import (
    BLOCK_CONTRAST,
    MIN_PERIOD_WINDOW_SHARE,
    MIN_PERIOD_WINDOWS,
    PERIOD_PEAK_SHARE,
    PERIOD_RANGE,
    PERIOD_STEP,
    PERIOD_WINDOW,
    PLAUSIBLE_PERIOD,
)

_OCTAVES = 2.0 ** (1.0 / 6.0)
_COSINE = math.cos(math.radians(30.0))
_DOWN = np.fft.fftfreq(PERIOD_WINDOW)[:, None]
_ACROSS = np.fft.rfftfreq(PERIOD_WINDOW)[None, :]


def ridge_period(grey: NDArray[np.uint8]) -> float | None:
    """Median distance between neighbouring ridges in pixels, uint8 (H, W); None where too few ridges are seen.

    In windows of 64 x 64 the power spectrum of parallel ridges has one peak; its distance from the centre is the
    ridges' frequency. Windows whose power does not gather around a peak (creases, cores, texture) do not count.
    """
    if min(grey.shape) < PERIOD_WINDOW:
        return None
    windows = sliding_window_view(grey, (PERIOD_WINDOW, PERIOD_WINDOW))[::PERIOD_STEP, ::PERIOD_STEP]
    windows = windows.reshape(-1, PERIOD_WINDOW, PERIOD_WINDOW).astype(np.float32)
    windows = windows[windows.std(axis=(1, 2)) >= BLOCK_CONTRAST]
    taper = np.hanning(PERIOD_WINDOW).astype(np.float32)
    centred = (windows - windows.mean(axis=(1, 2), keepdims=True)) * taper[:, None] * taper
    power = np.abs(np.fft.rfft2(centred)) ** 2
    frequency = np.hypot(_DOWN, _ACROSS)
    power[:, (frequency < 1.0 / PERIOD_RANGE[1]) | (frequency > 1.0 / PERIOD_RANGE[0])] = 0.0
    periods = [_peak_period(window, frequency) for window in power]
    found = [period for period in periods if period is not None]
    enough = max(MIN_PERIOD_WINDOWS, MIN_PERIOD_WINDOW_SHARE * len(windows))
    return float(np.median(found)) if len(found) >= enough else None


def is_implausible(period: float) -> bool:
    """Whether no human finger has ridges `period` pixels apart at 500 dpi."""
    return not PLAUSIBLE_PERIOD[0] <= period <= PLAUSIBLE_PERIOD[1]


def _peak_period(power: NDArray[np.float32], frequency: NDArray[np.float64]) -> float | None:
    """The period of the window's ridges from its power spectrum; None when the power has no one peak."""
    total = float(power.sum())
    down, across = np.unravel_index(int(np.argmax(power)), power.shape)
    peak = frequency[down, across]
    along = np.abs(_DOWN * _DOWN[down] + _ACROSS * _ACROSS[0, across])
    near = (frequency > peak / _OCTAVES) & (frequency < peak * _OCTAVES) & (along > _COSINE * frequency * peak)
    gathered = np.where(near, power, 0.0)
    if total <= 0.0 or float(gathered.sum()) < PERIOD_PEAK_SHARE * total:
        return None
    return float(gathered.sum() / (gathered * frequency).sum())
