"""Data whose time is over go: what a row keeps without them, and the runs that removed them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
OVER = "null: its time is over"
# Columns that a row keeps without what they held: (table, column, type, comment before, comment now).
EMPTIED: tuple[tuple[str, str, sa.types.TypeEngine[Any], str | None, str], ...] = (
    ("card_events", "recorded_by", sa.Uuid(), None, "null: the deployment's clock"),
    ("transactions", "reference_sealed", sa.LargeBinary(), None, OVER),
    ("overrides", "text_sealed", sa.LargeBinary(), None, OVER),
    ("impostors", "case_sealed", sa.LargeBinary(), None, OVER),
    ("duplicate_searches", "case_sealed", sa.LargeBinary(), None, OVER),
)
GONE = "its time is over: what led to a person is gone"
REMOVED = {
    "verifications": GONE,
    "checks": GONE,
    "duplicate_cases": "its time is over: members, pairs and scores are gone",
}
# What has not ended has its case: nothing is listed, and nobody searched for, without one.
CASES = {"impostors": "ck_impostors_case", "duplicate_searches": "ck_duplicate_searches_case"}
CLOCKS = {
    "verifications": ("decided_at", "removed_at IS NULL"),
    "checks": ("checked_at", "removed_at IS NULL"),
    "transactions": ("reported_at", "reference_sealed IS NOT NULL"),
}


def upgrade() -> None:
    op.create_table(
        "retention_runs",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("begun_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("finished_at", TIME, comment="null: it goes on with what is left"),
    )
    op.create_index(
        "ix_retention_runs_unfinished",
        "retention_runs",
        [sa.text("(finished_at IS NULL)")],
        unique=True,
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_table(
        "retention_counts",
        sa.Column("run_id", sa.Uuid, sa.ForeignKey("retention_runs.id"), primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("before", TIME, nullable=False, comment="whose clock began before it was to go"),
        sa.Column("removed", sa.BigInteger, nullable=False),
    )
    for table, column, of, before, now in EMPTIED:
        op.alter_column(table, column, existing_type=of, nullable=True, existing_comment=before, comment=now)
    for table, name in CASES.items():
        op.create_check_constraint(name, table, "case_sealed IS NOT NULL OR ended_at IS NOT NULL")
    for table, comment in REMOVED.items():
        op.add_column(table, sa.Column("removed_at", TIME, comment=comment))
    for table, (clock, still) in CLOCKS.items():
        op.create_index(f"ix_{table}_clock", table, [clock], postgresql_where=sa.text(still))


def downgrade() -> None:
    # The program of then would read rows without what was removed, and call their leaves damaged.
    gone = op.get_bind().execute(sa.text("SELECT 1 FROM retention_counts WHERE removed > 0 LIMIT 1"))
    if gone.first() is not None:
        raise RuntimeError("data were removed when their time was over, which an older version cannot tell from damage")
    for table in CLOCKS:
        op.drop_index(f"ix_{table}_clock", table)
    for table in REMOVED:
        op.drop_column(table, "removed_at")
    for table, name in CASES.items():
        op.drop_constraint(name, table)
    for table, column, of, before, now in EMPTIED:
        op.alter_column(table, column, existing_type=of, nullable=False, existing_comment=now, comment=before)
    op.drop_table("retention_counts")
    op.drop_table("retention_runs")
