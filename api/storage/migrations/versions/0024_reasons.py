"""Reasons that people write with events of cards are sealed.

Those that stand in the clear are sealed by the service, which has the key, within minutes of its start.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

IN_THE_CLEAR = sa.text("reason IS NOT NULL AND event <> 'biometrics_erased'")
BEFORE, NOW = "why, in the reporter's words", "of what was erased the ground; else why, until it is sealed"


def upgrade() -> None:
    op.add_column("card_events", sa.Column("reason_sealed", sa.LargeBinary, comment=BEFORE))
    op.alter_column("card_events", "reason", existing_type=sa.Text, existing_comment=BEFORE, comment=NOW)
    op.create_index("ix_card_events_clear", "card_events", ["id"], postgresql_where=IN_THE_CLEAR)


def downgrade() -> None:
    # The program of then would not find them, and this one has no key here to open them with.
    sealed = op.get_bind().execute(sa.text("SELECT 1 FROM card_events WHERE reason_sealed IS NOT NULL LIMIT 1"))
    if sealed.first() is not None:
        raise RuntimeError("reasons of events are sealed, which an older version cannot open")
    op.drop_index("ix_card_events_clear", "card_events")
    op.alter_column("card_events", "reason", existing_type=sa.Text, existing_comment=NOW, comment=BEFORE)
    op.drop_column("card_events", "reason_sealed")
