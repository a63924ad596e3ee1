"""Constants of the evidence room."""

# A tile holds the hashes of 256 neighbouring subtrees, as in C2SP's tlog-tiles: levels 0, 8, 16, … of the tree.
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
HASH_BYTES = 32

# How many leaves one batch of the sequencer takes at most: larger ones make the first of them wait.
BATCH_LEAVES = 2048

# How often the sequencer looks for leaves that another replica wrote.
POLL_S = 0.02

# How long an answer waits for its inclusion proof, and how soon after a promise the leaf must be in the tree.
PROOF_WAIT_S = 0.05
PROMISE_S = 60

# The first line of checkpoints, and the name of the key that signs them.
ORIGIN = "renzheng/evidence"
