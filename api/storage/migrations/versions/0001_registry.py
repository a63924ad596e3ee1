"""Institutions, terminals, cards, their events and templates."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NOW = sa.func.now()
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "institutions",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("created_at", TIME, nullable=False, server_default=NOW),
    )
    op.create_table(
        "terminals",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("institution_id", sa.Uuid, sa.ForeignKey("institutions.id"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False, comment="terminal or authority"),
        sa.Column("key_hash", sa.LargeBinary, nullable=False, unique=True, comment="SHA-256 of the bearer key"),
        sa.Column("revoked_at", TIME),
        sa.Column("created_at", TIME, nullable=False, server_default=NOW),
        sa.UniqueConstraint("institution_id", "name"),
    )
    op.create_table(
        "cards",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column(
            "instance_index",
            sa.LargeBinary,
            nullable=False,
            unique=True,
            comment="number, issuer, valid-from, valid-to",
        ),
        sa.Column("number_index", sa.LargeBinary, nullable=False, index=True),
        sa.Column("serial_index", sa.LargeBinary),
        sa.Column("number_sealed", sa.LargeBinary, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("valid_from", sa.Date, nullable=False),
        sa.Column("valid_to", sa.Date, comment="inclusive; null: long-term"),
        sa.Column("text_index", JSONB, comment="keyed hash of every field of the chip's text"),
        sa.Column("status", sa.Text, nullable=False, comment="a document code; dates are judged apart"),
        sa.Column("superseded_by", sa.Uuid, sa.ForeignKey("cards.id")),
        sa.Column("registered_by", sa.Uuid, sa.ForeignKey("terminals.id"), nullable=False),
        sa.Column("created_at", TIME, nullable=False, server_default=NOW),
    )
    op.create_table(
        "card_events",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("card_id", sa.Uuid, sa.ForeignKey("cards.id"), nullable=False, index=True),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False, comment="the card's status after the event"),
        sa.Column("superseded_by", sa.Uuid, sa.ForeignKey("cards.id")),
        sa.Column("recorded_by", sa.Uuid, sa.ForeignKey("terminals.id"), nullable=False),
        sa.Column("recorded_at", TIME, nullable=False),
    )
    op.create_table(
        "templates",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("card_id", sa.Uuid, sa.ForeignKey("cards.id"), nullable=False, index=True),
        sa.Column("modality", sa.Text, nullable=False, comment="face or finger"),
        sa.Column("position", sa.Text, comment="finger position, null for a face"),
        sa.Column("engine", sa.Text, nullable=False),
        sa.Column("template_sealed", sa.LargeBinary, nullable=False),
        sa.Column("master_key_id", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False, server_default=NOW),
        sa.UniqueConstraint("card_id", "modality", "position", postgresql_nulls_not_distinct=True),
    )
