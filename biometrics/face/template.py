"""The face template and its stored form.

| bytes | what |
|---|---|
| 4 | `RZFT` |
| 1 | version of this form: 1, or 2 for a template that was turned |
| 1 | quality, 0..100 |
| 1 | length n of the engine's id, 1..32 |
| n | engine's id, ASCII |
| 1 | version 2 only: length m of the transform's name, 1..32 |
| m | version 2 only: the transform's name, ASCII |
| 2 | length d of the vector, little-endian unsigned; 128 for the default pack, else a multiple of 32 up to 1024 |
| 2 d or 4 d | the vector, IEEE 754 half precision, in version 2 single precision, little-endian |

Half precision, because two bytes a number move a cosine by less than 0.0001, far below what any threshold tells apart.
The vector is rounded when the template is made, not when it is stored, so that a stored template scores exactly as the
fresh one. One that was turned (see `transform`) lies on no such grid any more: it takes single precision to score the
same to 1e-6, and to find what it was when it is turned back.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biometrics.errors import InvalidTemplate

_MAGIC, _PLAIN, _TURNED = b"RZFT", 1, 2
_HEAD = struct.Struct("<4sBBB")
_MAX_NAME = 32
DIMENSIONS = 128
"""Of the default pack's vectors."""
_STEP, _MOST = 32, 1024
_NORM_TOLERANCE = 0.01


@dataclass(frozen=True, eq=False)
class FaceTemplate:
    """A face as a direction: `vector` float32 (d,) of length 1, read-only; with values of half precision as it is made.

    `engine` names what made it (only templates of one engine compare), `quality` is 0..100. `transform` names what
    turned it, and is empty where nothing did: only templates under one transform compare.
    """

    engine: str
    vector: NDArray[np.float32] = field(repr=False)  # biometric data must not get into a log
    quality: int
    transform: str = ""

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
        """The stored form."""
        version, numbers = (_TURNED, "<f4") if self.transform else (_PLAIN, "<f2")
        engine = self.engine.encode("ascii")
        name = self.transform.encode("ascii")
        head = _HEAD.pack(_MAGIC, version, self.quality, len(engine)) + engine
        turned = bytes([len(name)]) + name if name else b""
        return head + turned + struct.pack("<H", self.vector.size) + self.vector.astype(numbers).tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> FaceTemplate:
        """Reads the stored form. Raises InvalidTemplate: `template_malformed`, `template_version_unsupported`."""
        quality, engine, transform, body = _head(data)
        return cls(engine, _vector(data, body, "<f4" if transform else "<f2"), quality, transform)


def similarity(probe: FaceTemplate, reference: FaceTemplate) -> float:
    """Cosine of the angle between the vectors of two templates of one engine, under one transform; -1..1.

    In double precision: a turned pair is to score as it did, and sums of single precision differ by nearly 1e-6.
    """
    first, second = probe.vector.astype(np.float64), reference.vector.astype(np.float64)
    return float(np.clip(first @ second / np.sqrt((first @ first) * (second @ second)), -1.0, 1.0))


def transform_of(data: bytes) -> str | None:
    """The name of the transform in a stored form, empty for one that was not turned; None for what is no face template.

    Raises InvalidTemplate for one that is damaged before its vector, which is not looked at.
    """
    return _head(data)[2] if data.startswith(_MAGIC) else None


def _head(data: bytes) -> tuple[int, str, str, int]:
    """The quality, the engine, the transform, and where the rest begins."""
    if len(data) < _HEAD.size or not data.startswith(_MAGIC):
        raise InvalidTemplate("template_malformed", "no face template")
    _, version, quality, length = _HEAD.unpack_from(data)
    if version not in {_PLAIN, _TURNED}:
        raise InvalidTemplate("template_version_unsupported", f"version {version}")
    if quality > 100:
        raise InvalidTemplate("template_malformed", "the quality is wrong")
    engine, body = _name(data, _HEAD.size, length)
    transform = ""
    if version == _TURNED:
        transform, body = _name(data, body + 1, data[body] if body < len(data) else 0)
    return quality, engine, transform, body


def _name(data: bytes, start: int, length: int) -> tuple[str, int]:
    """A name and where it ends."""
    end = start + length
    name = data[start:end]
    if not 1 <= length <= _MAX_NAME or len(name) < length or not name.isascii():
        raise InvalidTemplate("template_malformed", "a name is wrong")
    return name.decode("ascii"), end


def _vector(data: bytes, start: int, numbers: str) -> NDArray[np.float32]:
    """The vector with its length before it, up to the end of the data."""
    if len(data) < start + 2:
        raise InvalidTemplate("template_malformed", "there is no vector")
    dimensions = struct.unpack_from("<H", data, start)[0]
    if not possible(dimensions) or len(data) != start + 2 + np.dtype(numbers).itemsize * dimensions:
        raise InvalidTemplate("template_malformed", "the vector's length is wrong")
    vector = np.frombuffer(data, numbers, dimensions, start + 2).astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        off_norm = abs(float(np.linalg.norm(vector.astype(np.float64))) - 1.0)
    if not off_norm <= _NORM_TOLERANCE:
        raise InvalidTemplate("template_malformed", "the vector is not of length 1")
    return vector


def possible(dimensions: int) -> bool:
    """Whether a vector may be so long."""
    return dimensions % _STEP == 0 and 0 < dimensions <= _MOST
