"""What a comparison score means: error rates, calibration to a log-likelihood ratio and an FMR, fusion."""

from biometrics.scoring.calibration import Calibration, ScoreEvidence
from biometrics.scoring.errors import CalibrationError
from biometrics.scoring.fusion import Consistency, combine
from biometrics.scoring.rates import Curve, det, eer, fnmr_at_fmr, tar_at_fmr

__all__ = [
    "Calibration",
    "CalibrationError",
    "Consistency",
    "Curve",
    "ScoreEvidence",
    "combine",
    "det",
    "eer",
    "fnmr_at_fmr",
    "tar_at_fmr",
]
