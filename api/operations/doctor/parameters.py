"""From where on the doctor says something."""

GIB = 2**30

DISK_ERROR_BYTES = 1 * GIB
"""PostgreSQL stops when its disk is full; a WAL of `max_wal_size` is 1 GB."""

DISK_WARNING_BYTES = 10 * GIB
DISK_WARNING_SHARE = 0.05
"""Less than both is little: 10 GiB are some two million decisions."""

CLOCK_WARNING_S = 2.0
"""Between this machine's clock and the database's: signed requests and receipts name times to the second."""

CLOCK_JUMP_S = 0.02
CLOCK_WATCH_S = 0.05
"""For so long the wall clock is held against the monotonic one, and it may differ by so much."""

POSTGRESQL_AT_LEAST = 15

CONNECTIONS_BESIDE = 3
"""A replica's connections beside the pool: the sequencer's, the feed's, the webhooks'."""

DESCRIPTORS_BESIDE = 256
"""File descriptors of a replica beside the feed's streams."""

RECORDS_LOOKED_AT = 2000
"""Of each table, whether the keys are there that its rows are sealed under."""

PRIVILEGED_PORTS = 1024
