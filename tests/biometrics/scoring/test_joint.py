"""Joint fusion against the true ratio, against its best member on new people, and against absurd and missing scores."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.scores.fusion_simulation import World, locate, simulate
from biometrics.scoring.joint import JointFusion
from biometrics.scoring.logistic import Quadratic
from biometrics.scoring.mixture import Mixture
from biometrics.scoring.normal_scores import NormalScores
from biometrics.scoring.rates import tar_at_fmr

Array = NDArray[np.float64]
COVARIANCE = np.array([[1.0, 0.4], [0.4, 1.0]])
MEAN = np.array([2.5, 2.0])


def gaussian(mated: int, non_mated: int, seed: int) -> tuple[Array, Array]:
    """Two dependent matchers, so that the ratio is known: MEAN . C^-1 x - MEAN . C^-1 MEAN / 2."""
    random = np.random.default_rng(seed)
    root = np.linalg.cholesky(COVARIANCE).T
    return random.standard_normal((mated, 2)) @ root + MEAN, random.standard_normal((non_mated, 2)) @ root


def true_llr(points: Array) -> Array:
    along = np.linalg.solve(COVARIANCE, MEAN)
    return np.asarray(points @ along - 0.5 * MEAN @ along, np.float64)


@pytest.fixture(scope="module")
def fitted() -> JointFusion:
    return JointFusion.fit(*gaussian(400, 30_000, seed=1))


def test_the_ratio_of_two_dependent_gaussians_is_found(fitted: JointFusion) -> None:
    mated, non_mated = gaussian(2000, 50_000, seed=2)
    points = np.concatenate([mated, non_mated[:2000]])
    points = points[np.abs(true_llr(points)) < 5]
    assert np.sqrt(np.mean((fitted.llr(points) - true_llr(points)) ** 2)) < 0.6
    reached = tar_at_fmr(fitted.llr(mated), fitted.llr(non_mated), 1e-3)
    assert reached > tar_at_fmr(true_llr(mated), true_llr(non_mated), 1e-3) - 0.02


@pytest.mark.parametrize("seed", [23, 44])
def test_no_worse_than_the_best_member_on_new_people(seed: int) -> None:
    """Face C and right index of a simulated world; then with a third matcher that knows nothing."""
    world = World.of(seed)
    location = locate(world)
    mated, non_mated = simulate(world, location, 150, np.random.default_rng(1))
    new, others = simulate(world, location, 2000, np.random.default_rng(2), 100_000)
    pair = [0, 2]
    singles = [tar_at_fmr(new[:, one], others[:, one], 1e-4) for one in pair]
    fusion = JointFusion.fit(mated[:, pair], non_mated[:, pair])
    fused = tar_at_fmr(fusion.llr(new[:, pair]), fusion.llr(others[:, pair]), 1e-4)
    assert fused > max(singles) + 0.05
    random = np.random.default_rng(3)
    noise = JointFusion.fit(
        *(np.column_stack([side[:, pair], random.random(len(side))]) for side in (mated, non_mated))
    )
    noisy = [noise.llr(np.column_stack([side[:, pair], random.random(len(side))])) for side in (new, others)]
    assert tar_at_fmr(noisy[0], noisy[1], 1e-4) > max(singles) + 0.05


def test_a_failed_matcher_is_left_out_not_guessed(fitted: JointFusion) -> None:
    mated, non_mated = gaussian(1500, 40_000, seed=4)
    alone = [side.copy() for side in (mated, non_mated)]
    for side in alone:
        side[:, 1] = np.nan
    reached = tar_at_fmr(fitted.llr(alone[0]), fitted.llr(alone[1]), 1e-3)
    assert reached == pytest.approx(tar_at_fmr(mated[:, 0], non_mated[:, 0], 1e-3), abs=0.03)
    assert fitted.llr(np.array([[math.nan, math.inf], [-math.inf, math.nan]])).tolist() == [-math.inf, -math.inf]


@pytest.mark.parametrize("absurd", [1e3, -1e3, 1e30, -1e30])
def test_an_absurd_score_is_a_failure_of_its_matcher(fitted: JointFusion, absurd: float) -> None:
    """However large, it speaks for nothing: an attacker who brings it about is judged by the other matcher."""
    ratios = fitted.llr(np.array([[absurd, 0.5], [math.nan, 0.5], [absurd, 4.0], [math.nan, 4.0], [absurd, absurd]]))
    assert ratios[0] == ratios[1]
    assert ratios[2] == ratios[3]
    assert ratios[4] == -math.inf


def test_a_score_beyond_those_fitted_says_no_more_than_the_most_extreme_one(fitted: JointFusion) -> None:
    highest = max(fitted.mated[:, 0].max(), fitted.non_mated[:, 0].max())
    lowest = min(fitted.mated[:, 0].min(), fitted.non_mated[:, 0].min())
    ratios = fitted.llr(np.array([[highest + 2, 0.5], [highest, 0.5], [lowest - 2, 0.5], [lowest, 0.5]]))
    assert ratios[0] == ratios[1]
    assert ratios[2] == ratios[3]


@pytest.mark.parametrize("absurd", [1e9, -1e9, 65535.0])
@pytest.mark.parametrize(("mates", "others"), [(0, 25), (15, 0), (15, 25)])
def test_absurd_scores_cost_no_more_than_their_share(absurd: float, mates: int, others: int) -> None:
    """Of 300 mated and 20,000 non-mated comparisons fitted, and in the same shares of those judged."""
    sides = gaussian(300, 20_000, seed=5)
    new = gaussian(1500, 40_000, seed=6)
    clean = JointFusion.fit(*sides)
    before = tar_at_fmr(clean.llr(new[0]), clean.llr(new[1]), 1e-3)
    for mated, non_mated in (sides, new):
        mated[: mates * len(mated) // 300, 0] = absurd
        non_mated[: others * len(non_mated) // 20_000, 1] = absurd
    spoilt = JointFusion.fit(*sides)
    after = tar_at_fmr(spoilt.llr(new[0]), spoilt.llr(new[1]), 1e-3)
    assert after >= before * (1 - mates / 300) - others / 20_000 - 0.005


def test_one_absurd_score_among_those_fitted_does_no_harm() -> None:
    mated, non_mated = gaussian(300, 20_000, seed=5)
    new, others = gaussian(1500, 40_000, seed=6)
    clean = JointFusion.fit(mated, non_mated)
    mated[0, 0], non_mated[0, 1] = 1e9, -1e9
    spoilt = JointFusion.fit(mated, non_mated)
    rates = [tar_at_fmr(fusion.llr(new), fusion.llr(others), 1e-3) for fusion in (clean, spoilt)]
    assert rates[1] > rates[0] - 0.02


def test_rising_changes_of_the_raw_scores_change_little() -> None:
    mated, non_mated = gaussian(300, 20_000, seed=7)
    new, others = gaussian(1500, 40_000, seed=8)
    plain = JointFusion.fit(mated, non_mated)
    bent = JointFusion.fit(np.exp(mated), np.exp(non_mated))
    rates = [
        tar_at_fmr(plain.llr(new), plain.llr(others), 1e-3),
        tar_at_fmr(bent.llr(np.exp(new)), bent.llr(np.exp(others)), 1e-3),
    ]
    assert rates[0] == pytest.approx(rates[1], abs=0.02)


def test_normal_scores_of_many_ties_rise_and_keep_the_ranks() -> None:
    random = np.random.default_rng(9)
    whole = np.floor(random.gamma(2.0, 3.0, 20_000))
    scale = NormalScores.fit(np.array([40.0, 200.0]), whole)
    assert np.all(np.diff(scale.score) > 0)
    assert np.all(np.diff(scale.normal) > 0)
    middle = float(np.median(whole))
    assert scale(np.array([middle]))[0] == pytest.approx(0.0, abs=0.25)
    assert scale(np.array([200.0]))[0] > scale(np.array([40.0]))[0] > 3


def test_mixture_finds_two_clusters_and_weighs_points() -> None:
    random = np.random.default_rng(10)
    points = np.concatenate([random.normal(-3, 1, (1000, 2)), random.normal(3, 0.5, (1000, 2))])
    weight = np.concatenate([np.full(1000, 3.0), np.ones(1000)])
    found = Mixture.fit(points, weight, 2, ridge=1e-3)
    order = np.argsort(found.mean[:, 0])
    assert found.share[order] == pytest.approx([0.75, 0.25], abs=0.01)
    assert found.mean[order] == pytest.approx(np.array([[-3.0, -3.0], [3.0, 3.0]]), abs=0.15)
    at_peak = found.log_density(np.array([[3.0, 3.0]]))[0]
    assert at_peak == pytest.approx(math.log(0.25 / (2 * math.pi * 0.25)), abs=0.15)


def test_logistic_regression_is_the_ratio_of_gaussians() -> None:
    mated, non_mated = gaussian(4000, 40_000, seed=11)
    found = Quadratic.fit(mated, non_mated, ridge=1e-3, degree=1)
    along = np.linalg.solve(COVARIANCE, MEAN)
    assert found.coefficients == pytest.approx([-0.5 * MEAN @ along, *along], abs=0.35)


@pytest.mark.parametrize(
    ("mated", "non_mated", "word"),
    [
        (np.zeros((3, 2)), np.zeros((100, 3)), "matchers"),
        (np.zeros(3), np.zeros((100, 1)), "comparisons, matchers"),
        (np.ones((3, 1)), np.random.default_rng(0).random((20, 1)), "too few"),
        (np.ones((3, 1)), np.zeros((100, 1)), "same"),
    ],
)
def test_what_cannot_be_fitted_is_refused(mated: Array, non_mated: Array, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        JointFusion.fit(mated, non_mated)
