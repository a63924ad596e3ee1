"""Snapshots of the invalid cards, as they are served, in pieces."""

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Integer, LargeBinary, Table, Text, Uuid

from api.storage.tables.base import made_at, metadata

feed_snapshots = Table(
    "feed_snapshots",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("seq", BigInteger, nullable=False, comment="every change up to it is in the filter, none after it"),
    Column("key_id", Text, nullable=False, comment="of the feed key that the tags are made with"),
    Column("signing_key_id", Text, nullable=False),
    Column("as_of", DateTime(timezone=True), nullable=False, comment="when that was the newest number"),
    Column("cards", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False, comment="bytes of the file"),
    Column("sha256", LargeBinary, nullable=False, comment="of the file"),
    made_at(),
)

feed_snapshot_pieces = Table(
    "feed_snapshot_pieces",
    metadata,
    Column("snapshot_id", ForeignKey("feed_snapshots.id", ondelete="CASCADE"), primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("content", LargeBinary, nullable=False),
)
