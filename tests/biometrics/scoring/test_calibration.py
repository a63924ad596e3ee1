"""Reading, refusing and applying calibrations; those that are shipped are sound."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biometrics.scoring import Calibration, CalibrationError
from biometrics.scoring.calibration import shipped
from models.catalogue import find

finite = st.floats(allow_nan=False, allow_infinity=False, width=32)


def made(**changes: Any) -> Calibration:
    arguments: dict[str, Any] = {
        "engine": "test-1",
        "score": np.array([0.0, 1.0, 2.0, 3.0]),
        "ln_fmr": np.log([1.0, 0.1, 0.01, 0.001]),
        "llr": np.array([-3.0, 0.0, 2.0, 4.0]),
        "measured_to": 0.005,
        "provenance": {"sets": []},
    }
    return Calibration(**(arguments | changes))


def test_a_score_between_two_knots_is_interpolated() -> None:
    evidence = made().assess(1.5)
    assert evidence.llr == pytest.approx(1.0)
    assert evidence.fmr == pytest.approx(math.sqrt(0.1 * 0.01))
    assert not evidence.extrapolated


def test_beyond_the_knots_nothing_more_is_claimed() -> None:
    assert made().assess(1e30) == made().assess(3.0)
    assert made().assess(-1e30) == made().assess(0.0)
    assert made().assess(3.0).extrapolated
    assert made().assess(0.0).fmr == 1.0


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_what_is_no_score_is_refused(score: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        made().assess(score)


def test_arrays_and_single_scores_agree() -> None:
    scores = np.linspace(-1, 4, 17)
    singles = [made().assess(score) for score in scores.tolist()]
    assert made().llr_of(scores).tolist() == [evidence.llr for evidence in singles]
    assert made().fmr_of(scores).tolist() == pytest.approx([evidence.fmr for evidence in singles])


def test_json_there_and_back() -> None:
    again = Calibration.from_json(made().to_json(), "test-1")
    assert again.assess(1.7).llr == pytest.approx(made().assess(1.7).llr)
    assert again.assess(1.7).fmr == pytest.approx(made().assess(1.7).fmr)
    assert again.provenance == made().provenance
    assert again.to_json() == made().to_json()


def test_another_engines_calibration_is_refused() -> None:
    with pytest.raises(CalibrationError, match="of the engine 'test-1', not of 'test-2'") as caught:
        Calibration.from_json(made().to_json(), "test-2")
    assert caught.value.code == "calibration_engine_mismatch"


@pytest.mark.parametrize("engine", ["sface-1", "sface", "", "../sface-2", "SFACE-2", "a/b"])
def test_an_engine_without_a_calibration_is_refused(engine: str) -> None:
    with pytest.raises(CalibrationError) as caught:
        Calibration.load(engine)
    assert caught.value.code == "calibration_missing"


@pytest.mark.parametrize(
    "changes",
    [
        {"score": np.array([0.0, 1.0, 1.0, 3.0])},
        {"score": np.array([0.0, 1.0, 2.0])},
        {"ln_fmr": np.log([1.0, 0.1, 0.2, 0.001])},
        {"ln_fmr": np.log([0.9, 0.1, 0.01, 0.001])},
        {"llr": np.array([-3.0, 0.0, -0.1, 4.0])},
        {"llr": np.array([-3.0, 0.0, 2.0, 7.0])},  # above 1 / FMR = 1000
        {"llr": np.array([-3.0, 0.0, math.nan, 4.0])},
        {"measured_to": 0.0},
        {"score": np.array([1.0]), "ln_fmr": np.array([0.0]), "llr": np.array([0.0])},
    ],
)
def test_knots_that_are_no_calibration_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(CalibrationError) as caught:
        made(**changes)
    assert caught.value.code == "calibration_damaged"


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '"x"', "{", '{"form": 2}', json.dumps({"form": 1, "engine": "test-1", "knots": None})]
)
def test_a_file_that_is_no_calibration_is_refused(text: str) -> None:
    with pytest.raises(CalibrationError) as caught:
        Calibration.from_json(text, "test-1")
    assert caught.value.code == "calibration_damaged"


@pytest.mark.parametrize("engine", shipped())
class TestShipped:
    """What the service reads."""

    def test_says_what_it_was_fitted_on(self, engine: str) -> None:
        facts = Calibration.load(engine).provenance
        assert {"method", "sets", "when", "command", "versions", "pack", "held_out", "llr_bounds"} <= set(facts)
        assert facts["non_mated"] == sum(one["non_mated"] for one in facts["sets"])
        assert all(one["subjects"] > 1 and one["mated"] > 0 for one in facts["sets"])
        assert f"--engine {engine}" in facts["command"]
        assert "provisional" not in str(facts["note"]).lower()
        assert {"cllr", "ece"} <= {one["metric"] for one in facts["held_out"]}

    def test_was_fitted_with_the_networks_that_the_catalogue_installs(self, engine: str) -> None:
        """Another network gives other scores: a new pack needs a new engine id and a new fit."""
        noted = dict(Calibration.load(engine).provenance["pack"])
        pack = find(noted.pop("name"))
        assert noted.pop("version") == pack.version
        assert noted == {file.name: file.sha256 for file in pack.files}

    def test_reaches_the_policys_targets_within_what_was_measured_or_nearly(self, engine: str) -> None:
        calibration = Calibration.load(engine)
        assert calibration.measured_to <= 1e-3
        assert math.exp(calibration.ln_fmr[-1]) < 1e-5

    @given(st.tuples(finite, finite))
    def test_a_higher_score_never_means_less(self, engine: str, pair: tuple[float, float]) -> None:
        calibration = Calibration.load(engine)
        low, high = (calibration.assess(score) for score in sorted(pair))
        assert low.llr <= high.llr
        assert low.fmr >= high.fmr
        assert 0 < high.fmr <= 1

    def test_a_ratio_never_says_more_than_its_rate(self, engine: str) -> None:
        calibration = Calibration.load(engine)
        scores = np.linspace(calibration.score[0], calibration.score[-1], 5000)
        assert np.all(np.exp(-calibration.llr_of(scores)) >= calibration.fmr_of(scores) * 0.999)


def test_both_default_engines_have_one() -> None:
    assert {"sface-2", "leader-edges-2"} <= set(shipped())
