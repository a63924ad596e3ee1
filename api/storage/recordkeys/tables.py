"""The tables of the store of record keys, in a database of their own."""

from sqlalchemy import Column, DateTime, Index, LargeBinary, MetaData, Table, Text, Uuid, func

from api.storage.tables.base import made_at
from api.storage.tables.base import metadata as of_the_data

# The same naming rules; never in one database with the tables of the data.
metadata = MetaData(naming_convention=of_the_data.naming_convention)

key_store = Table(
    "key_store",
    metadata,
    Column("deployment", Uuid, primary_key=True, comment="whose keys these are"),
    Column("master_key_id", Text, comment="the master key that wraps new keys; null: the first one"),
    made_at(),
    Column("text_key_id", Uuid, comment="that texts are sealed under; null: none yet"),
)

record_keys = Table(
    "record_keys",
    metadata,
    Column("id", Uuid, primary_key=True, comment="stands in the envelopes that were sealed under it"),
    Column("wrapped", LargeBinary, nullable=False),
    Column("master_key_id", Text, nullable=False, comment="the master key that wrapped it"),
    made_at(),
    Index("ix_record_keys_master_key_id", "master_key_id", "id"),
)

erased_keys = Table(
    "erased_keys",
    metadata,
    Column("id", Uuid, primary_key=True, comment="a key that was deleted, and is not to come back"),
    Column("erased_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
