"""Accuracy and speed of the face engine on labelled photographs.

The pairs are those that the CSV lists (columns reference, probe, mated: 1 or 0; paths below the pictures' folder). A
picture's subject is the name of its folder, as in Labeled Faces in the Wild.

* `accuracy`: balanced accuracy of the listed pairs over ten folds of subjects, the threshold chosen on nine folds and
  used on the tenth (the protocol of Huang et al., UMass TR 07-49, with subjects kept apart).
* `eer`: of the listed pairs.
* `tar_at_fmr_*`: of the listed mated pairs, against the listed non-mated pairs as far as they are enough for the rate;
  with `cross` against every pair of pictures of two different people in the folder.
* `fta`: pictures in which no face could be taken for the subject's (unreadable, no face, several); `fte`: pictures
  whose face is too poor for a template. Every comparison with such a picture counts as rejected.

Intervals: 95 %, bootstrap over subjects; for `accuracy` with the folds' thresholds held.
"""

import csv
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks.progress import say, track
from benchmarks.rates import TAR_METRICS, comparisons_of, rate_results, supported_metrics
from benchmarks.report import FRACTION, Result, ScoreRow, print_table, write_json, write_scores
from biometrics.errors import InvalidImage, NotAssessable
from biometrics.face import FaceEngine, FaceTemplate
from biometrics.scoring.bootstrap import Comparisons, intervals
from biometrics.scoring.folds import best_threshold, random_subject_folds, subject_folds
from biometrics.scoring.rates import Curve

FOLDS = 10
PICTURES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".jp2"})
BLOCK = 512
FAILED = -np.inf
NOT_ACQUIRED, NOT_ENROLLED = "fta", "fte"


@dataclass
class Gallery:
    """What became of the pictures: a template, or the kind of failure; and the CPU time of each success in ms."""

    templates: dict[str, FaceTemplate] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    extract_ms: list[float] = field(default_factory=list)


def run(images: Path, pairs: Path, cross: bool, scores: Path | None, json_path: Path | None) -> list[Result]:
    """Measure, print a table, write scores (of the listed pairs) and JSON where asked to; see the module's text."""
    listed = read_pairs(pairs)
    names = sorted({name for reference, probe, _ in listed for name in (reference, probe)})
    missing = [name for name in names if not (images / name).is_file()]
    if missing:
        raise typer.BadParameter(f"{len(missing)} listed pictures are not below {images}, the first: {missing[0]}")
    engine = FaceEngine.open()
    gallery = extract(engine, images, sorted(set(names) | set(pictures_below(images))) if cross else names)
    rows = [ScoreRow(a, b, mated, score(engine, gallery, a, b)) for a, b, mated in listed]
    if scores:
        write_scores(scores, rows)
    results = measure(images.resolve().name, engine, gallery, rows, cross)
    print_table(results, title=f"{engine.engine}: {len(rows)} pairs")
    if json_path:
        write_json(json_path, "face", results)
    return results


def read_pairs(path: Path) -> list[tuple[str, str, bool]]:
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


def pictures_below(images: Path) -> list[str]:
    """All pictures in the folders of subjects, as paths below `images`."""
    return [path.relative_to(images).as_posix() for path in images.glob("*/*") if path.suffix.lower() in PICTURES]


def subject_of(name: str) -> str:
    """The name of the picture's folder."""
    return PurePosixPath(name).parent.name


def extract(engine: FaceEngine, images: Path, names: Sequence[str]) -> Gallery:
    """Templates of all pictures, one thread; what is compiled on first use is not timed."""
    gallery = Gallery()
    for number, name in enumerate(track(names, "Pictures")):
        data = (images / name).read_bytes()
        start = time.thread_time()
        try:
            template = engine.extract(data)
        except InvalidImage:
            gallery.failures[name] = NOT_ACQUIRED
        except NotAssessable as error:
            gallery.failures[name] = NOT_ENROLLED if error.reason == "low_quality" else NOT_ACQUIRED
        else:
            gallery.templates[name] = template
            if number:
                gallery.extract_ms.append(1e3 * (time.thread_time() - start))
    return gallery


