"""An aligned face to a vector, by one look of the recogniser or two."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .sface import Network


def embed_views(network: Network, crop: NDArray[np.uint8], *, mirror: bool) -> NDArray[np.float32]:
    """Embeddings, float32 (1 or 2, 128), of an aligned face, uint8 (112, 112, 3), and, with `mirror`, its mirror image.

    Their directions tell people apart; the length grows with how much of a face the network saw (see `quality.py`).
    RGB, as OpenCV feeds it: templates of the two channel orders differ.
    """
    views = [crop, np.ascontiguousarray(crop[:, ::-1])] if mirror else [crop]
    return np.stack([network(view) for view in views])


def averaged(views: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean direction, float32 (128,), of views (k, 128): each counts the same, whatever its length."""
    return np.asarray(np.mean(views / np.linalg.norm(views, axis=1, keepdims=True), axis=0), np.float32)
