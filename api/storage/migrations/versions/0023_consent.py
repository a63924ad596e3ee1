"""On which ground captures were processed, and whether the holder took the way without a face."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

INDEX = "ix_verifications_institution_decided"
COUNTED = (
    "terminal_id",
    "decision",
    "document_status",
    "person_verdict",
    "face_capture",
    "fingers_presented",
    "fingers_failed",
)


def upgrade() -> None:
    op.add_column(
        "verifications",
        sa.Column(
            "basis", sa.Text, comment="the ground on which captures were processed; null: decided before it was kept"
        ),
    )
    op.add_column(
        "verifications",
        sa.Column("face_declined", sa.Boolean, comment="the holder took the way without a face; null: as above"),
    )
    op.add_column(
        "card_events",
        sa.Column(
            "basis", sa.Text, comment="the ground on which templates were taken; null: none were, or it was not kept"
        ),
    )
    _index([*COUNTED, "face_declined"])


def downgrade() -> None:
    _index([*COUNTED])
    op.drop_column("card_events", "basis")
    op.drop_column("verifications", "face_declined")
    op.drop_column("verifications", "basis")


def _index(counted: list[str]) -> None:
    op.drop_index(INDEX, "verifications")
    op.create_index(INDEX, "verifications", ["institution_id", "decided_at", "id"], postgresql_include=counted)
