"""Business transactions, and those of them that lack their check."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "transactions",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("institution_id", sa.Uuid, sa.ForeignKey("institutions.id"), nullable=False),
        sa.Column("terminal_id", sa.Uuid, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column(
            "reference_index",
            sa.LargeBinary,
            nullable=False,
            comment="keyed hash of the institution and its reference",
        ),
        sa.Column("reference_sealed", sa.LargeBinary, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("done_at", TIME, nullable=False, comment="as the terminal says"),
        sa.Column("reported_at", TIME, nullable=False),
        sa.Column("verification_id", sa.Uuid, comment="the check that it names, which may not be there"),
        sa.Column(
            "required", sa.Boolean, nullable=False, comment="whether the policy asked for a check, when it was reported"
        ),
        sa.Column("cause", sa.Text, comment="why it lacks the check that it needed; null: it has it, or needed none"),
        sa.Column("policy_version", sa.Text, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary, nullable=False, comment="of its leaf of evidence"),
        sa.UniqueConstraint("institution_id", "reference_index", name="uq_transactions_institution_id_reference_index"),
    )
    op.create_index(
        "ix_transactions_carried",
        "transactions",
        ["verification_id"],
        unique=True,
        postgresql_where=sa.text("required AND cause IS NULL"),
    )
    op.create_index(
        "ix_transactions_institution_done",
        "transactions",
        ["institution_id", "done_at", "id"],
        postgresql_include=["terminal_id", "required", "cause"],
    )
    op.create_index(
        "ix_transactions_omissions",
        "transactions",
        ["institution_id", "done_at", "id"],
        postgresql_where=sa.text("cause IS NOT NULL"),
    )
