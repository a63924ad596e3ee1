"""Constants of the evidence room."""

# A tile holds the hashes of 256 neighbouring subtrees, as in C2SP's tlog-tiles: levels 0, 8, 16, … of the tree.
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
HASH_BYTES = 32

# How many leaves one batch of the sequencer takes at most: larger ones make the first of them wait.
BATCH_LEAVES = 2048

# Subtrees whose hashes it remembers: those of some full tiles.
REMEMBERED_SUBTREES = 16 * TILE_WIDTH

# How soon after the start of one batch the next may start: under load a batch serves many acts at nearly the same cost.
BATCH_INTERVAL_S = 0.05

# How many growths of the log a sequencer remembers, those of seconds, and of how many leaves at most, for the proofs of
# those who wait for them. Each holds tiles, some 5 kB.
REMEMBERED_GROWTHS = 64
REMEMBERED_LEAVES = 2 * BATCH_LEAVES

# How often the sequencer looks for leaves that nobody told it of: another replica's that died, the command line's.
POLL_S = 0.25

# How soon it tries again while another replica is at it, and after an error.
LOCKED_PAUSE_S = 0.02
ERROR_PAUSE_S = 0.5

# How often it looks for promises that are broken.
WATCH_S = 5.0

# The sequencer's own connection: how long one of its statements may take.
STATEMENT_TIMEOUT_S = 30.0

# How soon after an act its leaf must be in the tree, as the receipt promises.
PROMISE_S = 60

# The first line of checkpoints, and the name of the key that signs them.
ORIGIN = "renzheng/evidence"

# Rows read at a time where the whole log is read, and leaves given at a time over HTTP.
ROWS = 2000
PAGE_LEAVES = 1000

# Leaves in one file of an archive.
ARCHIVE_LEAVES = 65536
