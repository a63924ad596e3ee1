"""Whether faces of one deployment can be linked with those of another: D_sys of stored templates, which are under a
transform of the deployment's own, as are the vectors in galleries, in their snapshots and in a search's folder.

Two pictures of everybody who has two, drawn by a hash of the name: the first as one deployment stores it, the other as
another does, each written to the stored form and read from it. Mated: the same person's; non-mated: every two people's
of one half (statistics are those of the other half of the people). The linkage score is the comparison score. `other
keys`: twenty pairs of deployments, with the mean and the range in which 95 % of the pairs lie; `nothing to link`: the
same scores with the labels mixed, which is what the measure gives by chance; `stolen before a renewal`: one picture of
everybody, before and after one deployment renewed its templates, twenty times; `one key`: both under one transform,
where everything links; `as it is`: without any. `difference`: the most by which a transform changed a score.
`turn`, `matrix`: what it costs, in processor time.
"""

import hashlib
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.common.report import Result, print_table, write_json
from benchmarks.face.gallery import Templates, cached, pictures_below, subject_of
from benchmarks.face.statistics import held_out
from biometrics.face import FaceEngine, FaceTemplate, Transform
from biometrics.scoring.unlinkability import floor, unlinkability

PAIRS = 20
Rows = NDArray[np.float32]
Scores = NDArray[np.float64]


def run(images: Path, cache: Path | None, json_path: Path | None) -> list[Result]:
    """Measure, print a table, and write JSON where asked to. Raises SystemExit for too few people."""
    engine = FaceEngine.open()
    gallery = cached(engine, images, sorted(pictures_below(images)), cache)
    made = held_out(engine, gallery)
    if made is None:
        raise SystemExit(f"too few people below {images} for statistics of their own")
    first, second, half = two_of_each(made)
    results = [*measure(engine.engine, first, second, half), *cost()]
    print_table(results, title=f"{engine.engine}: stored faces, {len(first)} people")
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
    one, *others = (deployment(number) for number in range(2 * pairs))
    apart = (half[:, None] == half[None, :]) & ~np.eye(len(half), dtype=bool)
    generator = np.random.default_rng(1)
    pictures = [[FaceTemplate.of(engine, row, 50) for row in rows] for rows in (first, second)]

    def scores(left: Transform | None, right: Transform | None, *, same: bool = False) -> tuple[Scores, Scores]:
        every = stored(pictures[0], left) @ stored(pictures[0 if same else 1], right).T
        return every.diagonal(), every[apart]

    keys = [one, *others]
    linked, chance, renewed = [], [], []
    for left, right in zip(keys[::2], keys[1::2], strict=True):
        found = scores(left, right)
        linked.append(unlinkability(*found).d_sys)
        chance.append(floor(*found, generator).d_sys)
        renewed.append(unlinkability(*scores(left, right, same=True)).d_sys)
    plain, under_one = scores(None, None), scores(one, one)
    count = len(first)
    difference = max(float(np.abs(a - b).max()) for a, b in zip(plain, under_one, strict=True))
    return [
        _spread("other keys", linked, count),
        _spread("nothing to link", chance, count),
        _spread("stolen before a renewal", renewed, count),
        Result("one key", "d_sys", unlinkability(*under_one).d_sys, None, None, "", count),
        Result("as it is", "d_sys", unlinkability(*plain).d_sys, None, None, "", count),
        Result("one key", "difference", difference, None, None, "score", count + int(apart.sum())),
    ]


def cost(times: int = 2000) -> list[Result]:
    """Processor time of this thread: to make a matrix, and to turn a face with it."""
    results = []
    for dimensions in (128, 512):
        rows = np.random.default_rng(2).standard_normal((times, dimensions))
        templates = [FaceTemplate.of("cost", row, 50) for row in rows]
        transform, begun = deployment(0), time.thread_time()
        transform.matrix("cost", dimensions)
        made = time.thread_time()
        for template in templates:
            transform.turn(template)
        ended = time.thread_time()
        name = f"{dimensions} numbers"
        results.append(Result(name, "matrix", 1000 * (made - begun), None, None, "ms", 1))
        results.append(Result(name, "turn", 1000 * (ended - made) / times, None, None, "ms", times))
    return results


def stored(templates: list[FaceTemplate], transform: Transform | None) -> Scores:
    """Vectors (n, D) of length 1 as they are read from the stored form, under a transform or none."""
    turned = templates if transform is None else [transform.turn(one) for one in templates]
    rows = np.stack([FaceTemplate.from_bytes(one.to_bytes()).vector for one in turned]).astype(np.float64)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float64)


def deployment(number: int) -> Transform:
    """The transform of one of many deployments, each with a key of its own."""
    return Transform(f"deployment-{number}", hashlib.sha256(f"deployment {number}".encode()).digest())


def _spread(name: str, values: list[float], count: int) -> Result:
    low, high = np.quantile(values, (0.025, 0.975))
    return Result(name, "d_sys", float(np.mean(values)), float(low), float(high), "", count)


def _unit(rows: Rows) -> Rows:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)
