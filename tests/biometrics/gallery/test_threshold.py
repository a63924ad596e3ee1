"""The threshold of a hit follows from the target FPIR and the size of the list."""

import numpy as np
import pytest

from biometrics.gallery.threshold import fmr_of_fpir, hit_threshold
from biometrics.scoring import Calibration


def calibration() -> Calibration:
    """ln FMR falls by ten over a score of one, to e^-20."""
    score = np.array([0.0, 1.0, 2.0])
    return Calibration("test-1", score, -10 * score, np.array([-5.0, 5.0, 15.0]), 1e-6, {})


def test_the_fmr_of_a_search_s_fpir() -> None:
    assert fmr_of_fpir(0.01, 1) == pytest.approx(0.01)
    # Among 10,000, one in a hundred searches: 1 - (1 - FMR)^N.
    fmr = fmr_of_fpir(0.01, 10_000)
    assert 1 - (1 - fmr) ** 10_000 == pytest.approx(0.01, rel=1e-9)


@pytest.mark.parametrize(("fpir", "entries"), [(0, 5), (1, 5), (-0.1, 5), (0.1, 0)])
def test_what_is_no_rate(fpir: float, entries: int) -> None:
    with pytest.raises(ValueError, match="FPIR"):
        fmr_of_fpir(fpir, entries)


def test_a_longer_list_needs_a_higher_score() -> None:
    scores = [hit_threshold(calibration(), 0.01, entries).score for entries in (0, 1, 10, 1_000, 100_000)]
    assert scores[0] == scores[1] == pytest.approx(np.log(100) / 10)
    assert scores == sorted(scores)
    assert scores[-1] == pytest.approx(-np.log(fmr_of_fpir(0.01, 100_000)) / 10)


def test_the_threshold_keeps_the_fpir_it_promises() -> None:
    """Scores drawn as the calibration says: the share of searches with a hit is the target."""
    draw, entries, target = np.random.default_rng(1), 200, 0.05
    found = hit_threshold(calibration(), target, entries)
    highest = (-np.log(draw.random((20_000, entries))) / 10).max(axis=1)
    assert np.mean(highest >= found.score) == pytest.approx(target, abs=0.006)


def test_what_the_calibration_cannot_say_is_said() -> None:
    near = hit_threshold(calibration(), 0.01, 100)
    assert (near.reachable, near.extrapolated) == (True, False)
    far = hit_threshold(calibration(), 0.01, 1_000_000)
    assert (far.reachable, far.extrapolated) == (True, True)
    beyond = hit_threshold(calibration(), 0.001, 10**9)
    assert not beyond.reachable
    # The line goes on: a list that outgrew the calibration still gets a stricter threshold.
    assert beyond.score == pytest.approx(-np.log(fmr_of_fpir(0.001, 10**9)) / 10)
    assert (
        hit_threshold(Calibration.load("sface-2"), 0.001, 10**7).score
        > hit_threshold(Calibration.load("sface-2"), 0.01, 10**7).score
    )


def test_a_calibration_that_never_falls_has_no_line_to_go_on_with() -> None:
    flat = Calibration("test-1", np.array([0.0, 1.0]), np.zeros(2), np.array([-1.0, 0.0]), 0.5, {})
    assert hit_threshold(flat, 0.01, 10).score == 1.0
