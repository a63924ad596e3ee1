"""The feed: every change of a card's status under a number of its own, and who is told of them by webhook."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from api.storage.tables.base import made_at, metadata

feed_head = Table(
    "feed_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False, comment="the newest number; whoever takes one holds the row to commit"),
    Column("key_id", Text, comment="of the key that the tags are made with; null: none is made yet"),
    CheckConstraint("id = 1", name="ck_feed_head_single"),
)

feed_events = Table(
    "feed_events",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False, comment="gapless, in the order of the commits"),
    Column("card_id", ForeignKey("cards.id"), nullable=False),
    Column("event", Text, nullable=False),
    Column("status", Text, nullable=False, comment="the card's status after the event"),
    Column("invalid", Boolean, nullable=False, comment="whether the card is one to be stopped"),
    Column("at", DateTime(timezone=True), nullable=False, comment="of the event; may run against the numbers"),
    Column("tag", LargeBinary, comment="keyed hash of the card instance; null: to be made at the next start"),
    # The newest state of every card, without a look at the table.
    Index("ix_feed_events_card", "card_id", "seq", postgresql_include=["invalid", "tag"]),
    Index("ix_feed_events_untagged", "seq", postgresql_where=text("tag IS NULL")),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("institution_id", ForeignKey("institutions.id"), nullable=False, index=True),
    Column("principal_id", ForeignKey("principals.id"), nullable=False, comment="who made it; it ends with them"),
    Column("url", Text, nullable=False),
    Column("secret_sealed", LargeBinary, nullable=False),
    Column("names_cards", Boolean, nullable=False, comment="whether it tells which of the institution's own cards"),
    made_at(),
    Column("removed_at", DateTime(timezone=True)),
    Column("acknowledged_seq", BigInteger, nullable=False, comment="everything to here was acknowledged"),
    Column("acknowledged_at", DateTime(timezone=True)),
    Column("pending_seq", BigInteger, comment="the last number of the message that is being delivered"),
    Column("failures", Integer, nullable=False, server_default="0", comment="in a row"),
    Column("last_failure", Text, comment="its class, such as timeout or status_500"),
    Column("next_try_at", DateTime(timezone=True), nullable=False),
    Column("lease", Uuid, comment="of the replica that delivers now"),
    Column("leased_until", DateTime(timezone=True)),
    Index("ix_webhooks_due", "next_try_at", postgresql_where=text("removed_at IS NULL")),
)
