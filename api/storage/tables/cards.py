"""Card instances, what happened to them, and the templates of their holders."""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from api.storage.tables.base import made_at, metadata

cards = Table(
    "cards",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_index", LargeBinary, nullable=False, unique=True, comment="number, issuer, valid-from, valid-to"),
    Column("number_index", LargeBinary, nullable=False, index=True),
    Column("serial_index", LargeBinary),
    Column("number_sealed", LargeBinary, nullable=False),
    Column("type", Text, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date, comment="inclusive; null: long-term"),
    Column("text_index", JSONB, comment="keyed hash of every field of the chip's text"),
    Column("status", Text, nullable=False, comment="a document code; dates are judged apart"),
    Column("superseded_by", ForeignKey("cards.id")),
    Column("registered_by", ForeignKey("principals.id"), nullable=False),
    made_at(),
    Column("surrendered", Boolean, nullable=False, server_default=false(), comment="the card itself was handed in"),
    Column(
        "disputed", Boolean, nullable=False, server_default=false(), comment="its holder disputes what is registered"
    ),
)

card_events = Table(
    "card_events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("card_id", ForeignKey("cards.id"), nullable=False, index=True),
    Column("event", Text, nullable=False),
    Column("status", Text, nullable=False, comment="the card's status after the event"),
    Column("superseded_by", ForeignKey("cards.id")),
    Column("recorded_by", ForeignKey("principals.id"), comment="null: the deployment's clock"),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("reason", Text, comment="of what was erased the ground; else why, until it is sealed"),
    Column("basis", Text, comment="the ground on which templates were taken; null: none were, or it was not kept"),
    Column("holds", LargeBinary, comment="keyed hash of serial, text and templates after it; null: it changed none"),
    Column("reason_sealed", LargeBinary, comment="why, in the reporter's words"),
    # Of those that are still to be sealed.
    Index("ix_card_events_clear", "id", postgresql_where=text("reason IS NOT NULL AND event <> 'biometrics_erased'")),
)

templates = Table(
    "templates",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("card_id", ForeignKey("cards.id"), nullable=False, index=True),
    Column("modality", Text, nullable=False, comment="face or finger"),
    Column("position", Text, comment="finger position, null for a face"),
    Column("engine", Text, nullable=False),
    Column("template_sealed", LargeBinary, nullable=False),
    Column(
        "master_key_id",
        Text,
        comment="of envelopes from before record keys had a store of their own; null: see the store",
    ),
    made_at(),
    Column("transform_id", Uuid, comment="that turned it; null: none did"),
    UniqueConstraint("card_id", "modality", "position", postgresql_nulls_not_distinct=True),
)
