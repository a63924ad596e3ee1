"""Verifications, their evidence, idempotency keys and nonces."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NOW = sa.func.now()
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "verifications",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("instance_index", sa.LargeBinary, nullable=False),
        sa.Column("card_id", sa.Uuid, sa.ForeignKey("cards.id")),
        sa.Column("terminal_id", sa.Uuid, sa.ForeignKey("terminals.id"), nullable=False),
        sa.Column("institution_id", sa.Uuid, sa.ForeignKey("institutions.id"), nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("document_status", sa.Text, nullable=False),
        sa.Column("answer", JSONB, nullable=False),
        sa.Column("decided_at", TIME, nullable=False),
    )
    op.create_index(
        op.f("ix_verifications_terminal_id_verifications_instance_index_verifications_decided_at"),
        "verifications",
        ["terminal_id", "instance_index", "decided_at"],
    )
    op.create_table(
        "evidence",
        sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column(
            "subject_id",
            sa.Uuid,
            nullable=False,
            index=True,
            comment="the verification, card or event it tells of",
        ),
        sa.Column("leaf", sa.Text, nullable=False, comment="canonical JSON, exactly as signed"),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.Column("signing_key_id", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False, server_default=NOW),
    )
    op.create_table(
        "idempotency",
        sa.Column("terminal_id", sa.Uuid, sa.ForeignKey("terminals.id"), primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("request_digest", sa.LargeBinary, nullable=False),
        sa.Column("status_code", sa.SmallInteger, nullable=False),
        sa.Column("answer", JSONB, nullable=False),
        sa.Column("created_at", TIME, nullable=False, server_default=NOW),
    )
    op.create_table(
        "nonces",
        sa.Column("terminal_id", sa.Uuid, sa.ForeignKey("terminals.id"), primary_key=True),
        sa.Column("nonce_hash", sa.LargeBinary, primary_key=True),
        sa.Column("created_at", TIME, nullable=False, server_default=NOW),
    )
