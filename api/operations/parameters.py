"""Constants of admission and draining."""

ALWAYS_FOR_EACH_THREAD = 2
"""So many verifications for each thread that compares are admitted whatever is estimated: one learns from them."""

MOST_FOR_EACH_THREAD = 16
MOST_AT_LEAST = 32
"""Never more are inside at once: each holds a thread, and its captures in memory."""

OTHER_THREADS = 40
"""Threads for what is no verification, such as loss reports: these never wait behind verifications."""

LEARNED_SHARE = 0.1
"""How much one answer moves the estimate: half of it is of the last seven."""

LEAST_SHARE = 0.5
"""Of the bound on waiting the estimate is held against this at the least."""

SHARE_STEP = 0.05
"""How much of the bound one late answer takes away, nearly."""

REST_FACTOR = 1.5
"""An answer may take so many times the mean from its turn on."""

LATE = 0.01
"""The share of answers that may be later than the bound."""

DRAIN_RETRY_MS = (500, 3000)
"""Between these a stream that the ending service closes is told to come back: not all at once."""
