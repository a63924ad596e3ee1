"""The store: whose keys these are, the wrapped keys, and those that are not to come back."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "key_store",
        sa.Column("deployment", sa.Uuid, primary_key=True, comment="whose keys these are"),
        sa.Column("master_key_id", sa.Text, comment="the master key that wraps new keys; null: the first one"),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.now()),
    )
    op.create_table(
        "record_keys",
        sa.Column("id", sa.Uuid, primary_key=True, comment="stands in the envelopes that were sealed under it"),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
        sa.Column("master_key_id", sa.Text, nullable=False, comment="the master key that wrapped it"),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.now()),
    )
    op.create_index("ix_record_keys_master_key_id", "record_keys", ["master_key_id", "id"])
    op.create_table(
        "erased_keys",
        sa.Column("id", sa.Uuid, primary_key=True, comment="a key that was deleted, and is not to come back"),
        sa.Column("erased_at", TIME, nullable=False, server_default=sa.func.now()),
    )


def downgrade() -> None:
    for name in ("erased_keys", "record_keys", "key_store"):
        op.drop_table(name)
