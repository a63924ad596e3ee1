"""Renewable face templates (ISO/IEC 24745): vectors turned by an orthogonal matrix that a secret key stands for.

Inner products stay what they are, and so do scores, as long as both templates are under the same transform; under two
transforms the same face is as far from itself as from anybody. So a stored template says nothing beside another
deployment's, and one that was stolen is worth nothing any more once it was renewed under another key. It hides nothing
from somebody who holds d pairs of vectors from before and after: these tell the whole matrix.

The matrix is the Q of a Gaussian one, by which it is drawn evenly among all (Stewart, "The efficient generation of
random orthogonal matrices", 1980, with the signs of R's diagonal put into Q). Its numbers come from SHAKE-256 and
Box and Muller's formula and from no generator of a library: stored templates have to find the same matrix in ten years.
Another library's last digits (1e-14) do no harm.
"""

import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biometrics.face.template import FaceTemplate

SECRET_BYTES = 32
_PURPOSE = b"renzheng face transform v1\0"
# The upper 53 bits of a number are a float64 between 0 and 1.
_SHIFT, _UNIT = np.uint64(11), 2.0**-53
# A quarter of the least number of half precision.
_NEARLY_ZERO = 2.0**-26


@dataclass(frozen=True)
class Transform:
    """`name` tells transforms apart and says nothing of them (ASCII, 1..32 characters); `secret` is 32 bytes.

    Matrices are kept once they are computed: one takes milliseconds, and to turn a vector microseconds.
    """

    name: str
    secret: bytes = field(repr=False)
    _matrices: dict[tuple[str, int], NDArray[np.float64]] = field(default_factory=dict, repr=False, compare=False)

    def matrix(self, engine: str, dimensions: int) -> NDArray[np.float64]:
        """The orthogonal matrix (d, d) for an engine's vectors, read-only."""
        found = self._matrices.get((engine, dimensions))
        if found is None:
            found = self._matrices[engine, dimensions] = _matrix(self.secret, engine, dimensions)
        return found

    def apply(self, engine: str, vectors: ArrayLike) -> NDArray[np.float32]:
        """Turn vectors (n, d) or (d,) of an engine; float32 of the same shape."""
        given = np.asarray(vectors, np.float64)
        return (given @ self.matrix(engine, given.shape[-1])).astype(np.float32)

    def turn(self, template: FaceTemplate) -> FaceTemplate:
        """The template under this transform. Raises ValueError for one that is under another."""
        if template.transform == self.name:
            return template
        if template.transform:
            raise ValueError("the template is under another transform")
        given = template.vector.astype(np.float64)
        # So that its sign is found again: it is rounded away when it is turned back, as is what rounding adds.
        given = np.where(given == 0.0, np.copysign(_NEARLY_ZERO, given), given)
        return FaceTemplate(template.engine, self.apply(template.engine, given), template.quality, self.name)

    def back(self, template: FaceTemplate) -> FaceTemplate:
        """What was turned, to the last bit: its numbers were of half precision, and single precision keeps enough of
        them to find those again. Raises ValueError for a template that is not under this transform."""
        if template.transform != self.name:
            raise ValueError("the template is not under this transform")
        given = np.asarray(template.vector, np.float64)
        vector = given @ self.matrix(template.engine, given.size).T
        return FaceTemplate(template.engine, vector.astype(np.float16).astype(np.float32), template.quality)


def _matrix(secret: bytes, engine: str, dimensions: int) -> NDArray[np.float64]:
    told = engine.encode("ascii")
    seed = _PURPOSE + bytes([len(told)]) + told + dimensions.to_bytes(2, "little") + secret
    drawn = np.frombuffer(hashlib.shake_256(seed).digest(8 * dimensions**2), "<u8")
    # Above 0, for its logarithm is taken.
    even, odd = (((drawn >> _SHIFT) + np.uint64(1)) * _UNIT).reshape(2, -1)
    radius, angle = np.sqrt(-2.0 * np.log(even)), 2.0 * np.pi * odd
    normal = np.concatenate((radius * np.cos(angle), radius * np.sin(angle))).reshape(dimensions, dimensions)
    q, r = np.linalg.qr(normal)
    matrix = np.ascontiguousarray(q * np.sign(np.diagonal(r)))
    matrix.setflags(write=False)
    return matrix
