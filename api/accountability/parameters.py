"""Constants of the accountability room: how late things may be told, and how much at once."""

# How far a terminal's clock may be ahead of the database's, and a check behind the business that rests on it.
CLOCK_SKEW_S = 120

# Business that is told of later than this is refused: the figures of its month were read long ago.
LATEST_REPORT_S = 35 * 24 * 3600

# Transactions in one report: each has its own leaf and its own receipt.
MOST_AT_ONCE = 200

# An override is entered, and approved, within this time after the decision: business is done now, not weeks later.
OVERRIDE_WINDOW_S = 24 * 3600

# For so long after a check that passed its holder is taken to stand at the counter still.
IDENTIFIED_S = 10 * 60

# Pages of lists.
PAGE_ENTRIES = 50
LARGEST_PAGE = 200
