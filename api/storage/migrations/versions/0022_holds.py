"""Legal holds."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
STANDING = sa.text("state <> 'lifted'")


def upgrade() -> None:
    op.create_table(
        "holds",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column(
            "subject", sa.Text, nullable=False, comment="person, institution, verification, impostor or duplicate"
        ),
        sa.Column("subject_id", sa.Uuid, nullable=False, comment="of a person: one of their cards"),
        sa.Column("number_index", sa.LargeBinary, comment="of a person: all that is held of them"),
        sa.Column("ground", sa.Text, nullable=False),
        sa.Column("reference_sealed", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False, comment="standing, lifting (one person said so) or lifted"),
        sa.Column(
            "institution_id", sa.Uuid, sa.ForeignKey("institutions.id"), nullable=False, comment="that put it on"
        ),
        sa.Column("placed_by", sa.Uuid, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("placed_at", TIME, nullable=False),
        sa.Column("lifting_by", sa.Uuid, sa.ForeignKey("principals.id"), comment="who first said that it may end"),
        sa.Column("lifted_by", sa.Uuid, sa.ForeignKey("principals.id")),
        sa.Column("lifted_at", TIME),
        sa.CheckConstraint(
            "state <> 'lifted' OR (lifting_by IS NOT NULL AND lifted_by IS NOT NULL AND lifted_by <> lifting_by)",
            name="ck_holds_second_person",
        ),
    )
    op.create_index("ix_holds_subject", "holds", ["subject_id"], postgresql_where=STANDING)
    op.create_index("ix_holds_person", "holds", ["number_index"], postgresql_where=STANDING)
    op.create_index("ix_holds_placed", "holds", ["institution_id", "placed_at", "id"])


def downgrade() -> None:
    # The program of then knows no holds, and would remove what they keep.
    standing = op.get_bind().execute(sa.text("SELECT 1 FROM holds WHERE state <> 'lifted' LIMIT 1"))
    if standing.first() is not None:
        raise RuntimeError("legal holds stand, which an older version would pass over")
    op.drop_table("holds")
