"""Constants of the scorecards: when a rate stands out, and how much is answered at once."""

# Of the terminals that are called unusual, so many may be so by chance.
FALSE_DISCOVERY_RATE = 0.05
# A terminal is compared with so many others at least; fewer tell too little of how terminals differ.
LEAST_PEERS = 15
# The spread of terminals that is reckoned with is the one that is exceeded one time in twenty (normal distribution).
CAUTION_Z = -1.6449
# How often those that stand out are set aside and the others judged again.
ROUNDS = 5
# Estimates above it say that the terminals have nothing in common.
MOST_CORRELATION = 0.5
# The funnel's limits: the share beyond each side of the inner (95 %) and the outer one (99.8 %).
FUNNEL_INNER = 0.025
FUNNEL_OUTER = 0.001

# Pages.
PAGE_CARDS = 100
LARGEST_CARDS = 500
