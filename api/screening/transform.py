"""A rotation of the deployment's own, through which templates' vectors pass before they get into a gallery.

Inner products stay what they are, and so do scores; but the vectors in a gallery's memory and in its snapshot on disk
mean nothing to the face engine, and nothing beside another deployment's. It hides no secret from somebody who holds
pairs of vectors before and after: D of them tell the whole rotation. The templates at rest are sealed (`templates.py`).
"""

import hashlib
from dataclasses import dataclass, field

import numpy as np
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import ArrayLike, NDArray

from api.storage.keys import Keys

_SEED_BYTES = 32


@dataclass(frozen=True)
class Rotation:
    """`matrix` float64 (D, D), orthogonal; `name` tells rotations apart and says nothing of them."""

    matrix: NDArray[np.float64] = field(repr=False)
    name: str

    def apply(self, vectors: ArrayLike) -> NDArray[np.float32]:
        """Turn vectors (n, D); float32 (n, D)."""
        return (np.asarray(vectors, np.float64) @ self.matrix).astype(np.float32)


def rotation(keys: Keys, engine: str, dimensions: int) -> Rotation:
    """The deployment's rotation for an engine's vectors: the Q of a Gaussian matrix, which is drawn evenly among all.

    The same for the same keys (Stewart, "The efficient generation of random orthogonal matrices", 1980, with the signs
    of R's diagonal put into Q).
    """
    info = b"renzheng screening rotation v1\0" + engine.encode()
    seed = HKDF(algorithm=hashes.SHA256(), length=_SEED_BYTES, salt=None, info=info).derive(keys.master)
    drawn = np.random.Generator(np.random.Philox(np.random.SeedSequence(int.from_bytes(seed))))
    q, r = np.linalg.qr(drawn.standard_normal((dimensions, dimensions)))
    matrix = np.ascontiguousarray(q * np.sign(np.diagonal(r)))
    # Another library may compute the last digits otherwise: then it is another rotation, and says so.
    return Rotation(matrix, hashlib.sha256(b"rotation\0" + seed + matrix.tobytes()).hexdigest()[:16])
