"""Constants of the retention room."""

# Rows of one batch, and how long the disk is the requests' between two.
ROWS = 1000
PAUSE_S = 0.05

# The job runs once in so many hours, whichever replica comes first; each looks that often whether it is time.
EVERY_H = 24
LOOK_S = 600.0

# What was due for longer than this is overdue: the job runs every day, and may miss one.
GRACE_H = 48

# The clock is doubted, and nothing removed without a person's word, where the database's is so far from the machine's,
# or where no run came to its end for so long: the service was away, or the clock has jumped.
APART_H = 1
GAP_DAYS = 31

# Clocks that nobody sets, in days.
LOCKS_DAYS = 365
WEBHOOKS_DAYS = 30
NONCES_DAYS = 1

# The name of the lock under which one process enforces.
LOCK = "retention"
ACT = "retention_enforced"
EXPIRED = "retention"
"""The reason of an event by which the deployment's clock erased a card's templates."""
