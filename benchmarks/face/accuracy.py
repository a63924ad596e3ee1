"""Accuracy and speed of the face engine on labelled photographs.

The pairs are those that the CSV lists (columns reference, probe, mated: 1 or 0; paths below the pictures' folder). A
picture's subject is the name of its folder, as in Labeled Faces in the Wild.

Every rate is given twice, where the people are enough for that: `NAME/subjects`, with two halves of the people, each
tested with statistics of embeddings that were fitted on the other half (pairs across the halves are left out), and
`NAME/shipped`, with the statistics that ship, which flatter wherever they were fitted on these very pictures.

* `accuracy`: balanced accuracy of the listed pairs over ten folds of subjects, the threshold chosen on nine folds and
  used on the tenth (the protocol of Huang et al., UMass TR 07-49, with subjects kept apart).
* `eer`: of the listed pairs.
* `tar_at_fmr_*`: of the listed mated pairs, against the listed non-mated pairs as far as they are enough for the rate;
  with `cross` against every pair of pictures of two different people in the folder.
* `ftd`: pictures in which no face is detected; `fta`: those that are no pictures; `fte`: pictures whose face is too
  poor for a template. Every comparison with such a picture counts as rejected.
* `multiple_faces`: pictures for which the service asks again, because two faces are as plausible. They are counted
  here and compared all the same, with the face nearest the centre: the benchmark's pictures are about one named person.

Intervals: 95 %, bootstrap over subjects; for `accuracy` with the folds' thresholds held.
"""

import csv
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.common.progress import say, track
from benchmarks.common.report import FRACTION, Result, ScoreRow, print_table, write_json, write_scores
from benchmarks.face import sheet as face_sheet
from benchmarks.face import statistics as face_statistics
from benchmarks.face.gallery import (
    FAILED,
    NOT_ACQUIRED,
    NOT_DETECTED,
    NOT_ENROLLED,
    Gallery,
    Templates,
    cached,
    pictures_below,
    subject_of,
    templates,
)
from benchmarks.scores.rates import TAR_METRICS, comparisons_of, rate_results, supported_metrics
from biometrics.face import FaceTemplate
from biometrics.face.packs import open_engine
from biometrics.scoring.bootstrap import Comparisons, intervals
from biometrics.scoring.folds import best_threshold, random_subject_folds, subject_folds
from biometrics.scoring.rates import Curve

FOLDS = 10
BLOCK = 512
_FAILURES = (NOT_DETECTED, NOT_ACQUIRED, NOT_ENROLLED)
Pairs = list[tuple[str, str, bool]]


def run(
    images: Path,
    pairs: Path,
    cross: bool,
    scores: Path | None,
    json_path: Path | None,
    cache: Path | None = None,
    sheet: Path | None = None,
    pack: str = "sface",
) -> list[Result]:
    """Measure, print a table, write scores (of the listed pairs) and JSON where asked to; see the module's text."""
    listed = read_pairs(pairs)
    engine = open_engine(pack)
    gallery = cached(engine, images, names_of(images, listed, cross), cache)
    name = images.resolve().name
    results = failures(name, gallery)
    held_out = face_statistics.held_out(engine, gallery, [(reference, probe) for reference, probe, _ in listed])
    if held_out is not None:
        rows = score_rows(held_out, listed)
        results += measure(f"{name}/subjects", held_out, gallery, rows, cross)
    shipped = templates(engine, gallery)
    shipped_rows = score_rows(shipped, listed)
    results += measure(f"{name}/shipped", shipped, gallery, shipped_rows, cross)
    results += costs(name, shipped, gallery)
    judged = shipped_rows if held_out is None else rows
    if scores:
        write_scores(scores, judged)
    if sheet:
        face_sheet.write(sheet, images, judged)
    print_table(results, title=f"{engine.engine}: {len(listed)} pairs")
    if json_path:
        write_json(json_path, "face", results)
    return results


def names_of(images: Path, listed: Pairs, cross: bool) -> list[str]:
    """The listed pictures, and with `cross` all others below `images`. Raises typer.BadParameter for missing ones."""
    names = sorted({name for reference, probe, _ in listed for name in (reference, probe)})
    missing = [name for name in names if not (images / name).is_file()]
    if missing:
        raise typer.BadParameter(f"{len(missing)} listed pictures are not below {images}, the first: {missing[0]}")
    return sorted(set(names) | set(pictures_below(images))) if cross else names


def score_rows(made: Templates, listed: Pairs) -> list[ScoreRow]:
    """The comparison scores of the listed pairs."""
    return [ScoreRow(a, b, mated, made.score(a, b)) for a, b, mated in listed]


