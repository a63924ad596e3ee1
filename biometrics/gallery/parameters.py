"""Constants of the search among many faces. The figures behind them: benchmarks/RESULTS.md, "Search among faces"."""

EXACT_UP_TO = 40_000
"""Entries up to which every one is compared exactly; beyond, a first stage by codes chooses the few that are."""

BLOCK = 4_096
"""Entries of a block of codes: what is computed of one stays in the processor's nearest caches."""

SAMPLED, SAMPLED_BLOCKS, SAMPLED_OF = 64, 64, 8
"""Entries of a block that tell how high a score is among the best; of how many blocks at least, where there are more;
and of one block of how many at least."""

SIGNS_PASS = 4.0
"""Times the findable entries to the power of 2/3: so many, about, are looked at with both bits after their signs. At
10^5 and 10^6 one of 100 hard searches (strangers, mates at 0.40) needs 0.9, one of 500 needs 2.4, of mates 0.4; with 3,
two of 1,000 strangers were lost, at scores of 0.42."""

GENEROUS = 2.0
"""Times the entries that are wanted: so many, about, reach the score that a sample sets, before the best are taken."""

SHORTLIST, SHORTLIST_OF = 2_000, 2_500
"""Entries, about, that the codes hand to the exact comparison at least, and one of so many of a larger gallery's."""

SHORTLIST_PER_HIT = 10
"""Entries of the shortlist for each hit that is asked for, at least."""

LARGE = 0.98
"""How many standard deviations from 0 a number of a vector has to be to count as large: the best four steps for
normally distributed numbers are 0.45 and 1.51 on both sides (Max, "Quantizing for minimum distortion", 1960)."""

QUERY_BITS = 4
"""Bits of a number of the query, the sign included, in the comparison with codes."""

TWELVE_FROM = 2_000_000
"""Entries from which vectors are kept in 12 bits a number instead of 16, so that 10^7 fit into 2.5 GiB."""

SCAN_BLOCK = 16_384
"""Entries that are taken in hand at a time when all are."""

FIRST_PART = 16_384
"""Room for entries, in rows, that a growing table makes at least."""

DEAD_SHARE = 0.2
"""Share of removed entries from which a gallery wants to be rebuilt: they still cost time and memory."""
