"""The list of known impostors."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "impostor_list",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column(
            "sequence", sa.BigInteger, nullable=False, comment="of the last change; whoever takes one holds the row"
        ),
        sa.CheckConstraint("id = 1", name="ck_impostor_list_single"),
    )
    op.execute("INSERT INTO impostor_list (id, sequence) VALUES (1, 0)")
    op.create_table(
        "impostors",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("state", sa.Text, nullable=False, comment="proposed, approved, refused, removed or expired"),
        sa.Column("ground", sa.Text, nullable=False),
        sa.Column("case_sealed", sa.LargeBinary, nullable=False),
        sa.Column(
            "institution_id", sa.Uuid, sa.ForeignKey("institutions.id"), nullable=False, comment="that entered it"
        ),
        sa.Column("entered_by", sa.Uuid, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("entered_at", TIME, nullable=False),
        sa.Column("approved_by", sa.Uuid, sa.ForeignKey("principals.id")),
        sa.Column("approved_at", TIME),
        sa.Column(
            "ended_by",
            sa.Uuid,
            sa.ForeignKey("principals.id"),
            comment="who refused or removed it; null: its time ended it",
        ),
        sa.Column("ended_at", TIME),
        sa.Column("reason", sa.Text, comment="why it was refused or removed"),
        sa.Column("review_on", sa.Date, nullable=False, comment="when somebody has to look again, in Asia/Shanghai"),
        sa.Column("expires_on", sa.Date, nullable=False, comment="inclusive, in Asia/Shanghai"),
        sa.Column("listed_seq", sa.BigInteger, comment="of the approval; its key in the galleries"),
        sa.Column("unlisted_seq", sa.BigInteger, comment="of its end, where it was approved before"),
        sa.CheckConstraint("approved_by <> entered_by", name="ck_impostors_second_person"),
        sa.UniqueConstraint("listed_seq", name="uq_impostors_listed_seq"),
        sa.UniqueConstraint("unlisted_seq", name="uq_impostors_unlisted_seq"),
    )
    op.create_index("ix_impostors_entered", "impostors", ["institution_id", "entered_at", "id"])
    op.create_index(
        "ix_impostors_ending",
        "impostors",
        ["expires_on"],
        postgresql_where=sa.text("state IN ('proposed', 'approved')"),
    )
    op.create_table(
        "impostor_templates",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("impostor_id", sa.Uuid, sa.ForeignKey("impostors.id"), nullable=False),
        sa.Column("modality", sa.Text, nullable=False, comment="face or finger"),
        sa.Column("position", sa.Text, comment="finger position, null for a face"),
        sa.Column("engine", sa.Text, nullable=False),
        sa.Column("template_sealed", sa.LargeBinary, nullable=False),
        sa.Column("master_key_id", sa.Text, nullable=False),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.UniqueConstraint(
            "impostor_id",
            "modality",
            "position",
            name="uq_impostor_templates_impostor_id_modality_position",
            postgresql_nulls_not_distinct=True,
        ),
    )
