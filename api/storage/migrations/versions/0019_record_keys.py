"""Templates are sealed under keys that lie elsewhere; the keys that are to be deleted there, and those that were."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
SEALED = ("templates", "impostor_templates")


def upgrade() -> None:
    op.create_table(
        "key_erasures",
        sa.Column("key_id", sa.Uuid, primary_key=True, comment="in the store of record keys"),
        sa.Column("asked_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("done_at", TIME, comment="null: the key has still to be deleted"),
    )
    op.create_index(
        "ix_key_erasures_waiting", "key_erasures", ["asked_at"], postgresql_where=sa.text("done_at IS NULL")
    )
    for table in SEALED:
        op.alter_column(
            table,
            "master_key_id",
            existing_type=sa.Text,
            nullable=True,
            comment="of envelopes from before record keys had a store of their own; null: see the store",
        )


def downgrade() -> None:
    # The program of then cannot open what was sealed under keys of the store: nothing is to seem as before.
    for table in SEALED:
        held = op.get_bind().execute(sa.text(f"SELECT 1 FROM {table} WHERE master_key_id IS NULL LIMIT 1"))  # noqa: S608 - our own names
        if held.first() is not None:
            raise RuntimeError(f"{table} holds envelopes of record keys, which an older version cannot open")
        op.alter_column(table, "master_key_id", existing_type=sa.Text, nullable=False, comment=None)
    op.drop_table("key_erasures")
