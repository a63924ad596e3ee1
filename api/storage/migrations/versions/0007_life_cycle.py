"""Cards that were handed in and disputes about them, why events happened, and files read into the register."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NOW = sa.func.now()
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    for name, comment in (
        ("surrendered", "the card itself was handed in"),
        ("disputed", "its holder disputes what is registered"),
    ):
        op.add_column("cards", sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false(), comment=comment))
    op.add_column("card_events", sa.Column("reason", sa.Text, comment="why, in the reporter's words"))
    op.create_table(
        "imports",
        sa.Column("file_sha256", sa.LargeBinary, primary_key=True),
        sa.Column("institution_id", sa.Uuid, sa.ForeignKey("institutions.id"), primary_key=True),
        sa.Column("created_at", TIME, nullable=False, server_default=NOW),
        sa.Column("rows_done", sa.BigInteger, nullable=False, comment="rows of the file that are dealt with"),
        sa.Column("registered", sa.BigInteger, nullable=False),
        sa.Column("left_out", sa.BigInteger, nullable=False),
        sa.Column("finished_at", TIME),
    )
