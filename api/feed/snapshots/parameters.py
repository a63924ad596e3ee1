"""Every constant of the snapshots."""

ARITY = 4
"""Cells a tag names."""
MOST_TRIES = 100
"""Seeds that are tried; one in a few leads to no filter where there are few tags."""
