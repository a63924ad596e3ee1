"""Quality of a capture, from what was found in it, and which finger to ask for because of it.

Quality is made to predict error, as ISO/IEC 29794-4 asks for: a comparison fails for want of sure minutiae.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from biometrics.finger.parameters import FULL_QUALITY_MINUTIAE
from biometrics.finger.template import FingerTemplate

Position = TypeVar("Position", bound=Hashable)


def grade(minutia_quality: NDArray[np.float32]) -> int:
    """0..100: how many minutiae there are, each counted by how sure it is (0..1)."""
    return round(100.0 * min(1.0, float(minutia_quality.sum()) / FULL_QUALITY_MINUTIAE))


def best_finger_first(
    enrolled: Mapping[Position, Sequence[FingerTemplate]], tried: Collection[Position] = ()
) -> list[Position]:
    """The enrolled fingers in the order in which to ask for them, without those that were `tried` in vain.

    A finger is as good as its best impression; of fingers whose quality is full, the one with more sure minutiae comes
    first. Fingers without a template are left out, equals stay in the order given.
    """
    best = {
        finger: max((one.quality, int(one.minutia_quality.sum())) for one in templates)
        for finger, templates in enrolled.items()
        if templates and finger not in tried
    }
    return sorted(best, key=lambda finger: best[finger], reverse=True)
