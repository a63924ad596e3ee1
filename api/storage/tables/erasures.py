"""Which record keys are to be deleted, noted with whatever makes them useless, and which were."""

from sqlalchemy import Column, DateTime, Index, Table, Uuid, func, text

from api.storage.tables.base import metadata

key_erasures = Table(
    "key_erasures",
    metadata,
    Column("key_id", Uuid, primary_key=True, comment="in the store of record keys"),
    Column("asked_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("done_at", DateTime(timezone=True), comment="null: the key has still to be deleted"),
    Index("ix_key_erasures_waiting", "asked_at", postgresql_where=text("done_at IS NULL")),
)
