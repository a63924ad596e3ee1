"""LEADER, the network that finds minutiae (R. Cappelli, 2025), computed by kernels of our own; see `network`."""

from pathlib import Path

from biometrics.finger.compiled import drop_stale

drop_stale(Path(__file__).parent)
