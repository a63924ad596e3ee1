"""Constants of the search for duplicates. The figures behind them: RESULTS.md, "One person, two identities"."""

from typing import Final

FALSE_PER_RECORD: Final = 0.001
"""Findings of one person that are two that a search may give by chance, for each record of the register."""

PAIRS_PER_RECORD: Final = 150.0
"""Pairs of different persons for each record whose fingers are compared: the fewer, the more their faces must be alike.
In a register of a million they are the 0.03 % of all pairs with the most similar faces, in one of 300 all pairs."""

SUSPECTS_PER_RECORD: Final = 0.1
"""Pairs of different persons for each record that are compared by the accurate matcher because a sketch of a finger
brings the faces' evidence so far up that no more are left; and as many because their faces alone are so alike."""

LEAST_SUSPECTS: Final = 20_000
"""So many may always be compared accurately, which takes seconds: in a register of 200 records all pairs."""

CONTRADICTION: Final = -3.0
"""Sum of the fingers' log-likelihood ratios from which, downwards, they say that the persons are two: 1 to 20."""

SHARE_THAT_JOINS: Final = 0.5
"""Of the pairs between two groups of records the share that must be findings for the groups to be one person."""

TAIL_END: Final = -40.0
"""ln FMR to which a calibration's exponential tail is continued, where a threshold lies beyond what it reaches."""

BLOCK: Final = 8_192
"""Records of a block; a job compares one block with about half of all others."""

TILE: Final = 1_024
"""Records on each side that one matrix product compares: its scores, 4 MiB, stay in the processor's cache."""

CODE_LIMIT: Final = 0.4
"""A vector's numbers are rounded to 1 / 127 of this, and cut off there; of real faces one number in 10^5 is larger."""

CODE_SLACK: Final = 0.01
"""How much less than the floor the rounded product may be for a pair to be compared exactly: seven of its standard
errors (0.0013)."""

CHUNK: Final = 4_096
"""Pairs whose templates are fetched together."""
