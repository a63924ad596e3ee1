"""Constants of the verification room. Thresholds stand in `policy.toml`, periods in the settings."""

# As many as a key has: nobody guesses a nonce that another terminal was given.
NONCE_BYTES = 32
# Rows that are out of date, taken away by whoever adds one: the tables stay bounded without a job of their own.
SWEPT_AT_ONCE = 8
