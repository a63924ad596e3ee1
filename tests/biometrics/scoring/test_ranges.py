"""Absurd scores are told from honest ones that are merely far out."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from biometrics.scoring.ranges import ScoreRange

Array = NDArray[np.float64]


def drawn(seed: int) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    return random.normal(4, 1.5, 260), random.normal(0, 1, 20_000)


def test_honest_heavy_tails_stay() -> None:
    """Of thirty sets with log-normal mated and Student's non-mated scores nearly nothing is taken, new or fitted."""
    taken = count = 0
    for seed in range(30):
        random = np.random.default_rng(seed)
        mated, non_mated = 20 * random.lognormal(1.0, 0.8, 520), random.standard_t(4, 40_000)
        found = ScoreRange.fit(mated[::2], non_mated[::2])
        taken += int(np.isnan(found(mated)).sum())
        count += len(mated)
        assert np.isnan(found(non_mated)).mean() < 1e-4
    assert taken / count < 1e-3


@pytest.mark.parametrize("absurd", [-1e9, 1e9, 65535.0, -100.0, 1e30, 1.7e308, -1.7e308])
@pytest.mark.parametrize("kind", ["mated", "non-mated"])
def test_what_lies_beyond_a_gap_is_absurd_and_moves_nothing_else(absurd: float, kind: str) -> None:
    mated, non_mated = drawn(1)
    clean = ScoreRange.fit(mated, non_mated)
    assert np.isfinite(clean(np.concatenate([mated, non_mated]))).all()
    spoilt_mated, spoilt_non_mated = mated.copy(), non_mated.copy()
    if kind == "mated":
        spoilt_mated[:20] = absurd
    else:
        spoilt_non_mated[:150] = absurd
    found = ScoreRange.fit(spoilt_mated, spoilt_non_mated)
    for spoilt, side in ((spoilt_mated, mated), (spoilt_non_mated, non_mated)):
        assert np.isnan(found(spoilt)).tolist() == (spoilt != side).tolist()
    assert math.isnan(found(np.array([absurd]))[0])
    assert np.isfinite(found(np.array([mated.max() + 1.0, non_mated.min() - 1.0]))).all(), "new ones may go farther"


def test_the_unit_of_the_scores_does_not_matter() -> None:
    mated, non_mated = drawn(2)
    plain = ScoreRange.fit(mated, non_mated)
    for factor, shift in ((1e-12, 0.0), (1e12, 3e12), (0.03, 0.5)):
        other = ScoreRange.fit(factor * mated + shift, factor * non_mated + shift)
        assert other.highest == pytest.approx(factor * plain.highest + shift, rel=1e-9)
        assert other.lowest == pytest.approx(factor * plain.lowest + shift, rel=1e-9)


@pytest.mark.parametrize(("mated", "non_mated"), [([], [1.0, 2.0]), ([1.0], [math.nan]), ([2.0, 2.0], [2.0, 2.0, 2.0])])
def test_nothing_is_absurd_where_no_range_can_be_told(mated: list[float], non_mated: list[float]) -> None:
    found = ScoreRange.fit(np.array(mated), np.array(non_mated))
    assert found(np.array([-1e9, 1e9])).tolist() == [-1e9, 1e9]
    assert math.isnan(found(np.array([math.nan]))[0])
