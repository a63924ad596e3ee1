"""The fitted part of the score, `weights.json`, which `python -m benchmarks.finger.weights` writes."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any, Final

from biometrics.finger.parameters import ENGINE

_FITTED: Final[dict[str, Any]] = json.loads((resources.files("biometrics.finger") / "weights.json").read_text("utf-8"))
if _FITTED["engine"] != ENGINE:
    raise RuntimeError(f"weights.json is of {_FITTED['engine']}, not of {ENGINE}")

EVIDENCE_WEIGHTS: Final[dict[str, float]] = _FITTED["evidence"]
"""What each of the figures of `score.EVIDENCE` weighs; those that are missing weigh nothing."""
CHANCE_LEVEL: Final[tuple[float, ...]] = tuple(_FITTED["chance_level"])
CHANCE_DECADE: Final[tuple[float, ...]] = tuple(_FITTED["chance_decade"])
"""Polynomials in the size of both captures, ln(n m): the sum of weighted evidence that one non-mated comparison in a
hundred reaches, and how much more one in a thousand does."""
