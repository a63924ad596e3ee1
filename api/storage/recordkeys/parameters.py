"""Constants of the store of record keys."""

BATCH = 1000
"""Keys that are read, written or deleted at once."""

CREATE_TRIES, CREATE_PAUSE_S = 8, 0.5
"""How often the store's database is made at most, and about how long is waited between, in seconds."""

STANDING_S = 600.0
"""For so long a key that stands for long is taken from memory, in seconds, before it is asked for again."""

POOL = 4
"""Connections at most: a question is one look-up, and requests ask one."""

ORPHAN_HOURS = 24
"""A key that nothing is sealed under after this time never will be: no transaction lasts so long."""
