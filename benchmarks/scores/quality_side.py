"""Does quality, as a side input, make the ratios of people better who were not fitted on?

The ratio of a comparison comes from a calibration. Two regressions on it are compared, fitted to the same people and
judged on others (five folds by the hash of the subjects): one sees the ratio and its square, the other also the lower
quality of the two samples, its square and its product with the ratio. `--quality` is a CSV of sample and quality.

* `cllr`, `fnmr_at_1e-3`: of the regression without quality; `.._with_quality`: with it. Both thresholds are the pooled
  comparisons' own at FMR 0.1 %, so that only the order of the comparisons counts there.
* `cllr_gain`: the first less the second, with the 95 % interval of a bootstrap over the subjects: quality helps where
  it lies above 0.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.common.progress import track
from benchmarks.common.report import FRACTION, Result, ScoreRow, print_table, read_scores, write_json
from benchmarks.common.subjects import finger_of, person_of
from biometrics.scoring.bootstrap import Comparisons
from biometrics.scoring.calibration import Calibration
from biometrics.scoring.fit import ScoreSet, fit
from biometrics.scoring.folds import hashed_folds, subject_key
from biometrics.scoring.held_out import FOLDS
from biometrics.scoring.logistic import Quadratic
from biometrics.scoring.measures import cllr
from biometrics.scoring.rates import fnmr_at_fmr

Array = NDArray[np.float64]

SCALE, RIDGE, REPLICATES, TARGET = 0.2, 1.0, 1000, 1e-3


@dataclass(frozen=True)
class Rows:
    """Comparisons (P,): score, whether mated, lower quality, and the two subjects (P, 2) by number."""

    score: Array
    mated: NDArray[np.bool_]
    quality: Array
    subjects: NDArray[np.int32]
    keys: tuple[str, ...]

    def within(self, keep: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which comparisons are among the subjects kept."""
        return np.asarray(keep[self.subjects].all(axis=1), np.bool_)


def run(scores: Sequence[Path], quality: Sequence[Path], json_path: Path | None) -> list[Result]:
    """Judge all score files together, each with its file of qualities; print a table, write JSON where asked to.

    Raises ValueError where the files do not go together.
    """
    if len(scores) != len(quality):
        raise ValueError("every file of scores needs one of qualities")
    rows = gather(scores, quality)
    results = judge("+".join(path.stem.removeprefix("scores_") for path in scores), rows)
    print_table(results, title="Quality beside the score, on people who were not fitted on")
    if json_path is not None:
        write_json(json_path, "quality_side", results)
    return results


def gather(scores: Sequence[Path], quality: Sequence[Path]) -> Rows:
    """The comparisons of all files, each sample's name led by its file's. Qualities are standardised file by file."""
    kept: list[tuple[float, bool, float, str, str]] = []
    for path, graded in zip(scores, quality, strict=True):
        with graded.open(encoding="utf-8", newline="") as file:
            of = {row["sample"]: float(row["quality"]) for row in csv.DictReader(file)}
        rows = [row for row in read_scores(path) if np.isfinite(row.score)]
        lower = np.array([min(of[row.reference], of[row.probe]) for row in rows])
        lower = (lower - lower.mean()) / (lower.std() or 1.0)
        kept += [(row.score, row.mated, grade, *_people(path, row)) for row, grade in zip(rows, lower, strict=True)]
    names = list(dict.fromkeys(name for *_, one, other in kept for name in (one, other)))
    number = {name: place for place, name in enumerate(names)}
    return Rows(
        np.array([row[0] for row in kept], np.float64),
        np.array([row[1] for row in kept], np.bool_),
        np.array([row[2] for row in kept], np.float64),
        np.array([[number[one], number[other]] for *_, one, other in kept], np.int32),
        tuple(subject_key(name) for name in names),
    )


def judge(name: str, rows: Rows) -> list[Result]:
    """Costs and error rates with and without quality, of held-out people."""
    plain, graded = np.full(len(rows.score), np.nan), np.full(len(rows.score), np.nan)
    folds = hashed_folds(rows.keys, FOLDS)
    for fold in track(range(FOLDS), "Folds"):
        known, new = rows.within(folds != fold), rows.within(folds == fold)
        ratio = SCALE * _calibration(rows, known).llr_of(rows.score)
        for points, found in ((ratio[:, None], plain), (np.stack([ratio, rows.quality], axis=1), graded)):
            mated, non_mated = points[known & rows.mated], points[known & ~rows.mated]
            found[new] = Quadratic.fit(mated, non_mated, ridge=RIDGE).llr(points[new])
    judged = np.isfinite(plain)
    count = int(np.sum(judged & rows.mated))
    results = []
    for suffix, found in (("", plain), ("_with_quality", graded)):
        sides = found[judged & rows.mated], found[judged & ~rows.mated]
        results.append(Result(name, f"cllr{suffix}", cllr(*sides), None, None, "bit", count))
        rate = fnmr_at_fmr(*sides, TARGET)
        results.append(Result(name, f"fnmr_at_1e-3{suffix}", rate, None, None, FRACTION, count))
    gain, low, high = _gain(rows, judged, plain, graded)
    results.append(Result(name, "cllr_gain", gain, low, high, "bit", count))
    return results


def _calibration(rows: Rows, known: NDArray[np.bool_]) -> Calibration:
    mated, others = known & rows.mated, known & ~rows.mated
    comparisons = Comparisons(
        rows.score[mated].astype(np.float32),
        rows.score[others].astype(np.float32),
        rows.subjects[mated, 0],
        rows.subjects[others],
    )
    return fit("quality", [ScoreSet("all", comparisons, 1.0)])


def _gain(rows: Rows, judged: NDArray[np.bool_], plain: Array, graded: Array) -> tuple[float, float, float]:
    """The gain in bits and its interval: subjects are drawn, a non-mated comparison weighs both of its two."""
    sign = np.where(rows.mated, -1.0, 1.0)[judged]
    saved = (np.logaddexp(0, sign * plain[judged]) - np.logaddexp(0, sign * graded[judged])) / np.log(2)
    mated, subjects = rows.mated[judged], rows.subjects[judged]
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(REPLICATES):
        weight = np.bincount(random.integers(len(rows.keys), size=len(rows.keys)), minlength=len(rows.keys))
        both = np.where(subjects[:, 0] == subjects[:, 1], weight[subjects[:, 0]], weight[subjects].prod(axis=1))
        sides = [np.average(saved[side], weights=both[side]) for side in (mated, ~mated) if both[side].sum() > 0]
        drawn.append(float(np.mean(sides)))
    low, high = np.percentile(drawn, (2.5, 97.5))
    return float((saved[mated].mean() + saved[~mated].mean()) / 2), float(low), float(high)


def _people(path: Path, row: ScoreRow) -> tuple[str, str]:
    """The two subjects; fingers of one set are subjects where persons are not named."""
    return tuple(f"{path.stem}/{_subject(name)}" for name in (row.reference, row.probe))  # type: ignore[return-value]


def _subject(sample: str) -> str:
    return person_of(sample) if "/" in sample else finger_of(sample)
