"""Constants of the feed."""

from datetime import timedelta

# PostgreSQL's channel on which a commit wakes the replicas.
CHANNEL = "renzheng_feed"

# Pages of the feed, as `GET /v1/feed` answers them.
PAGE_EVENTS = 500
LARGEST_PAGE = 2000

# A replica looks for new events when it is woken, and so often when nobody wakes it, in seconds.
POLL_S = 1.0
# After an error, and for the longest statement of the replica's own connections.
ERROR_PAUSE_S = 1.0
STATEMENT_TIMEOUT_S = 5.0
# Events that a replica keeps at hand; who is further behind reads the table.
KEPT_EVENTS = 4096
# Events that a stream is given in one write, so that its buffer stays small.
BURST_EVENTS = 100

# A stream says that it lives, and which number is the newest, so often.
HEARTBEAT_S = 15.0
# What a client waits before it connects again, unless it knows better.
RETRY_MS = 1000
# And what it waits when a replica is full, in seconds.
FULL_RETRY_S = 5
# Keys of open streams are looked at so often; a revoked one's streams end.
KEYS_CHECKED_S = 2.0
# Streams that one terminal or person holds at one replica; a further one ends the oldest. Those that are ended and
# whose clients take nothing, not even the end, count until their connections are gone.
STREAMS_EACH = 3
LINGERING_EACH = 12
# Threads that read the table for streams that are far behind, beside what requests do.
READERS = 2

# Tags made in one transaction, at a start with a new key.
TAGGED_AT_ONCE = 5000

# Webhooks: events of one message, and what may take how long.
MESSAGE_EVENTS = 100
ATTEMPT_TIMEOUT_S = 10.0
# Longer than an attempt: a replica that was killed is replaced after it.
LEASE = timedelta(seconds=20)
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 3600.0
ATTEMPTS_AT_ONCE = 64
# Failures in a row after which the service's log has it, once.
TOLD_AFTER_FAILURES = 3
LARGEST_ANSWER_BYTES = 16 * 1024
SUBSCRIPTIONS_EACH = 20
SECRET_BYTES = 32
