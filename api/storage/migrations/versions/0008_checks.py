"""Questions to the population register by themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "checks",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("number_index", sa.LargeBinary, nullable=False),
        sa.Column("principal_id", sa.Uuid, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("institution_id", sa.Uuid, sa.ForeignKey("institutions.id"), nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("failed", sa.Boolean, nullable=False, comment="the portrait is another face than the registered one"),
        sa.Column("answer", sa.JSON, nullable=False, comment="the text as given, key by key"),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_checks_number_checked", "checks", ["number_index", "checked_at"])
