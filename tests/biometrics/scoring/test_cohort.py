"""What is peculiar to people is taken off their scores where it is there, and nothing where it is not."""

import numpy as np
import pytest
from numpy.typing import NDArray

from biometrics.scoring.cohort import Cohort
from biometrics.scoring.rates import tar_at_fmr

Array = NDArray[np.float64]
KNOWN, NEW = 150, 150


def square(spread: float, seed: int = 1) -> tuple[Array, Array]:
    """Scores (S, S) of two halves' people, who match everybody by N(0, spread) more as probe and as reference; and that
    sum (S, S)."""
    random = np.random.default_rng(seed)
    people = KNOWN + NEW
    probe, reference = random.normal(0, spread, (2, people))
    effect = probe[:, None] + reference
    return random.normal(0, 1, (people, people)) + effect + 5 * np.eye(people), effect


def parted(scores: Array) -> tuple[Array, Array, Array, Array]:
    return scores[:KNOWN, :KNOWN], scores[KNOWN:, KNOWN:], scores[KNOWN:, :KNOWN], scores[:KNOWN, KNOWN:]


def corrected(scores: Array) -> tuple[Cohort, Array]:
    known, new, as_probe, as_reference = parted(scores)
    cohort = Cohort.fit(known)
    return cohort, cohort.outer(new, as_probe, as_reference)


def test_what_is_peculiar_to_people_is_taken_off() -> None:
    scores, effect = square(0.8)
    cohort, found = corrected(scores)
    mated = np.eye(NEW, dtype=bool)
    theirs = effect[KNOWN:, KNOWN:]
    assert abs(np.corrcoef(found[~mated], theirs[~mated])[0, 1]) < 0.05
    assert abs(np.corrcoef(cohort.inner[~np.eye(KNOWN, dtype=bool)], effect[:KNOWN, :KNOWN][~mated])[0, 1]) < 0.05
    assert min(cohort.as_probe, cohort.as_reference) > 0.95
    raw = scores[KNOWN:, KNOWN:]
    gain = [tar_at_fmr(side[mated], side[~mated], 1e-3) for side in (raw, found)]
    assert gain[1] > gain[0] + 0.05


def test_nothing_is_taken_off_where_people_do_not_differ() -> None:
    scores, _ = square(0.0)
    cohort, found = corrected(scores)
    assert max(cohort.as_probe, cohort.as_reference) < 0.25
    plain = cohort.scale(scores[KNOWN:, KNOWN:])
    assert np.abs(found - plain).max() < 0.15
    mated = np.eye(NEW, dtype=bool)
    rates = [tar_at_fmr(side[mated], side[~mated], 1e-3) for side in (plain, found)]
    assert rates[1] == pytest.approx(rates[0], abs=0.02)


def test_a_score_is_not_held_against_itself() -> None:
    """In the cohort a comparison is corrected by the others of its people: one that is raised alone moves in full."""
    scores, _ = square(0.8)
    known = parted(scores)[0]
    raised = known.copy()
    raised[3, 7] += 1.0
    before, after = Cohort.fit(known), Cohort.fit(raised)
    assert after.inner[3, 7] - before.inner[3, 7] == pytest.approx(
        float(before.scale(raised[3, 7]) - before.scale(known[3, 7])), abs=0.02
    )


def test_failures_and_absurd_scores_stay_out() -> None:
    scores, _ = square(0.8)
    _, whole = corrected(scores)
    holed = scores.copy()
    holed[KNOWN + 4, :KNOWN] = np.nan
    holed[KNOWN + 5, KNOWN + 9] = np.nan
    holed[KNOWN + 6, 3] = 1e9
    _, found = corrected(holed)
    assert np.isnan(found).sum() == 1
    assert np.isnan(found[5, 9])
    rest = np.delete(np.delete(found, [4, 5], axis=0), 9, axis=1)
    assert rest == pytest.approx(np.delete(np.delete(whole, [4, 5], axis=0), 9, axis=1), abs=0.02)
    assert np.all(np.isfinite(found[4])), "who was never compared with the cohort is an average person"


def test_shapes_that_do_not_fit_are_refused() -> None:
    scores, _ = square(0.8)
    known, new, as_probe, as_reference = parted(scores)
    with pytest.raises(ValueError, match="square"):
        Cohort.fit(known[:, :5])
    with pytest.raises(ValueError, match="with the cohort"):
        Cohort.fit(known).outer(new, as_probe[:, :5], as_reference)
    with pytest.raises(ValueError, match="too few"):
        Cohort.fit(known[:4, :4])
