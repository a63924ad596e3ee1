"""Made-up people for galleries: directions, and others near them."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
DIMENSIONS = 128


def directions(count: int, seed: int = 1) -> Floats:
    """Vectors of length 1, float32 (count, 128), as half precision holds them."""
    raw = np.random.default_rng(seed).standard_normal((count, DIMENSIONS))
    return _half(raw)


def near(vectors: Floats, cosine: float, seed: int = 2) -> Floats:
    """For each vector one at about this cosine from it."""
    aside = directions(len(vectors), seed)
    return _half(cosine * vectors.astype(np.float64) + np.sqrt(1 - cosine**2) * aside)


def _half(raw: NDArray[np.float64]) -> Floats:
    return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True), np.float16).astype(np.float32)
