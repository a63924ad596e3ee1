"""Answers that are forgotten after some days are found by their age."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_idempotency_passing", "idempotency", ["created_at"], postgresql_where=sa.text("status_code = 200")
    )
