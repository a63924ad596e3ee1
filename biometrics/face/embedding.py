"""An aligned face to a vector, by one look of the recogniser or two."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biometrics.kernels.compiled import kernel

from .sface import Network


def embed_views(network: Network, crop: NDArray[np.uint8], *, mirror: bool) -> NDArray[np.float32]:
    """Embeddings, float32 (1 or 2, 128), of an aligned face, uint8 (112, 112, 3), and, with `mirror`, its mirror image.

    Their directions tell people apart; the length grows with how much of a face the network saw (see `quality.py`).
    RGB, as OpenCV feeds it: templates of the two channel orders differ.
    """
    views = [crop, _mirrored(crop)] if mirror else [crop]
    return np.stack([network(view) for view in views])


def averaged(views: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean direction, float32 (128,), of views (k, 128): each counts the same, whatever its length."""
    return np.asarray(np.mean(views / np.linalg.norm(views, axis=1, keepdims=True), axis=0), np.float32)


@kernel
def _mirrored(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) with its columns in reverse order: what numpy takes ten times as long for."""
    height, width = crop.shape[:2]
    out = np.empty((height, width, 3), np.uint8)
    for y in range(height):
        for x in range(width):
            for channel in range(3):
                out[y, width - 1 - x, channel] = crop[y, x, channel]
    return out
