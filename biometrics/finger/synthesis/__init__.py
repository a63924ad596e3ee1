"""Synthetic fingerprints after SFinGe (Cappelli, Maio, Maltoni): a master of each finger, and impressions of it.

`generate(finger_seed, impression)` is an 8-bit picture at 500 dpi, dark ridges on light ground, the same in every run
on one platform. Impressions of one `finger_seed` are of one finger; other seeds are other fingers. `write_set` writes a
set of files as benchmarks read them. No real finger went into any of it.
"""

from biometrics.finger.synthesis.parameters import Quality
from biometrics.finger.synthesis.prints import Master, generate, master, write_set

__all__ = ["Master", "Quality", "generate", "master", "write_set"]
