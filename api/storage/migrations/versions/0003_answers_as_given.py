"""Answers are kept as text: jsonb sorts the keys, and what is given again has to be the same bytes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("verifications", "idempotency"):
        op.alter_column(
            table,
            "answer",
            existing_type=JSONB,
            existing_nullable=False,
            type_=sa.JSON,
            comment="the text as given, key by key",
            postgresql_using="answer::json",
        )