def read_pairs(path: Path) -> Pairs:
    """(reference, probe, mated) of each line. Raises typer.BadParameter for anything else than such lines."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = [
                (row["reference"], row["probe"], {"1": True, "0": False}[row["mated"]]) for row in csv.DictReader(file)
            ]
    except (KeyError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{path} needs the columns reference, probe and mated (1 or 0)") from error
    if {mated for *_, mated in lines} != {True, False}:
        raise typer.BadParameter(f"{path} has to list mated and non-mated pairs")
    return lines


def measure(name: str, made: Templates, gallery: Gallery, rows: Sequence[ScoreRow], cross: bool) -> list[Result]:
    """The rates of one kind of templates."""
    listed = comparisons_of(rows, subject_of)
    results = [*accuracy(name, listed), *rate_results(name, listed, metrics=["eer"])]
    if cross:
        say("Comparing every picture with those of all other people, and drawing subjects for the intervals ...")
        listed = cross_comparisons(made, gallery, rows)
    tars = [metric for metric in supported_metrics(len(listed.non_mated)) if metric in TAR_METRICS]
    return results + rate_results(name, listed, metrics=tars)


def failures(name: str, gallery: Gallery) -> list[Result]:
    """The shares of pictures that gave no template, and of those that the service would have asked for again."""
    pictures = len(gallery)
    counts = {kind: sum(found == kind for found in gallery.failures.values()) for kind in _FAILURES}
    counts["multiple_faces"] = len(gallery.several)
    return [Result(name, kind, count / pictures, None, None, FRACTION, pictures) for kind, count in counts.items()]


def accuracy(set_name: str, listed: Comparisons) -> list[Result]:
    """Balanced accuracy over ten folds of subjects: the mean of the folds' values. None for too few subjects."""
    try:
        fold_of = subject_folds(listed, FOLDS)
    except ValueError:  # the pairs join too many subjects; then those across two folds belong to neither
        fold_of = random_subject_folds(listed.subjects, FOLDS)
    margins = [_margins(listed, fold_of, fold) for fold in range(FOLDS)]
    if any(len(mated) == 0 or len(non_mated) == 0 for mated, non_mated, *_ in margins):
        say(f"No accuracy: the subjects are too few for {FOLDS} folds with mated and non-mated pairs each.")
        return []
    values = [_accuracy_at_zero(Curve.of(mated, non_mated)) for mated, non_mated, *_ in margins]
    pooled = Comparisons(*(np.concatenate(parts) for parts in zip(*margins, strict=True)))
    low, high = intervals(pooled, {"accuracy": _accuracy_at_zero})["accuracy"] or (None, None)
    count = len(pooled.mated) + len(pooled.non_mated)
    return [Result(set_name, "accuracy", float(np.mean(values)), low, high, FRACTION, count)]


def _margins(listed: Comparisons, fold_of: NDArray[np.int32], fold: int) -> tuple[NDArray[Any], ...]:
    """A fold's scores less the threshold that is best on the other folds, and their subjects, as in Comparisons."""
    mated, others = fold_of[listed.mated_subject], fold_of[listed.non_mated_subjects]
    threshold = np.float32(
        best_threshold(listed.mated[mated != fold], listed.non_mated[np.all(others != fold, axis=1)])
    )
    here, there = mated == fold, np.all(others == fold, axis=1)
    return (
        listed.mated[here] - threshold,
        listed.non_mated[there] - threshold,
        listed.mated_subject[here],
        listed.non_mated_subjects[there],
    )


def _accuracy_at_zero(margins: Curve) -> float:
    return 1.0 - float(margins.fnmr(0.0) + margins.fmr(0.0)) / 2


def cross_comparisons(made: Templates, gallery: Gallery, rows: Sequence[ScoreRow]) -> Comparisons:
    """The listed mated pairs against every pair of pictures of two different subjects (of the same half)."""
    names = sorted([*gallery.embedded, *gallery.failures])
    numbers = {subject: number for number, subject in enumerate(sorted({subject_of(name) for name in names}))}
    subjects = np.array([numbers[subject_of(name)] for name in names], np.int32)
    half = np.array([0 if made.half is None else made.half[name] for name in names], np.int32)
    mated = [row for row in rows if row.mated]
    scores, others = _across(_unit_vectors(made, names), subjects, half)
    return Comparisons(
        np.array([row.score for row in mated], np.float32),
        scores,
        np.array([numbers[subject_of(row.reference)] for row in mated], np.int32),
        others,
    )


def _unit_vectors(made: Templates, names: Sequence[str]) -> NDArray[np.float32]:
    """Templates as rows of length 1, NaN for a failure."""
    vectors = np.full((len(names), next(iter(made.of.values())).vector.size), np.nan, np.float32)
    for row, name in enumerate(names):
        if name in made.of:
            vectors[row] = made.of[name].vector
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def _across(
    vectors: NDArray[np.float32], subjects: NDArray[np.int32], half: NDArray[np.int32]
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Cosines and subjects of all pairs of rows of two subjects and one half, in blocks; -inf for a failure."""
    scores, pairs = [], []
    for start in track(range(0, len(vectors), BLOCK), "Cross-identity pairs"):
        rows = slice(start, start + BLOCK)
        cosines = vectors[rows] @ vectors.T
        others = (subjects[rows, None] < subjects[None, :]) & (half[rows, None] == half[None, :])
        first, second = np.nonzero(others)
        scores.append(np.nan_to_num(cosines[first, second], nan=FAILED))
        pairs.append(np.stack([subjects[rows][first], subjects[second]], axis=1))
    return np.concatenate(scores), np.concatenate(pairs)


def costs(name: str, made: Templates, gallery: Gallery) -> list[Result]:
    """Median CPU time of one extraction and one comparison on one thread, and the stored template's size."""
    some = list(made.of.values())[:1000]
    compare_ms = _cpu_ms(made.engine.compare, some)
    figures = (
        ("extract_ms", float(np.median(gallery.extract_ms)), "ms", len(gallery.extract_ms)),
        ("compare_ms", compare_ms, "ms", len(some)),
        ("template_bytes", float(np.mean([len(t.to_bytes()) for t in some])), "bytes", len(some)),
    )
    return [Result(name, metric, value, None, None, unit, n) for metric, value, unit, n in figures]


def _cpu_ms(
    compare: Callable[[FaceTemplate, FaceTemplate], float], templates: Sequence[FaceTemplate], rounds: int = 20
) -> float:
    """Median over rounds of the mean over all templates: one comparison is shorter than the clock's step."""
    means = []
    for _ in range(rounds):
        start = time.thread_time()
        for template in templates:
            compare(template, templates[0])
        means.append(1e3 * (time.thread_time() - start) / len(templates))
    return float(np.median(means))
