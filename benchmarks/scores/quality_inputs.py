"""The files that `quality-side` reads, from pictures: qualities of every sample, and scores of faces.

Of each set of fingers `quality_<set>.csv`; its scores are what `fingerprint --scores` writes. Of the faces
`quality_<folder>.csv` and `scores_<folder>_sampled.csv`: the listed mated pairs, and so many non-mated pairs drawn at
random (seed 0) among all pictures of the same half of the people, with statistics of the other half: the listed
non-mated pairs are too few for a low FMR, and all there are too many for a file.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import typer

from benchmarks.common.progress import say
from benchmarks.common.report import ScoreRow, write_scores
from benchmarks.face.accuracy import names_of, read_pairs
from benchmarks.face.gallery import Templates, cached, subject_of
from benchmarks.face.statistics import held_out
from benchmarks.finger.interchange import extract
from benchmarks.finger.sets import find_sets
from biometrics.face import FaceEngine
from biometrics.finger import FingerEngine


def run(
    out: Path,
    fingers: Path | None,
    cache: Path | None,
    images: Path | None,
    pairs: Path | None,
    embeddings: Path | None,
    non_mated: int,
) -> None:
    """Write what is asked for to the folder `out`; see the module's text. Raises typer.BadParameter."""
    if fingers is None and images is None:
        raise typer.BadParameter("nothing to do: name --fingers, or --images and --pairs")
    if (images is None) != (pairs is None):
        raise typer.BadParameter("--images and --pairs go together")
    out.mkdir(parents=True, exist_ok=True)
    if fingers is not None:
        of_fingers(out, fingers, cache)
    if images is not None and pairs is not None:
        of_faces(out, images, pairs, embeddings, non_mated)


def of_fingers(out: Path, data: Path, cache: Path | None) -> None:
    """The qualities of every set of fingers in `data`."""
    try:
        sets = find_sets(data)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    engine = FingerEngine.open()
    engine.warm_up()
    for captures in sets:
        own = extract(engine, captures, cache)
        write_quality(out / f"quality_{captures.name}.csv", {name: one.quality for name, one in own.items()})


def of_faces(out: Path, images: Path, pairs: Path, embeddings: Path | None, non_mated: int) -> None:
    """The qualities of all pictures that have a template, and the scores of listed mated and drawn non-mated pairs."""
    listed = read_pairs(pairs)
    engine = FaceEngine.open()
    gallery = cached(engine, images, names_of(images, listed, True), embeddings)
    made = held_out(engine, gallery, [pair[:2] for pair in listed])
    if made is None:
        raise typer.BadParameter(f"too few people below {images} for statistics of their own")
    name = images.resolve().name
    write_quality(out / f"quality_{name}.csv", {one: face.quality for one, face in gallery.embedded.items()})
    mated = [ScoreRow(a, b, True, made.score(a, b)) for a, b, same in listed if same and {a, b} <= made.of.keys()]
    drawn = [ScoreRow(a, b, False, made.score(a, b)) for a, b in draw(made, non_mated)]
    count = write_scores(out / f"scores_{name}_sampled.csv", [*mated, *drawn])
    say(f"{len(mated)} mated and {count - len(mated)} non-mated scores")


def draw(made: Templates, wanted: int) -> list[tuple[str, str]]:
    """Pairs of pictures of two people in the same half, no pair twice, as many as wanted or as there are."""
    names = sorted(made.of)
    half = np.array([0 if made.half is None else made.half[name] for name in names])
    people = np.unique([subject_of(name) for name in names], return_inverse=True)[1]
    first, second = np.triu_indices(len(names), 1)
    there = np.flatnonzero((half[first] == half[second]) & (people[first] != people[second]))
    chosen = np.sort(np.random.default_rng(0).choice(there, size=min(wanted, len(there)), replace=False))
    return [(names[one], names[other]) for one, other in zip(first[chosen], second[chosen], strict=True)]


def write_quality(path: Path, qualities: Mapping[str, float]) -> None:
    """A CSV of sample and quality, as `quality-side` and `renzheng evaluate` read it."""
    rows: Sequence[tuple[str, float]] = sorted(qualities.items())
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("sample", "quality"))
        writer.writerows((name, f"{quality:g}") for name, quality in rows)
    say(f"{path.name}: {len(rows)} samples")
