"""A finger's sketch: the surroundings of its surest minutiae, to tell most pairs of strangers apart in microseconds.

The first stage of a search among fingers (`biometrics.finger.relaxation`) with 16 of a finger's minutiae instead of
all, in rows of one length.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.cylinders import Cylinders, cylinders_at
from biometrics.finger.outline import outline
from biometrics.finger.parameters import CYLINDER_SECTIONS, ENGINE
from biometrics.finger.relaxation import likeness
from biometrics.finger.template import FingerTemplate
from biometrics.kernels.compiled import kernel

MINUTIAE: Final = 16
"""Of more no better a sketch is made: with 24 the first stage takes half as long again, and loses half as many."""
PAIRS: Final = 8
"""Pairs of minutiae that are relaxed."""
CODES: Final = (CYLINDER_SECTIONS + 1, MINUTIAE)
PLACES: Final = (4, MINUTIAE)
NAME: Final = f"{ENGINE}.sketch-1"


class Sketches(NamedTuple):
    """Of N fingers, K = MINUTIAE: `codes` uint64 (N, 7, K), cylinders of six sections and which cells are valid, and
    `places` float32 (N, 4, K), x, y, cosine and sine of the direction. Of fewer minutiae the rest is 0, of no finger
    all is."""

    codes: NDArray[np.uint64]
    places: NDArray[np.float32]


def sketch(finger: FingerTemplate) -> tuple[NDArray[np.uint64], NDArray[np.float32]]:
    """The row of one finger: `codes` (7, K) and `places` (4, K)."""
    surest = np.sort(np.argsort(-finger.minutia_quality.astype(np.int64), kind="stable")[:MINUTIAE])
    made = cylinders_at(surest, finger.x, finger.y, finger.direction, outline(finger.x, finger.y))
    codes = np.zeros(CODES, np.uint64)
    places = np.zeros(PLACES, np.float32)
    codes[:CYLINDER_SECTIONS, : len(surest)], codes[CYLINDER_SECTIONS, : len(surest)] = made.codes, made.valid
    places[:, : len(surest)] = made.x, made.y, made.cosine, made.sine
    return codes, places


@kernel
def alike(probes: Sketches, references: Sketches, places: NDArray[np.int64], found: NDArray[np.float32]) -> None:
    """Write the likeness, 0..1, of a probe's and a reference's sketch at each of `places` (n, 2) to `found` (n,)."""
    room = np.empty(MINUTIAE * MINUTIAE, np.int32)
    for index in range(len(places)):
        probe, reference = _row(probes, places[index, 0]), _row(references, places[index, 1])
        found[index] = likeness(probe, reference, 0, MINUTIAE, PAIRS, room)


@kernel
def _row(sketches: Sketches, at: int) -> Cylinders:
    # All of a row, what is filled up included, which is like nothing: whole rows are what vector instructions read.
    codes, places = sketches.codes[at], sketches.places[at]
    return Cylinders(codes[:CYLINDER_SECTIONS], codes[CYLINDER_SECTIONS], places[0], places[1], places[2], places[3])
