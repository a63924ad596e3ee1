"""What a comparison score of one engine means: a log-likelihood ratio and the FMR that it stands for."""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biometrics.scoring.errors import damaged, missing, of_another

FORM = 1
KNOTS = ("score", "ln_fmr", "llr")
_ENGINE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_PACKAGE = "biometrics.scoring.calibrations"
# The last two: a number beyond all floats, and lists in lists without end.
_NONE_OF_OURS = (KeyError, TypeError, ValueError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class ScoreEvidence:
    """One modality's evidence: `llr` (natural log, mated over non-mated) and the FMR of a threshold at this score.

    `extrapolated` says that the FMR lies below what was measured with 30 errors or more.
    """

    llr: float
    fmr: float
    extrapolated: bool


@dataclass(frozen=True, eq=False)
class Calibration:
    """Knots `score` (K,) rising, `ln_fmr` (K,) falling from 0, `llr` (K,) never falling; straight lines between them.

    Outside the knots both stay what they are at the first and last one, so a score beyond all experience claims no more
    than the calibration can say. `measured_to` is the lowest FMR that was measured, not extrapolated. `provenance` says
    what it was fitted on.
    """

    engine: str
    score: NDArray[np.float64]
    ln_fmr: NDArray[np.float64]
    llr: NDArray[np.float64]
    measured_to: float
    provenance: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Refuse knots that are no calibration: CalibrationError."""
        knots = (self.score, self.ln_fmr, self.llr)
        if len({array.shape for array in knots}) != 1 or self.score.ndim != 1 or len(self.score) < 2:
            raise damaged(self.engine, "the knots do not fit together")
        if not all(np.all(np.isfinite(array)) for array in knots) or not 0 < self.measured_to < 1:
            raise damaged(self.engine, "a figure is not finite or out of range")
        if np.any(np.diff(self.score) <= 0) or np.any(np.diff(self.ln_fmr) > 0) or np.any(np.diff(self.llr) < 0):
            raise damaged(self.engine, "a higher score must not mean less")
        # No honest likelihood ratio is above 1 / FMR: FMR(s) = E[exp(-llr); mated, score >= s] <= exp(-llr(s)).
        if self.ln_fmr[0] != 0 or np.any(self.llr > -self.ln_fmr + 1e-6):
            raise damaged(self.engine, "a log-likelihood ratio is above what its FMR allows")

    @staticmethod
    def load(engine: str) -> "Calibration":
        """The shipped calibration of exactly this engine and version.

        Raises CalibrationError (`calibration_missing`, `calibration_damaged`); another engine's is never taken instead.
        """
        return _load(engine)

    @classmethod
    def from_json(cls, text: str, engine: str) -> "Calibration":
        """Read what `to_json` wrote, for `engine`.

        Raises CalibrationError when it is none (`calibration_damaged`), or another engine's
        (`calibration_engine_mismatch`).
        """
        try:
            body = json.loads(text)
            if body["form"] != FORM:
                raise damaged(engine, f"form {body['form']} is not known")
            if body["engine"] != engine:
                raise of_another(engine, str(body["engine"]))
            score, ln_fmr, llr = (np.array(body["knots"][name], np.float64) for name in KNOTS)
            return cls(engine, score, ln_fmr, llr, float(body["measured_to"]), dict(body["provenance"]))
        except _NONE_OF_OURS as error:
            raise damaged(engine, "it is no calibration file") from error

    @staticmethod
    def engine_named(text: str, name: str) -> str:
        """The engine that a file, called `name` in the error, is of. Raises CalibrationError when it is none."""
        try:
            return str(json.loads(text)["engine"])
        except _NONE_OF_OURS as error:
            raise damaged(name, "it is no calibration file") from error

    @property
    def version(self) -> str:
        """The day that it was fitted, and the start of its SHA-256: what a decision is named after."""
        digest = hashlib.sha256(self.to_json().encode()).hexdigest()[:12]
        return f"{self.provenance.get('when', 'undated')}+{digest}"

    def to_json(self) -> str:
        """The calibration as a small JSON document, ending in a line feed."""
        body = {
            "form": FORM,
            "engine": self.engine,
            "measured_to": self.measured_to,
            "provenance": dict(self.provenance),
            "knots": {name: [float(f"{figure:.10g}") for figure in getattr(self, name)] for name in KNOTS},
        }
        return json.dumps(body, ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    def assess(self, score: float) -> ScoreEvidence:
        """Evidence of one comparison score. Raises ValueError when it is NaN or infinite: that is no comparison."""
        if not math.isfinite(score):
            raise ValueError("a comparison score must be finite; a failure to compare is not assessed")
        fmr = math.exp(float(np.interp(score, self.score, self.ln_fmr)))
        return ScoreEvidence(float(np.interp(score, self.score, self.llr)), fmr, fmr < self.measured_to)

    def llr_of(self, scores: ArrayLike) -> NDArray[np.float64]:
        """LLR of many scores (any shape)."""
        return np.interp(np.asarray(scores, np.float64), self.score, self.llr)

    def fmr_of(self, scores: ArrayLike) -> NDArray[np.float64]:
        """FMR of thresholds at many scores (any shape)."""
        return np.exp(np.interp(np.asarray(scores, np.float64), self.score, self.ln_fmr))


def shipped() -> list[str]:
    """The engines that a calibration is shipped for."""
    return sorted(Path(entry.name).stem for entry in resources.files(_PACKAGE).iterdir() if entry.name[-5:] == ".json")


@cache
def _load(engine: str) -> Calibration:
    if not _ENGINE.fullmatch(engine):
        raise missing(engine, shipped())
    file = resources.files(_PACKAGE) / f"{engine}.json"
    if not file.is_file():
        raise missing(engine, shipped())
    return Calibration.from_json(file.read_text(encoding="utf-8"), engine)
