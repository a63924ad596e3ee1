"""Every constant of the snapshots. Times in seconds, sizes in bytes."""

ARITY = 4
"""Cells a tag names: 4 make a filter 4.5 % smaller than 3, for a microsecond a look-up (see RESULTS.md)."""
MOST_TRIES = 100
"""Seeds that are tried; some lead to no filter where there are few tags."""

# When a new one is made: after so many changes, after any change in so long, and without one in so long; never sooner
# than after the pause.
CHANGES = 10_000
CHANGED_AGE_S = 3600.0
AGE_S = 24 * 3600.0
PAUSE_S = 300.0

# How often a replica looks whether one is due, and after how long it looks again when something failed.
LOOK_S = 5.0
ERROR_PAUSE_S = 30.0
# Ten million tags are read in seconds; a database that is busy may take longer.
STATEMENT_TIMEOUT_S = 600.0

# Snapshots that are kept: downloads that began before the newest go on.
KEPT = 2
PIECE_BYTES = 1 << 20
BLOCK_BYTES = 1 << 18
RETRY_AFTER_S = 5
