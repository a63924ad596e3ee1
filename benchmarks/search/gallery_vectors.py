"""Made-up vectors that scatter as real face templates do, for galleries larger than any set of faces at hand.

`gallery_vectors.json` holds what is needed of the templates of Labeled Faces in the Wild: how much they scatter in each
direction (eigenvalues of the covariance of one template a person), where their mean lies, and how alike two templates
of one person are (quantiles of one pair a person). No person can be read from it; the axes themselves are not in it,
since a gallery's search does not depend on how space is turned.

A drawn person is a draw of a normal distribution with that mean and covariance, scaled to length 1; their mate is the
same vector turned, by the angle of a drawn pair, towards where another draw lies. How far the pairs of different
persons of such a set are like real ones: `tests/benchmarks/test_gallery.py`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import typer
from numpy.typing import NDArray

Floats = NDArray[np.float32]
FILE = Path(__file__).with_suffix(".json")
OTHERS = (0.5, 0.9, 0.99, 0.999, 0.9999)
_QUANTILES = 201
_DIGITS = 6


@dataclass(frozen=True)
class Scatter:
    """How templates scatter: `eigenvalues` and `mean` along the same axes, quantiles of the cosines of `mated` pairs,
    and of pairs of different persons the quantiles `OTHERS`, to compare drawn ones with."""

    source: str
    engine: str
    persons: int
    pairs: int
    eigenvalues: tuple[float, ...]
    mean: tuple[float, ...]
    mated: tuple[float, ...]
    others: tuple[float, ...]

    @classmethod
    def load(cls) -> Scatter:
        """The committed one."""
        told: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
        told |= {key: tuple(told[key]) for key in ("eigenvalues", "mean", "mated", "others")}
        return cls(**told)

    def persons_of(self, draw: np.random.Generator, count: int, dimensions: int) -> Floats:
        """Vectors of `count` persons, float32 (count, dimensions) of length 1."""
        deviations = np.sqrt(np.resize(self.eigenvalues, dimensions)).astype(np.float32)
        raw = draw.standard_normal((count, dimensions), np.float32) * deviations
        return _unit(raw + np.resize(self.mean, dimensions).astype(np.float32))

    def mates_of(self, draw: np.random.Generator, persons: Floats, cosines: NDArray[np.float64]) -> Floats:
        """A second vector of each of `persons` (n, D), at `cosines` (n,) from the first."""
        other = self.persons_of(draw, len(persons), persons.shape[1])
        aside = _unit(other - (other * persons).sum(axis=1, keepdims=True) * persons)
        near = cosines.astype(np.float32)[:, None]
        return _unit(near * persons + np.sqrt(1 - near * near) * aside)

    def cosines(self, draw: np.random.Generator, count: int) -> NDArray[np.float64]:
        """How alike the two templates of each of `count` persons are, as drawn from real pairs."""
        return np.interp(draw.random(count), np.linspace(0, 1, len(self.mated)), self.mated)


def run(vectors: Path, source: str, out: Path = FILE) -> Scatter:
    """Write the scatter of templates that `vectors` wrote: of one a person, and of the first pair of each person."""
    with np.load(vectors, allow_pickle=False) as file:
        people = np.array([str(name).rsplit("/", 1)[0] for name in file["names"]])
        rows, half, engine = file["vectors"].astype(np.float64), file["half"], str(file["engine"])
    if len(set(people.tolist())) < 2 * rows.shape[1]:
        raise typer.BadParameter("a covariance needs at least twice as many persons as dimensions")
    eigenvalues, means, mated, others = [], [], [], []
    for one in np.unique(half):
        mine, of = rows[half == one], people[half == one]
        firsts = np.unique(of, return_index=True)[1]
        values, axes = np.linalg.eigh(np.cov(mine[firsts].T))
        eigenvalues.append(values[::-1])
        means.append((mine[firsts].mean(axis=0) @ axes)[::-1])
        others.append(cosines_of_others(mine[firsts]))
        mated += [float(mine[i] @ mine[j]) for i, j in _pairs(of)]
    found = Scatter(
        source=source,
        engine=engine,
        persons=len(set(people.tolist())),
        pairs=len(mated),
        eigenvalues=_rounded(np.mean(eigenvalues, axis=0)),
        # The two halves have axes of their own, whose signs mean nothing: what counts is the length along each.
        mean=_rounded(np.sqrt(np.mean(np.square(means), axis=0))),
        mated=_rounded(np.quantile(mated, np.linspace(0, 1, _QUANTILES))),
        others=_rounded(np.mean(others, axis=0)),
    )
    out.write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")
    return found


def cosines_of_others(persons: NDArray[Any]) -> NDArray[np.float64]:
    """The quantiles `OTHERS` of the cosines of all pairs of `persons` (n, D), each of length 1."""
    cosines = (persons @ persons.T)[np.triu_indices(len(persons), 1)]
    return np.asarray(np.quantile(cosines, OTHERS), np.float64)


def _pairs(people: NDArray[np.str_]) -> list[tuple[int, int]]:
    places: dict[str, list[int]] = {}
    for place, person in enumerate(people.tolist()):
        places.setdefault(person, []).append(place)
    return [(of[0], of[1]) for of in places.values() if len(of) > 1]


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def _rounded(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(float(value), _DIGITS) for value in values)
