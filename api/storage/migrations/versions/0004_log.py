"""The evidence becomes a Merkle log: places, tiles, checkpoints, archives; the texts move to a table of their own.

Leaves that are there wait for the first batch.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NOW = sa.func.now()
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "evidence_texts",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("leaf", sa.Text, nullable=False, comment="canonical JSON, exactly as signed"),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.Column("signing_key_id", sa.Text, nullable=False),
    )
    op.execute("INSERT INTO evidence_texts SELECT seq, leaf, signature, signing_key_id FROM evidence")
    for column in ("leaf", "signature", "signing_key_id"):
        op.drop_column("evidence", column)
    op.alter_column(
        "evidence",
        "subject_id",
        existing_type=sa.Uuid,
        existing_nullable=False,
        comment="the verification, event or act it tells of",
    )
    op.drop_index("ix_evidence_subject_id", "evidence")
    op.add_column(
        "evidence",
        sa.Column(
            "include_by", TIME, comment="until when the receipt promises a place; null: promised before there was a log"
        ),
    )
    op.add_column(
        "evidence", sa.Column("place", sa.BigInteger, comment="the leaf's index in the tree; null: not placed yet")
    )
    op.create_index("ix_evidence_leaf_hash", "evidence", ["leaf_hash"], unique=True)
    op.create_index(
        "ix_evidence_place", "evidence", ["place"], unique=True, postgresql_where=sa.text("place IS NOT NULL")
    )
    op.create_index("ix_evidence_waiting", "evidence", ["seq"], postgresql_where=sa.text("place IS NULL"))
    _create_tree()


def _create_tree() -> None:
    op.create_table(
        "evidence_tiles",
        sa.Column("level", sa.SmallInteger, primary_key=True),
        sa.Column("index", sa.BigInteger, primary_key=True),
        sa.Column("hashes", sa.LargeBinary, nullable=False, comment="up to 256 hashes of 32 bytes"),
    )
    # Hashes do not compress: trying would only cost time.
    op.execute("ALTER TABLE evidence_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL")
    op.create_table(
        "evidence_checkpoints",
        sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("note", sa.Text, nullable=False, comment="signed note, C2SP tlog-checkpoint"),
        sa.Column("created_at", TIME, nullable=False, server_default=NOW),
    )
    op.create_table(
        "evidence_archives",
        sa.Column(
            "first", sa.BigInteger, primary_key=True, autoincrement=False, comment="place of the first leaf in it"
        ),
        sa.Column("last", sa.BigInteger, nullable=False, comment="place of the last, inclusive"),
        sa.Column("file", sa.Text, nullable=False, comment="its name, without a folder"),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("created_at", TIME, nullable=False, server_default=NOW),
    )
