"""The key that texts are sealed under, so that another master key can take the place of the first."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("key_store", sa.Column("text_key_id", sa.Uuid, comment="that texts are sealed under; null: none yet"))


def downgrade() -> None:
    # The program of then cannot open what was sealed under it: nothing is to seem as before.
    if op.get_bind().execute(sa.text("SELECT 1 FROM key_store WHERE text_key_id IS NOT NULL")).first() is not None:
        raise RuntimeError("texts are sealed under a key of the store, which an older version cannot open")
    op.drop_column("key_store", "text_key_id")
