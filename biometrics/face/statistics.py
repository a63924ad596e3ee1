"""What is known of a recogniser's embeddings from many people, and what it does to one embedding.

A file of 128 + 128 x 128 numbers, no people: the mean of all people, and how much the pictures of one person scatter in
each direction. An embedding less the mean, stretched where people differ and pressed where only their pictures do,
makes a better template than the bare one (within-class covariance normalisation: Hatch, Kajarekar, Stolcke,
Interspeech 2006). `fitting.py` makes such a file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biometrics.errors import BiometricError
from models import tensors


class StatisticsError(BiometricError):
    """There are no statistics for this engine (`statistics_missing`), or the file is none (`statistics_damaged`)."""


@dataclass(frozen=True, eq=False)
class Statistics:
    """`mean` (D,) and `transform` (D, D), symmetric, float32, for the engine `engine`; `provenance` says of what."""

    engine: str
    mean: NDArray[np.float32]
    transform: NDArray[np.float32]
    provenance: Mapping[str, Any]

    def __post_init__(self) -> None:
        size = self.mean.shape[0] if self.mean.ndim == 1 else 0
        if size == 0 or self.transform.shape != (size, size):
            raise StatisticsError("statistics_damaged", "the shapes do not fit together")
        if not (np.isfinite(self.mean).all() and np.isfinite(self.transform).all()):
            raise StatisticsError("statistics_damaged", "a number is not finite")
        self.mean.setflags(write=False)
        self.transform.setflags(write=False)

    @staticmethod
    def load(engine: str) -> Statistics:
        """The shipped statistics of exactly this engine. Raises StatisticsError; another engine's are never taken."""
        return _load(engine)

    @classmethod
    def neutral(cls, engine: str, size: int) -> Statistics:
        """Statistics that change nothing but the length of an embedding (size,)."""
        return cls(engine, np.zeros(size, np.float32), np.eye(size, dtype=np.float32), {})

    def apply(self, embeddings: ArrayLike) -> NDArray[np.float64]:
        """Embeddings (..., D), whose lengths mean nothing, as directions (..., D) of length 1."""
        moved = (_unit(np.asarray(embeddings, np.float64)) - self.mean) @ self.transform
        return _unit(moved)

    def to_bytes(self) -> bytes:
        """The file, safetensors: `mean`, `transform`, and as metadata `facts`, JSON; the same bytes for the same."""
        facts = json.dumps({"engine": self.engine, **self.provenance}, ensure_ascii=False, sort_keys=True)
        return tensors.dumps({"mean": self.mean, "transform": self.transform}, {"facts": facts})

    @classmethod
    def from_bytes(cls, data: bytes, engine: str) -> Statistics:
        """Read what `to_bytes` wrote, for `engine`. Raises StatisticsError when it is none, or another engine's."""
        try:
            facts = dict(json.loads(tensors.metadata_of(data)["facts"]))
            belongs = facts.pop("engine")
            arrays = tensors.loads(data)
            mean, transform = (arrays[name].astype(np.float32) for name in ("mean", "transform"))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise StatisticsError("statistics_damaged", "it is no statistics file") from error
        if belongs != engine:
            raise StatisticsError("statistics_damaged", "it belongs to another engine")
        return cls(engine, mean, transform, facts)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float64)


@cache
def _load(engine: str) -> Statistics:
    file = resources.files(__package__) / "data" / f"{engine}.safetensors"
    if not file.is_file():
        raise StatisticsError("statistics_missing", f"no statistics for the engine {engine!r}")
    return Statistics.from_bytes(file.read_bytes(), engine)
