"""How long the error rates of very many comparison scores take, and how much memory: rates, curve and intervals.

The scores are drawn (normal, mated ones higher); that is not measured, nor is their own memory counted twice: the peak
is that of the whole process, the scores and their subjects among it.
"""

import resource
import time
from pathlib import Path

import numpy as np

from benchmarks.common.report import Result, print_table, write_json
from biometrics.scoring.bands import det_band
from biometrics.scoring.bootstrap import Comparisons
from biometrics.scoring.rates import Curve
from biometrics.scoring.summary import summarise

MATED_SHARE = 0.01
SUBJECTS = 5000
REPLICATES = 100
DET_POINTS = np.geomspace(1e-6, 0.1, 26)


def run(count: int, json_path: Path | None) -> list[Result]:
    """Measure with `count` scores; print a table, and write JSON where asked to."""
    comparisons = draw(count)
    own = _peak_mib()
    started = time.process_time(), time.perf_counter()
    Curve.of(comparisons.mated, comparisons.non_mated).eer()
    rates = time.process_time() - started[0]
    summarise(comparisons, replicates=REPLICATES)
    det_band(comparisons, DET_POINTS, replicates=REPLICATES)
    name = f"{count:.0e}".replace("+0", "")
    results = [
        Result(name, "curve_s", rates, None, None, "s", count),
        Result(name, "all_s", time.process_time() - started[0], None, None, "s", count),
        Result(name, "all_wall_s", time.perf_counter() - started[1], None, None, "s", count),
        Result(name, "scores_mib", own, None, None, "MiB", count),
        Result(name, "peak_mib", _peak_mib(), None, None, "MiB", count),
    ]
    print_table(results, title="Error rates of many scores: CPU time of the curve, of everything, and memory")
    if json_path is not None:
        write_json(json_path, "rates_speed", results)
    return results


def draw(count: int) -> Comparisons:
    """So many comparisons of SUBJECTS people, one in a hundred mated."""
    random = np.random.default_rng(0)
    mated = int(count * MATED_SHARE)
    scores = random.standard_normal(count, np.float32)
    pairs = random.integers(SUBJECTS, size=(count - mated, 2), dtype=np.int32)
    subject = random.integers(SUBJECTS, size=mated, dtype=np.int32)
    return Comparisons(scores[:mated] + 5, scores[mated:], subject, pairs)


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
