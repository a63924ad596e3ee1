"""Whether faces under one deployment's rotation can be linked with those under another's: D_sys of the vectors that lie
in galleries, in their snapshots and in a search's folder.

Two pictures of everybody who has two, drawn by a hash of the name: the first under one deployment's rotation, the other
under another's. Mated: the same person's; non-mated: every two people's of one half (statistics are those of the other
half of the people). The linkage score is the comparison score. `other keys`: twenty pairs of deployments, with the mean
and the range in which 95 % of the pairs lie; `nothing to link`: the same scores with the labels mixed, which is what
the measure gives by chance; `one key`: both under one rotation, where everything links; `as it is`: without any.
`difference`: the most by which a rotation changed a score.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray

from api.screening.transform import Rotation, rotation
from api.storage.keys import Keys
from benchmarks.common.report import Result, print_table, write_json
from benchmarks.face.gallery import Templates, cached, pictures_below, subject_of
from benchmarks.face.statistics import held_out
from biometrics.face import FaceEngine
from biometrics.scoring.unlinkability import floor, unlinkability

PAIRS = 20
Rows = NDArray[np.float32]


def run(images: Path, cache: Path | None, json_path: Path | None) -> list[Result]:
    """Measure, print a table, and write JSON where asked to. Raises SystemExit for too few people."""
    engine = FaceEngine.open()
    gallery = cached(engine, images, sorted(pictures_below(images)), cache)
    made = held_out(engine, gallery)
    if made is None:
        raise SystemExit(f"too few people below {images} for statistics of their own")
    first, second, half = two_of_each(made)
    results = measure(engine.engine, first, second, half)
    print_table(results, title=f"{engine.engine}: faces under rotations, {len(first)} people")
    if json_path:
        write_json(json_path, "face-unlinkability", results)
    return results


def two_of_each(made: Templates) -> tuple[Rows, Rows, NDArray[np.int64]]:
    """Vectors (n, D) of two pictures of everybody who has them, of length 1, and each one's half."""
    of: dict[str, list[str]] = {}
    for name in made.of:
        of.setdefault(subject_of(name), []).append(name)
    chosen = [
        sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())[:2]
        for _, names in sorted(of.items())
        if len(names) > 1
    ]
    assert made.half is not None
    half = np.array([made.half[names[0]] for names in chosen])
    first, second = (_unit(np.stack([made.of[names[turn]].vector for names in chosen])) for turn in (0, 1))
    return first, second, half


def measure(engine: str, first: Rows, second: Rows, half: NDArray[np.int64], pairs: int = PAIRS) -> list[Result]:
    """The figures for two pictures (n, D) of each of n people."""
    dimensions = first.shape[1]
    one, *others = (deployment(number, engine, dimensions) for number in range(2 * pairs))
    apart = (half[:, None] == half[None, :]) & ~np.eye(len(half), dtype=bool)
    generator = np.random.default_rng(1)

    def scores(turned: Callable[[Rows], Rows], turned_otherwise: Callable[[Rows], Rows]) -> tuple[Rows, Rows]:
        every = turned(first) @ turned_otherwise(second).T
        return every.diagonal(), every[apart]

    plain, same = scores(lambda rows: rows, lambda rows: rows), scores(one.apply, one.apply)
    keys = [one, *others]
    linked, chance = [], []
    for left, right in zip(keys[::2], keys[1::2], strict=True):
        found = scores(left.apply, right.apply)
        linked.append(unlinkability(*found).d_sys)
        chance.append(floor(*found, generator).d_sys)
    count = len(first)
    difference = max(float(np.abs(np.float64(a) - b).max()) for a, b in zip(plain, same, strict=True))
    return [
        _spread("other keys", linked, count),
        _spread("nothing to link", chance, count),
        Result("one key", "d_sys", unlinkability(*same).d_sys, None, None, "", count),
        Result("as it is", "d_sys", unlinkability(*plain).d_sys, None, None, "", count),
        Result("one key", "difference", difference, None, None, "score", count + int(apart.sum())),
    ]


def deployment(number: int, engine: str, dimensions: int) -> Rotation:
    """The rotation of one of many deployments, each with a master key of its own."""
    master = hashlib.sha256(f"deployment {number}".encode()).digest()
    return rotation(Keys(master, bytes(32), Ed25519PrivateKey.generate(), bytes(32)), engine, dimensions)


def _spread(name: str, values: list[float], count: int) -> Result:
    low, high = np.quantile(values, (0.025, 0.975))
    return Result(name, "d_sys", float(np.mean(values)), float(low), float(high), "", count)


def _unit(rows: Rows) -> Rows:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)
