"""`python -m benchmarks NAME ...`: one file for each group of commands."""

from benchmarks.commands import faces, figures, fingers, scores, search, services, terminals, throughput
from benchmarks.commands.app import app

__all__ = ["app", "faces", "figures", "fingers", "scores", "search", "services", "terminals", "throughput"]
