"""Quality of a capture, from what was found in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.parameters import FULL_QUALITY_MINUTIAE


def grade(minutia_quality: NDArray[np.float32]) -> int:
    """0..100: how many minutiae there are, each counted by how sure it is (0..1)."""
    return round(100.0 * min(1.0, float(minutia_quality.sum()) / FULL_QUALITY_MINUTIAE))
