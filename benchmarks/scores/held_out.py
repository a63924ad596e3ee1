"""What `biometrics.scoring.held_out` finds as results of a benchmark."""

from collections.abc import Sequence

from benchmarks.common.report import FRACTION, Result
from biometrics.scoring.held_out import HeldOut, findings


def held_out_results(judged: Sequence[HeldOut], suffix: str) -> list[Result]:
    """Cost, miscalibration, and the true FMR and FNMR where the calibration states a target FMR."""
    return [
        Result(one.set, one.metric, one.value, one.low, one.high, "bit" if one.in_bits else FRACTION, one.n)
        for one in findings(judged, suffix)
    ]
