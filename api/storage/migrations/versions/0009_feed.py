"""The feed of status changes, with a number for every card that is invalid now, and webhooks."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)

# What led to the status: the first of the last events that agree on it. Their order is that of those times. The tags
# need a key, which a migration has not: the service makes them when it starts.
_NUMBERED = sa.text("""
    INSERT INTO feed_events (seq, card_id, event, status, invalid, at)
    SELECT row_number() OVER (ORDER BY at, id), id, event, status, true, at
    FROM (
        SELECT cards.id, cards.status, coalesce(led.event, 'registered') AS event,
            coalesce(led.recorded_at, cards.created_at) AS at
        FROM cards LEFT JOIN LATERAL (
            SELECT one.event, one.recorded_at FROM card_events AS one
            WHERE one.card_id = cards.id AND one.status = cards.status AND NOT EXISTS (
                SELECT 1 FROM card_events AS later
                WHERE later.card_id = one.card_id AND later.status <> one.status
                    AND later.recorded_at > one.recorded_at
            )
            ORDER BY one.recorded_at LIMIT 1
        ) AS led ON true
        WHERE cards.status <> 'valid'
    ) AS invalid
""")
_HEAD = sa.text("INSERT INTO feed_head (id, seq) SELECT 1, count(*) FROM feed_events")


def upgrade() -> None:
    op.create_table(
        "feed_head",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column(
            "seq", sa.BigInteger, nullable=False, comment="the newest number; whoever takes one holds the row to commit"
        ),
        sa.Column("key_id", sa.Text, comment="of the key that the tags are made with; null: none is made yet"),
        sa.CheckConstraint("id = 1", name="ck_feed_head_single"),
    )
    op.create_table(
        "feed_events",
        sa.Column(
            "seq",
            sa.BigInteger,
            primary_key=True,
            autoincrement=False,
            comment="gapless, in the order of the commits",
        ),
        sa.Column("card_id", sa.Uuid, sa.ForeignKey("cards.id"), nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False, comment="the card's status after the event"),
        sa.Column("invalid", sa.Boolean, nullable=False, comment="whether the card is one to be stopped"),
        sa.Column("at", TIME, nullable=False, comment="of the event; may run against the numbers"),
        sa.Column("tag", sa.LargeBinary, comment="keyed hash of the card instance; null: to be made at the next start"),
    )
    # Nothing changes a status between the numbers and the head.
    op.execute("LOCK TABLE cards, card_events IN SHARE ROW EXCLUSIVE MODE")
    op.execute(_NUMBERED)
    op.execute(_HEAD)
    op.create_index("ix_feed_events_card", "feed_events", ["card_id", "seq"], postgresql_include=["invalid", "tag"])
    op.create_index("ix_feed_events_untagged", "feed_events", ["seq"], postgresql_where=sa.text("tag IS NULL"))
    _webhooks()


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("institution_id", sa.Uuid, sa.ForeignKey("institutions.id"), nullable=False),
        sa.Column(
            "principal_id",
            sa.Uuid,
            sa.ForeignKey("principals.id"),
            nullable=False,
            comment="who made it; it ends with them",
        ),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary, nullable=False),
        sa.Column(
            "names_cards",
            sa.Boolean,
            nullable=False,
            comment="whether it tells which of the institution's own cards",
        ),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("removed_at", TIME),
        sa.Column("acknowledged_seq", sa.BigInteger, nullable=False, comment="everything to here was acknowledged"),
        sa.Column("acknowledged_at", TIME),
        sa.Column("pending_seq", sa.BigInteger, comment="the last number of the message that is being delivered"),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0", comment="in a row"),
        sa.Column("last_failure", sa.Text, comment="its class, such as timeout or status_500"),
        sa.Column("next_try_at", TIME, nullable=False),
        sa.Column("lease", sa.Uuid, comment="of the replica that delivers now"),
        sa.Column("leased_until", TIME),
    )
    op.create_index("ix_webhooks_institution_id", "webhooks", ["institution_id"])
    op.create_index("ix_webhooks_due", "webhooks", ["next_try_at"], postgresql_where=sa.text("removed_at IS NULL"))
