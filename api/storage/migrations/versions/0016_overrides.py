"""Overrides: who went on in spite of a decision, and who else answers for it."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "overrides",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("verification_id", sa.Uuid, sa.ForeignKey("verifications.id"), nullable=False),
        sa.Column("institution_id", sa.Uuid, sa.ForeignKey("institutions.id"), nullable=False),
        sa.Column("terminal_id", sa.Uuid, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("text_sealed", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False, comment="entered, approved or refused"),
        sa.Column("entered_by", sa.Uuid, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("entered_at", TIME, nullable=False),
        sa.Column("decided_by", sa.Uuid, sa.ForeignKey("principals.id"), comment="who approved or refused it"),
        sa.Column("decided_at", TIME),
        sa.Column("entered_leaf", sa.LargeBinary, comment="hash of the act's leaf of evidence"),
        sa.Column("decided_leaf", sa.LargeBinary, comment="the same, of the approval or refusal"),
        sa.CheckConstraint("state <> 'approved' OR decided_by <> entered_by", name="ck_overrides_second_person"),
    )
    op.create_index(
        "ix_overrides_standing",
        "overrides",
        ["verification_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'refused'"),
    )
    op.create_index("ix_overrides_entered", "overrides", ["institution_id", "entered_at", "id"])
