"""Minutiae: what the LEADER network sees in a picture at 500 dpi.

R. Cappelli, "No feature left behind: filling the gap in fingerprint minutiae extraction" (LEADER, 2025). The network
reads N x H x W x 1 grey values 0..255 with sides that are multiples of 32, and answers for each pixel: how much it is a
minutia, the direction (radians, from the x axis *upwards*), the probability that it is an ending, and a quality from
which all but the local maxima have been removed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.parameters import ENDING_THRESHOLD, MINUTIA_THRESHOLD, SIZE_MULTIPLE
from biometrics.finger.template import MinutiaKind

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_DIRECTION, _ENDING, _QUALITY = 1, 2, 3


@dataclass(frozen=True, eq=False)
class Minutiae:
    """Arrays of one length: `x`, `y` pixels (whole), `direction` radians towards y *down*, `kind`, `quality` 0..1."""

    x: NDArray[np.int64]
    y: NDArray[np.int64]
    direction: NDArray[np.float32]
    kind: NDArray[np.uint8]
    quality: NDArray[np.float32]


def find_minutiae(session: InferenceSession, grey: NDArray[np.uint8]) -> tuple[Minutiae, NDArray[np.float32]]:
    """The minutiae of a picture, uint8 (H, W), and the network's whole answer, float32 (H, W, 4)."""
    padded, top, left = pad(grey)
    (answers,) = session.run(None, {session.get_inputs()[0].name: padded[None, :, :, None]})
    answer = answers[0, top : top + grey.shape[0], left : left + grey.shape[1]]
    return read_minutiae(answer), answer


def pad(grey: NDArray[np.uint8]) -> tuple[NDArray[np.float32], int, int]:
    """The picture as float32 in the middle of one whose sides are multiples of 32, and the rows and columns before it.

    The frame gets the median of the picture's own border. (The authors take the upper left pixel; that is the same on
    a scanner's blank ground, and a ridge or a valley by chance where the finger fills the picture.)
    """
    height, width = grey.shape
    full = [-(-side // SIZE_MULTIPLE) * SIZE_MULTIPLE for side in grey.shape]
    top, left = (full[0] - height) // 2, (full[1] - width) // 2
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    padded = np.full(full, np.median(border), np.float32)
    padded[top : top + height, left : left + width] = grey
    return padded, top, left


def read_minutiae(answer: NDArray[np.float32]) -> Minutiae:
    """The minutiae in the network's answer, float32 (H, W, 4), the surest first."""
    y, x = np.nonzero(answer[..., _QUALITY] >= MINUTIA_THRESHOLD)
    surest = np.argsort(-answer[y, x, _QUALITY], kind="stable")
    y, x = y[surest], x[surest]
    at = answer[y, x]
    endings = at[:, _ENDING] >= ENDING_THRESHOLD
    return Minutiae(
        x,
        y,
        -at[:, _DIRECTION],
        np.where(endings, MinutiaKind.ENDING, MinutiaKind.BIFURCATION).astype(np.uint8),
        np.clip(at[:, _QUALITY], 0.0, 1.0),
    )
