"""Disputes of checks, which their holders open and supervisors resolve; an index of refusals of lost cards."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "check_disputes",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("verification_id", sa.Uuid, sa.ForeignKey("verifications.id"), nullable=False),
        sa.Column("institution_id", sa.Uuid, sa.ForeignKey("institutions.id"), nullable=False, comment="that checked"),
        sa.Column("terminal_id", sa.Uuid, sa.ForeignKey("principals.id"), nullable=False, comment="that checked"),
        sa.Column("identified_by", sa.Uuid, sa.ForeignKey("verifications.id"), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("text_sealed", sa.LargeBinary),
        sa.Column("state", sa.Text, nullable=False, comment="open, upheld or rejected"),
        sa.Column("opened_by", sa.Uuid, sa.ForeignKey("principals.id"), nullable=False, comment="the terminal"),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("resolved_by", sa.Uuid, sa.ForeignKey("principals.id")),
        sa.Column("resolved_at", TIME),
        sa.Column("note_sealed", sa.LargeBinary, comment="what was found out"),
        sa.Column("opened_leaf", sa.LargeBinary, comment="hash of the act's leaf of evidence"),
        sa.Column("resolved_leaf", sa.LargeBinary, comment="the same, of the resolution"),
    )
    op.create_index(
        "ix_check_disputes_open",
        "check_disputes",
        ["verification_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("ix_check_disputes_opened", "check_disputes", ["institution_id", "opened_at", "id"])
    op.create_index("ix_check_disputes_resolved", "check_disputes", ["institution_id", "resolved_at"])
    op.create_index(
        "ix_verifications_lost",
        "verifications",
        ["card_id", "decided_at", "id"],
        postgresql_include=["institution_id", "terminal_id"],
        postgresql_where=sa.text("document_status IN ('card_reported_lost', 'card_reported_stolen')"),
    )
