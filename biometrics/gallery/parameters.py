"""Constants of the search among many faces. The figures behind them: benchmarks/RESULTS.md, "Search among faces"."""

EXACT_UP_TO = 40_000
"""Entries up to which every one is compared exactly; beyond, a compressed first stage chooses the few that are."""

FINE, COARSE = 2, 4
"""Dimensions that the first stage describes with 4 bits: 32 or 16 bytes an entry of 128 dimensions."""

SHORTLISTS = {FINE: 1_000, COARSE: 20_000}
"""Entries that the first stage hands to the exact comparison, at least."""

COARSE_FROM = 3_000_000
"""Entries from which the first stage is coarse: it looks at half as many bytes, and its shortlist is longer for it."""

TRAINING = 65_536
"""Entries that the codebook of the first stage is trained on, at most; more change nothing that was measured."""

SHORTLIST_PER_HIT = 10
"""Entries of the shortlist for each hit that is asked for."""

LONGEST_SHORTLIST = 80_000
"""Where so many are not enough, since most are removed or no longer valid, everything is compared."""

BYTES_FROM = 2_000_000
"""Entries from which vectors are kept in 8 bits a number instead of 16, so that 10^7 fit into 2.5 GiB."""

SCAN_BLOCK = 16_384
"""Entries that are compared at a time when all are."""

DEAD_SHARE = 0.2
"""Share of removed entries from which a gallery wants to be rebuilt: they are still looked at."""

GROWTH = 4.0
"""How many times as many entries as when the codebook was trained make a gallery want to be rebuilt."""

DRIFT = 1.1
"""How much worse than in training the codes may fit the newest entries before a gallery wants to be rebuilt."""

NEWEST = 1_000
"""Entries that drift is judged on."""

SEED = 1
"""Of the draw of entries that the codebook is trained on."""
