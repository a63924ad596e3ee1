"""Alembic migrations of the store of record keys, in order."""
