"""Constants of the store of record keys."""

BATCH = 1000
"""Keys that are read, written or deleted at once."""

POOL = 4
"""Connections at most: a question is one look-up, and requests ask one."""

ORPHAN_HOURS = 24
"""A key that nothing is sealed under after this time never will be: no transaction lasts so long."""
