"""Our rates against those of another implementation, pyeer (MIT), on scores without failures.

It counts a comparison as accepted from the threshold on, as we do. Its operating points are the thresholds at its
candidate scores only, so rates at a target are compared where its own FMR tells which point it took.
"""

import warnings

import numpy as np
import pytest

from biometrics.scoring.rates import Curve

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pyeer.eer_info import get_eer_stats


@pytest.mark.parametrize(
    ("seed", "separation", "steps"), [(1, 2.0, None), (2, 3.0, None), (3, 1.0, None), (4, 2.5, 10)]
)
def test_rates_are_those_of_pyeer(seed: int, separation: float, steps: int | None) -> None:
    random = np.random.default_rng(seed)
    mated = random.normal(separation, 1, 3000)
    non_mated = random.normal(0, 1, 9000)
    if steps:  # few distinct scores, many ties
        mated, non_mated = (np.round(side * steps) / steps for side in (mated, non_mated))
    # The same single precision on both sides, so that thresholds at scores mean the same.
    mated, non_mated = (side.astype(np.float32).astype(np.float64) for side in (mated, non_mated))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = get_eer_stats(mated.tolist(), non_mated.tolist())
    curve = Curve.of(mated, non_mated)
    assert curve.eer() == pytest.approx(theirs.eer, abs=0.002)
    at = np.asarray(theirs.thrs)
    assert curve.fmr(at) == pytest.approx(np.asarray(theirs.fmr), abs=1e-9)
    assert curve.fnmr(at) == pytest.approx(np.asarray(theirs.fnmr), abs=1e-9)
    for fmr, fnmr in ((1e-2, theirs.fmr100), (1e-3, theirs.fmr1000), (0.0, theirs.fmr0)):
        assert curve.fnmr_at_fmr(fmr) == pytest.approx(fnmr, abs=0.004)