def score(engine: FaceEngine, gallery: Gallery, reference: str, probe: str) -> float:
    """The comparison score of two pictures, -inf where one has no template."""
    if reference in gallery.failures or probe in gallery.failures:
        return FAILED
    return engine.compare(gallery.templates[probe], gallery.templates[reference])


def measure(set_name: str, engine: FaceEngine, gallery: Gallery, rows: Sequence[ScoreRow], cross: bool) -> list[Result]:
    """All figures, in the order of the project's JSON form."""
    listed = comparisons_of(rows, subject_of)
    results = [*accuracy(set_name, listed), *rate_results(set_name, listed, metrics=["eer"])]
    if cross:
        say("Comparing every picture with those of all other people, and drawing subjects for the intervals ...")
        listed = cross_comparisons(gallery, rows)
    tars = [metric for metric in supported_metrics(len(listed.non_mated)) if metric in TAR_METRICS]
    results += rate_results(set_name, listed, metrics=tars)
    pictures = len(gallery.templates) + len(gallery.failures)
    for metric in (NOT_ACQUIRED, NOT_ENROLLED):
        failed = sum(kind == metric for kind in gallery.failures.values())
        results.append(Result(set_name, metric, failed / pictures, None, None, FRACTION, pictures))
    return results + costs(set_name, engine, gallery)


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


def cross_comparisons(gallery: Gallery, rows: Sequence[ScoreRow]) -> Comparisons:
    """The listed mated pairs against every pair of pictures of two different subjects."""
    names = sorted([*gallery.templates, *gallery.failures])
    numbers = {subject: number for number, subject in enumerate(sorted({subject_of(name) for name in names}))}
    subjects = np.array([numbers[subject_of(name)] for name in names], np.int32)
    mated = [row for row in rows if row.mated]
    scores, others = _across(_unit_vectors(gallery, names), subjects)
    return Comparisons(
        np.array([row.score for row in mated], np.float32),
        scores,
        np.array([numbers[subject_of(row.reference)] for row in mated], np.int32),
        others,
    )


def _unit_vectors(gallery: Gallery, names: Sequence[str]) -> NDArray[np.float32]:
    """Templates as rows of length 1, NaN for a failure."""
    vectors = np.full((len(names), next(iter(gallery.templates.values())).vector.size), np.nan, np.float32)
    for row, name in enumerate(names):
        if name in gallery.templates:
            vectors[row] = gallery.templates[name].vector
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def _across(vectors: NDArray[np.float32], subjects: NDArray[np.int32]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Cosines and subjects of all pairs of rows of two different subjects, in blocks; -inf for a failure."""
    scores, pairs = [], []
    for start in track(range(0, len(vectors), BLOCK), "Cross-identity pairs"):
        rows = slice(start, start + BLOCK)
        cosines = vectors[rows] @ vectors.T
        first, second = np.nonzero(subjects[rows, None] < subjects[None, :])
        scores.append(np.nan_to_num(cosines[first, second], nan=FAILED))
        pairs.append(np.stack([subjects[rows][first], subjects[second]], axis=1))
    return np.concatenate(scores), np.concatenate(pairs)


def costs(set_name: str, engine: FaceEngine, gallery: Gallery) -> list[Result]:
    """Median CPU time of one extraction and one comparison on one thread, and the stored template's size."""
    templates = list(gallery.templates.values())[:1000]
    compare_ms = _cpu_ms(engine.compare, templates)
    figures = (
        ("extract_ms", float(np.median(gallery.extract_ms)), "ms", len(gallery.extract_ms)),
        ("compare_ms", compare_ms, "ms", len(templates)),
        ("template_bytes", float(np.mean([len(t.to_bytes()) for t in templates])), "bytes", len(templates)),
    )
    return [Result(set_name, metric, value, None, None, unit, n) for metric, value, unit, n in figures]


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
