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
_TAPER = np.hanning(PERIOD_WINDOW).astype(np.float32)
_COLUMNS = math.floor(PERIOD_WINDOW / PERIOD_RANGE[0]) + 1
"""Columns of a window's spectrum that hold waves whose period is looked for: half of them."""
_ACROSS, _DOWN = (
    wave.astype(np.float32)
    for wave in np.meshgrid(np.arange(_COLUMNS) / PERIOD_WINDOW, np.fft.fftfreq(PERIOD_WINDOW), indexing="ij")
)
_ALL = np.hypot(_DOWN, _ACROSS)
_LOOKED_AT = np.flatnonzero((1.0 / PERIOD_RANGE[1] <= _ALL) & (1.0 / PERIOD_RANGE[0] >= _ALL))
_WAVES = np.stack([_DOWN.ravel()[_LOOKED_AT], _ACROSS.ravel()[_LOOKED_AT]])
_FREQUENCY = np.hypot(*_WAVES)


def ridge_period(grey: NDArray[np.uint8]) -> float | None:
    """Median distance between neighbouring ridges in pixels, uint8 (H, W); None where too few ridges are seen.

    In windows of 64 x 64 the power spectrum of parallel ridges has one peak; its distance from the centre is the
    ridges' frequency. Windows whose power does not gather around a peak (creases, cores, texture) do not count. Ridges
    far apart curve too much within a window, so that a picture which says nothing is looked at again at half its size.
    """
    period = _period(grey)
    if period is None and (coarse := _period(_halved(grey))) is not None:
        period = 2.0 * coarse
    return period


def _halved(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    height, width = (side // 2 for side in grey.shape)
    squares = grey[: 2 * height, : 2 * width].reshape(height, 2, width, 2)
    return np.asarray(squares.mean(axis=(1, 3), dtype=np.float32))


def _period(grey: NDArray[np.uint8] | NDArray[np.float32]) -> float | None:
    if min(grey.shape) < PERIOD_WINDOW:
        return None
    windows = sliding_window_view(grey, (PERIOD_WINDOW, PERIOD_WINDOW))[::PERIOD_STEP, ::PERIOD_STEP]
    windows = windows.reshape(-1, PERIOD_WINDOW, PERIOD_WINDOW).astype(np.float32)
    windows = windows[windows.std(axis=(1, 2)) >= BLOCK_CONTRAST]
    centred = (windows - windows.mean(axis=(1, 2), keepdims=True)) * _TAPER[:, None] * _TAPER
    # Lines first, then only the columns that are looked at, each in one piece: half the time of a transform of both.
    lines = np.fft.rfft(centred, axis=2)[:, :, :_COLUMNS]
    spectrum = np.fft.fft(np.ascontiguousarray(lines.transpose(0, 2, 1)), axis=2)
    spectrum = spectrum.reshape(len(windows), _ALL.size)[:, _LOOKED_AT]
    found = _peak_periods((spectrum.real**2 + spectrum.imag**2).astype(np.float32, copy=False))
    enough = max(MIN_PERIOD_WINDOWS, MIN_PERIOD_WINDOW_SHARE * len(windows))
    return float(np.median(found)) if len(found) >= enough else None


def is_implausible(period: float) -> bool:
    """Whether no human finger has ridges `period` pixels apart at 500 dpi."""
    return not PLAUSIBLE_PERIOD[0] <= period <= PLAUSIBLE_PERIOD[1]


def _peak_periods(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """The periods of the ridges in those windows whose power, (windows, waves), gathers around one peak."""
    total = power.sum(axis=1)
    power, total = power[total > 0.0], total[total > 0.0]
    at = np.argmax(power, axis=1)
    peak = _FREQUENCY[at][:, None]
    along = np.abs(_WAVES[:, at].T @ _WAVES)
    near = (peak / _OCTAVES < _FREQUENCY) & (peak * _OCTAVES > _FREQUENCY) & (along > _COSINE * _FREQUENCY * peak)
    gathered = np.where(near, power, np.float32(0.0))
    one = gathered.sum(axis=1) >= PERIOD_PEAK_SHARE * total
    return np.asarray(gathered[one].sum(axis=1) / (gathered[one] @ _FREQUENCY), dtype=np.float32)
