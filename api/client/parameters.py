"""Every constant of the client. Times in seconds, sizes in bytes."""

VERSION = "1.0.0"

# A first answer may have to wait for other terminals' comparisons.
TIMEOUT_S, CONNECT_TIMEOUT_S = 60.0, 5.0

# How often a request is sent at most, and for how long it is sent again.
TRIES = 5
GIVE_UP_AFTER_S = 60.0
# The pause before the nth repetition is drawn below FIRST * 2^(n-1), so that terminals do not come back all at once.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.25, 8.0

# How often a person is captured anew, where the nonce ran out meanwhile.
CAPTURES_TRIES = 3

# How often a promised proof is asked for, and for how long after the promised time.
PROOF_EVERY_S, PROOF_LATE_S = 1.0, 5.0

# Of the service's clock. What is added to a time outside of them may leave the calendar.
SANE_YEARS = range(2000, 2500)

# As the service takes them: visible ASCII.
IDEMPOTENCY_KEY_CHARACTERS = 128

PAGE_ITEMS = 100
FEED_EVENTS = 1000
FEED_EVERY_S = 2.0
LEAVES = 1000
