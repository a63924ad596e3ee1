"""Minutiae: what the LEADER network sees in a picture at 500 dpi.

R. Cappelli, "No feature left behind: filling the gap in fingerprint minutiae extraction" (LEADER, 2025). The network
reads grey values 0..255 with sides that are multiples of 32, and answers for each pixel: how much it is a minutia, the
direction (radians, from the x axis *upwards*), the probability that it is an ending, and a quality from which all but
the local maxima have been removed. It is computed by kernels of our own (`biometrics.finger.leader`) or, where the
processor lacks what they need, by onnxruntime.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import models
from biometrics.finger.blocks import Blocks
from biometrics.finger.leader.network import Findings, KernelNetwork, Network, SessionNetwork
from biometrics.finger.parameters import ENDING_THRESHOLD, MINUTIA_THRESHOLD, SIZE_MULTIPLE
from biometrics.finger.presence import foreground_box
from biometrics.finger.template import MinutiaKind
from biometrics.kernels import lanes

if TYPE_CHECKING:
    from pathlib import Path

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Minutiae:
    """Arrays of one length: `x`, `y` pixels (whole), `direction` radians towards y *down*, `kind`, `quality` 0..1."""

    x: NDArray[np.int64]
    y: NDArray[np.int64]
    direction: NDArray[np.float32]
    kind: NDArray[np.uint8]
    quality: NDArray[np.float32]


def open_network(home: Path | None = None, *, threads: int = 1) -> Network:
    """The network of the installed pack under `home`, in the fastest form that this processor can compute.

    `threads` is for onnxruntime; the kernels use one. Raises models.errors.PackMissing or PackDamaged.
    """
    if lanes.supported():
        return KernelNetwork(models.open_weights("leader", "weights", home=home))
    _log.warning("no AVX-512 BF16 on this processor: fingerprints are extracted in float, about four times slower")
    return SessionNetwork(models.open_session("leader", "leader", threads=threads, home=home))


def find_minutiae(network: Network, grey: NDArray[np.uint8], blocks: Blocks) -> tuple[Minutiae, NDArray[np.float32]]:
    """The minutiae of a picture, uint8 (H, W) with these blocks, and how much each pixel is one, float32 (H, W).

    Only the part of the picture that could be a finger is computed, in steps of 32 pixels from the padded picture's
    corner: the network halves its input five times, and on another grid it would see the same ridges a little
    differently.
    """
    padded, top, left = pad(grey)
    height, width = grey.shape
    rows, columns = foreground_box(blocks, height, width)
    lines = _on_grid(rows, top, len(padded))
    across = _on_grid(columns, left, padded.shape[1])
    found = network(np.ascontiguousarray(padded[lines, across]), MINUTIA_THRESHOLD)
    position = np.zeros_like(padded)
    position[lines, across] = found.position
    minutiae = read_minutiae(found, top - lines.start, left - across.start, grey.shape)
    return minutiae, position[top : top + height, left : left + width]


def _on_grid(part: slice, before: int, length: int) -> slice:
    """A part of the picture in terms of the padded one, which has `before` pixels before it, widened to the grid."""
    first = (part.start + before) // SIZE_MULTIPLE * SIZE_MULTIPLE
    return slice(first, min(length, -(-(part.stop + before) // SIZE_MULTIPLE) * SIZE_MULTIPLE))


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


def read_minutiae(found: Findings, top: int, left: int, size: tuple[int, ...]) -> Minutiae:
    """What was found in a picture with `top` and `left` pixels of frame, within `size` (H, W), the surest first."""
    y, x = found.at[:, 0] - top, found.at[:, 1] - left
    inside = np.flatnonzero((y >= 0) & (y < size[0]) & (x >= 0) & (x < size[1]))
    # In the order of lines where two are equally sure.
    kept = inside[np.lexsort((x[inside], y[inside], -found.quality[inside]))]
    endings = found.ending[kept] >= ENDING_THRESHOLD
    return Minutiae(
        x[kept],
        y[kept],
        -found.direction[kept],
        np.where(endings, MinutiaKind.ENDING, MinutiaKind.BIFURCATION).astype(np.uint8),
        np.clip(found.quality[kept], 0.0, 1.0),
    )
