"""Fingerprints: minutiae, templates and their comparison.

`FingerEngine` is the whole of it for a caller; `biometrics.finger.synthesis` makes prints where there are none.
"""

from biometrics.finger.engine import FingerEngine
from biometrics.finger.matcher import Comparison, PreparedFinger
from biometrics.finger.template import FingerTemplate, MinutiaKind

__all__ = ["Comparison", "FingerEngine", "FingerTemplate", "MinutiaKind", "PreparedFinger"]
