"""Constants of the population room."""

# A counter waits for the answer: what takes longer is as good as none.
TIMEOUT_S = 3.0

# After so many failures in a row nobody asks for a while, so that a dead register costs no customer its time-out.
FAILURES_TO_OPEN = 5
OPEN_S = 15.0

# Questions under way at once. Each holds a thread of the service: a slow register must not take those in which loss
# reports are answered.
AT_ONCE = 16

# What a register answers to a question that it will not have, whoever asks and however well it is.
REFUSING_THE_QUESTION = frozenset({400, 413, 415, 422})

# How far the register's own time of its answer may lie from ours: beyond, it is an old answer given again.
MAX_CLOCK_OFF_S = 300.0

# An answer is a few hundred bytes; more is another service's page, or an attack.
MAX_ANSWER_BYTES = 64 * 1024

# Why another register is asked, as its evidence says it.
PURPOSE = "population_register"
