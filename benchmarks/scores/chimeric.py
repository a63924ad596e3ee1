"""Do the fused FMRs hold? Face and fingers combined as the service combines them, judged on people not fitted on.

There is no public set with both, so persons are chimeric: a face of one set with fingers of another, drawn at random,
which makes the two independent by construction. In each of ten rounds the subjects of every set are halved by a hash;
the calibrations are fitted on one half and judged on the other, then the other way round. Two fingers of a chimeric
person are drawn from one set. The dependence between two real fingers of one person is measured apart, where a set
names persons: there the calibration is fitted on the other sets.

Reported per combination and stated FMR: the true FMR and the FNMR, the mean of the twenty halves and their 2.5 to 97.5
percentiles. Persons who are non-mated are so in all modalities.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.common.progress import track
from benchmarks.common.report import FRACTION, Result, ScoreRow, print_table, read_scores, write_json
from benchmarks.common.subjects import finger_of, person_of
from benchmarks.scores.score_sets import read_set
from biometrics.scoring.calibration import Calibration
from biometrics.scoring.fit import ScoreSet, fit
from biometrics.scoring.fusion import fused_fmr
from biometrics.scoring.held_out import restricted
from biometrics.scoring.support import with_rule_of_3

ROUNDS = 10
DRAWS = 2_000_000
TARGETS = {"1e-2": 1e-2, "1e-3": 1e-3, "1e-4": 1e-4}
COMBINATIONS = {"face": (1, 0), "finger": (0, 1), "face+finger": (1, 1), "2 fingers": (0, 2), "face+2 fingers": (1, 2)}
FMR, FNMR = "fmr_at_stated_{}", "fnmr_at_stated_{}"


@dataclass(frozen=True)
class Half:
    """Calibrations, and the sets of people they were not fitted on."""

    face: Calibration
    finger: Calibration
    faces: ScoreSet
    fingers: tuple[ScoreSet, ...]


def run(
    face_scores: Path, vectors: Path | None, finger_scores: Sequence[Path], label_noise: float, json_path: Path | None
) -> list[Result]:
    """Measure, print a table, and write JSON where asked to; see the module's text."""
    faces = read_set(face_scores, vectors=vectors)
    fingers = [read_set(path) for path in finger_scores]
    found: dict[tuple[str, str], list[float]] = {}
    random = np.random.default_rng(0)
    for half in track(halves(faces, fingers, label_noise), "Halves of people", total=2 * ROUNDS):
        for key, value in judge(half, random).items():
            found.setdefault(key, []).append(value)
    results = [_summary(key, values) for key, values in found.items()]
    results += real_fingers(finger_scores, fingers)
    print_table(results, title="Fused decisions on people who were not fitted on (chimeric persons)")
    if json_path is not None:
        write_json(json_path, "chimeric", results)
    return results


def halves(faces: ScoreSet, fingers: Sequence[ScoreSet], label_noise: float) -> Iterable[Half]:
    """Every round's two halves."""
    for number in range(ROUNDS):
        sets = [faces, *fingers]
        side = [one.folds(2, salt=str(number)) for one in sets]
        for train in (0, 1):
            kept = [restricted(one, half == train) for one, half in zip(sets, side, strict=True)]
            test = [restricted(one, half != train) for one, half in zip(sets, side, strict=True)]
            face = fit("face", kept[:1], label_noise=label_noise)
            yield Half(face, fit("finger", kept[1:]), test[0], tuple(test[1:]))


def judge(half: Half, random: np.random.Generator) -> dict[tuple[str, str], float]:
    """(combination, metric) to the rate among drawn persons, mated and non-mated."""
    found = {}
    for mated in (True, False):
        face, fingers = _draw(half, mated, random)
        for name, (faces, count) in COMBINATIONS.items():
            stated = _stated(half, face if faces else None, fingers[:count])
            for label, target in TARGETS.items():
                accepted = float(np.mean(stated <= target))
                metric = FNMR if mated else FMR
                found[name, metric.format(label)] = 1 - accepted if mated else accepted
    return found


def _draw(
    half: Half, mated: bool, random: np.random.Generator
) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
    """Scores of DRAWS chimeric persons: their faces' (DRAWS,), and two fingers' of one set."""
    face = random.choice(_scores(half.faces, mated), DRAWS)
    share = np.array([one.weight for one in half.fingers])
    counts = random.multinomial(DRAWS, share / share.sum())
    fingers = [
        np.concatenate(
            [random.choice(_scores(one, mated), count) for one, count in zip(half.fingers, counts, strict=True)]
        )
        for _ in range(2)
    ]
    return face, fingers


def _scores(one: ScoreSet, mated: bool) -> NDArray[np.float32]:
    scores = one.comparisons.mated if mated else one.comparisons.non_mated
    return scores[np.isfinite(scores)]


def _stated(
    half: Half, face: NDArray[np.float32] | None, fingers: Sequence[NDArray[np.float32]]
) -> NDArray[np.float64]:
    """The FMR that the service would state for each person, as `biometrics.scoring.combine` does for one."""
    parts = [(half.face, face)] if face is not None else []
    parts += [(half.finger, finger) for finger in fingers]
    if len(parts) == 1:
        return parts[0][0].fmr_of(parts[0][1])
    llr = np.sum([calibration.llr_of(scores) for calibration, scores in parts], axis=0)
    return fused_fmr([calibration for calibration, _ in parts], llr)


def _summary(key: tuple[str, str], values: Sequence[float]) -> Result:
    low, high = np.percentile(values, (2.5, 97.5))
    return Result(key[0], key[1], float(np.mean(values)), float(low), float(high), FRACTION, len(values))


def real_fingers(paths: Sequence[Path], sets: Sequence[ScoreSet]) -> list[Result]:
    """Two real fingers of one person against the same two of another, where a set names several fingers of a person."""
    results = []
    for path, one in zip(paths, sets, strict=True):
        others = [other for other in sets if other is not one]
        if one.comparisons.subjects == int(one.weight) or not others:
            continue
        first, second = two_fingers(read_scores(path))
        calibration = fit("finger", others)
        ratios = calibration.llr_of(first), calibration.llr_of(second)
        stated = fused_fmr([calibration, calibration], ratios[0] + ratios[1])
        name = f"{one.name}/2 real fingers"
        correlation = float(np.corrcoef(*ratios)[0, 1])
        results.append(Result(name, "llr_correlation", correlation, None, None, "1", len(first)))
        for label, target in TARGETS.items():
            share = float(np.mean(stated <= target))
            low, high = with_rule_of_3(share, None, len(first)) or (None, None)
            results.append(Result(name, FMR.format(label), share, low, high, FRACTION, len(first)))
    return results


def two_fingers(rows: Iterable[ScoreRow]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scores of all pairs of different fingers, each of them compared between the same impressions of two persons."""
    by_persons: dict[tuple[str, str, str, str], dict[str, float]] = {}
    for row in rows:
        if row.mated or not np.isfinite(row.score) or person_of(row.reference) == person_of(row.probe):
            continue
        (finger, impression), (other_finger, other_impression) = (_place(name) for name in (row.reference, row.probe))
        if finger == other_finger:
            key = (person_of(row.reference), impression, person_of(row.probe), other_impression)
            by_persons.setdefault(key, {})[finger] = row.score
    pairs = [pair for scores in by_persons.values() for pair in combinations(scores.values(), 2)]
    both = np.array(pairs, np.float64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _place(name: str) -> tuple[str, str]:
    """The finger within its person, and the impression."""
    return finger_of(name).partition("_")[2], name.rpartition("_")[2]
