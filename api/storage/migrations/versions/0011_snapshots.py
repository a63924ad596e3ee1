"""Snapshots of the invalid cards, for terminals that lose the network."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "feed_snapshots",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column(
            "seq", sa.BigInteger, nullable=False, comment="every change up to it is in the filter, none after it"
        ),
        sa.Column("key_id", sa.Text, nullable=False, comment="of the feed key that the tags are made with"),
        sa.Column("signing_key_id", sa.Text, nullable=False),
        sa.Column("as_of", TIME, nullable=False, comment="when that was the newest number"),
        sa.Column("cards", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False, comment="bytes of the file"),
        sa.Column("sha256", sa.LargeBinary, nullable=False, comment="of the file"),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.now()),
    )
    op.create_table(
        "feed_snapshot_pieces",
        sa.Column("snapshot_id", sa.Uuid, sa.ForeignKey("feed_snapshots.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
    # A filter does not get smaller: to try costs time.
    op.execute("ALTER TABLE feed_snapshot_pieces ALTER COLUMN content SET STORAGE EXTERNAL")
