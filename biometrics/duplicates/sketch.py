"""What the likeness of two fingers' sketches (`biometrics.finger.sketch`) means.

It stands in `sketch.json`, a calibration that `python -m benchmarks finger-sketch` and `calibrate` make.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from biometrics.finger.sketch import NAME
from biometrics.scoring import Calibration


@cache
def calibration() -> Calibration:
    """What the likeness of two sketches means."""
    text = (resources.files("biometrics.duplicates") / "sketch.json").read_text("utf-8")
    return Calibration.from_json(text, NAME)
