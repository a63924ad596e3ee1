"""What a card holds after an event that gave it something, as the event's leaf tells it."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "card_events",
        sa.Column(
            "holds",
            sa.LargeBinary,
            comment="keyed hash of serial, text and templates after it; null: it changed none",
        ),
    )
