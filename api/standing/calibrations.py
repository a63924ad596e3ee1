"""The calibrations in use, without the scores: a rate, and what it weighs."""

from collections.abc import Mapping
from math import exp

from api.matching.captures import Modality
from api.standing.schemas import CalibrationAnswer, CalibrationPoint
from biometrics.scoring.calibration import Calibration

_DIGITS = 6


def shown(calibrations: Mapping[Modality, Calibration]) -> list[CalibrationAnswer]:
    """Face first."""
    return [_shown(modality, one) for modality, one in sorted(calibrations.items())]


def _shown(modality: Modality, found: Calibration) -> CalibrationAnswer:
    told = found.provenance
    return CalibrationAnswer(
        modality=modality,
        engine=found.engine,
        version=found.version,
        measured_to=found.measured_to,
        fitted=told.get("when"),
        mated=told.get("mated"),
        non_mated=told.get("non_mated"),
        points=[
            CalibrationPoint(fmr=float(f"{exp(ln_fmr):.{_DIGITS}g}"), llr=round(float(llr), _DIGITS))
            for ln_fmr, llr in zip(found.ln_fmr, found.llr, strict=True)
        ],
    )
