"""The tables. Times are timestamps with time zone, set by the database; identifiers are UUIDs.

No number, name or address stands in clear: `*_index` columns are keyed hashes, `*_sealed` columns envelopes.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _now() -> Column[object]:
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())


institutions = Table(
    "institutions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    _now(),
)

terminals = Table(
    "terminals",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("institution_id", ForeignKey("institutions.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False, comment="terminal or authority"),
    Column("key_hash", LargeBinary, nullable=False, unique=True, comment="SHA-256 of the bearer key"),
    Column("revoked_at", DateTime(timezone=True)),
    _now(),
    UniqueConstraint("institution_id", "name"),
)

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
    Column("registered_by", ForeignKey("terminals.id"), nullable=False),
    _now(),
)

card_events = Table(
    "card_events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("card_id", ForeignKey("cards.id"), nullable=False, index=True),
    Column("event", Text, nullable=False),
    Column("status", Text, nullable=False, comment="the card's status after the event"),
    Column("superseded_by", ForeignKey("cards.id")),
    Column("recorded_by", ForeignKey("terminals.id"), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
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
    Column("master_key_id", Text, nullable=False),
    _now(),
    UniqueConstraint("card_id", "modality", "position", postgresql_nulls_not_distinct=True),
)

verifications = Table(
    "verifications",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_index", LargeBinary, nullable=False),
    Column("card_id", ForeignKey("cards.id")),
    Column("terminal_id", ForeignKey("terminals.id"), nullable=False),
    Column("institution_id", ForeignKey("institutions.id"), nullable=False),
    Column("channel", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("document_status", Text, nullable=False),
    Column("answer", JSON, nullable=False, comment="the text as given, key by key"),
    Column("decided_at", DateTime(timezone=True), nullable=False),
    Index(None, "terminal_id", "instance_index", "decided_at"),
)

evidence = Table(
    "evidence",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False, index=True, comment="the verification, card or event it tells of"),
    Column("leaf", Text, nullable=False, comment="canonical JSON, exactly as signed"),
    Column("leaf_hash", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("signing_key_id", Text, nullable=False),
    _now(),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("terminal_id", ForeignKey("terminals.id"), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_digest", LargeBinary, nullable=False),
    Column("status_code", SmallInteger, nullable=False),
    Column("answer", JSON, nullable=False, comment="the text as given, key by key"),
    _now(),
)

nonces = Table(
    "nonces",
    metadata,
    Column("terminal_id", ForeignKey("terminals.id"), primary_key=True),
    Column("nonce_hash", LargeBinary, primary_key=True),
    _now(),
)
