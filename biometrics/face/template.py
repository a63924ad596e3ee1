"""The face template and its stored form.

| bytes | what |
|---|---|
| 4 | `RZFT` |
| 1 | version of this form: 1 |
| 1 | quality, 0..100 |
| 1 | length n of the engine's id, 1..32 |
| n | engine's id, ASCII |
| 2 | length d of the vector, little-endian unsigned; 128 for the default pack, else a multiple of 32 up to 1024 |
| 2 d | the vector, IEEE 754 half precision, little-endian |

Half precision, because two bytes a number move a cosine by less than 0.0001, far below what any threshold tells apart,
and a register of 10^8 cards keeps 25 GB less. The vector is rounded when the template is made, not when it is stored,
so that a stored template scores exactly as the fresh one.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biometrics.errors import InvalidTemplate

_MAGIC, _VERSION = b"RZFT", 1
_HEAD = struct.Struct("<4sBBB")
_MAX_ENGINE = 32
DIMENSIONS = 128
"""Of the default pack's vectors."""
_STEP, _MOST = 32, 1024
_NORM_TOLERANCE = 0.01


@dataclass(frozen=True, eq=False)
class FaceTemplate:
    """A face as a direction: `vector` float32 (d,) of length 1 with values of half precision, read-only.

    `engine` names what made it (only templates of one engine compare), `quality` is 0..100.
    """

    engine: str
    vector: NDArray[np.float32] = field(repr=False)  # biometric data must not get into a log
    quality: int

    def __post_init__(self) -> None:
        self.vector.setflags(write=False)

    @classmethod
    def of(cls, engine: str, embedding: ArrayLike, quality: int) -> FaceTemplate:
        """A template of an embedding (d,), which is scaled to length 1. Raises ValueError where it cannot be."""
        raw = np.asarray(embedding, np.float64)
        norm = float(np.linalg.norm(raw))
        if raw.ndim != 1 or not possible(raw.size) or not np.isfinite(norm) or norm == 0.0:
            raise ValueError(f"no embedding: shape {raw.shape}")
        return cls(engine, (raw / norm).astype(np.float16).astype(np.float32), quality)

    def to_bytes(self) -> bytes:
        """The stored form: 9 bytes, the engine's id, and two for each number."""
        engine = self.engine.encode("ascii")
        head = _HEAD.pack(_MAGIC, _VERSION, self.quality, len(engine))
        return head + engine + struct.pack("<H", self.vector.size) + self.vector.astype("<f2").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> FaceTemplate:
        """Reads the stored form. Raises InvalidTemplate: `template_malformed`, `template_version_unsupported`."""
        if len(data) < _HEAD.size or not data.startswith(_MAGIC):
            raise InvalidTemplate("template_malformed", "no face template")
        _, version, quality, length = _HEAD.unpack_from(data)
        if version != _VERSION:
            raise InvalidTemplate("template_version_unsupported", f"version {version}")
        body = _HEAD.size + length
        engine = data[_HEAD.size : body]
        if len(data) < body + 2 or not 1 <= length <= _MAX_ENGINE or quality > 100:
            raise InvalidTemplate("template_malformed", "a length or the quality is wrong")
        dimensions = struct.unpack_from("<H", data, body)[0]
        if not possible(dimensions) or len(data) != body + 2 + 2 * dimensions:
            raise InvalidTemplate("template_malformed", "the vector's length is wrong")
        vector = np.frombuffer(data, "<f2", dimensions, body + 2).astype(np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            off_norm = abs(float(np.linalg.norm(vector.astype(np.float64))) - 1.0)
        if not off_norm <= _NORM_TOLERANCE or not engine.isascii():
            raise InvalidTemplate("template_malformed", "the vector or the engine's id is wrong")
        return cls(engine.decode("ascii"), vector, quality)


def possible(dimensions: int) -> bool:
    """Whether a vector may be so long."""
    return dimensions % _STEP == 0 and 0 < dimensions <= _MOST
