"""Every constant of the terminal's client. Times in seconds, sizes in bytes."""

from datetime import UTC, datetime

# Older than this, what is held says nothing any more: every answer is REVIEW.
STALE_AFTER_S = 3600.0
# What is dated later than the present by more than this was dated by a clock that was wrong: its age is unknown.
AHEAD_S = 5.0
# What is outside is no time of the service, and may be none of the calendar; nor does any machine run that long.
EARLIEST, LATEST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
LONGEST_RUN_S = 1e10

# How the feed is followed.
PAGE_EVENTS = 1000
POLL_S = 2.0
TIMEOUT_S = 10.0
# The service's heartbeats come every 15 seconds: a stream that is silent for longer is dead.
STREAM_SILENCE_S = 40.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0
# A service that asks for a longer pause than this is asked all the same.
LONGEST_RETRY_AFTER_S = 300.0

# A new snapshot is fetched when the deltas are so many, or the held one is so old; it is asked for no more often.
MOST_DELTAS = 20_000
SNAPSHOT_AGE_S = 24 * 3600.0
SNAPSHOT_PAUSE_S = 600.0
# Further behind than this, a snapshot is fetched before the deltas.
FAR_BEHIND = 50_000

# How long the service's word may lie in memory before it is on the disk: a restart believes to be so much older.
STANDING_EVERY_S = 5.0
# Another process's files are looked at so often.
LOOK_EVERY_S = 1.0

LARGEST_ANSWER_BYTES = 8 * 1024 * 1024
LARGEST_LINE_BYTES = 64 * 1024
LARGEST_EVENT_CHARACTERS = 64 * 1024
# Filters of 130 million cards.
LARGEST_SNAPSHOT_BYTES = 192 * 1024 * 1024
BLOCK_BYTES = 256 * 1024
