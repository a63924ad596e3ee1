"""Nonces that the service gives out, digests of captures, locks of cards, alerts; who stood at the counter."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.alter_column("nonces", "terminal_id", new_column_name="principal_id")
    # Those that are there were used, or their request would not have left them; they expire as the new ones do.
    op.add_column("nonces", sa.Column("expires_at", TIME))
    op.add_column("nonces", sa.Column("used_at", TIME))
    op.execute("UPDATE nonces SET expires_at = created_at + interval '1 day', used_at = created_at")
    op.alter_column("nonces", "expires_at", existing_type=TIME, nullable=False)
    op.create_index(op.f("ix_nonces_expires_at"), "nonces", ["expires_at"])
    op.create_table(
        "capture_digests",
        sa.Column("digest", sa.LargeBinary, primary_key=True, comment="keyed hash of a capture's pixels"),
        sa.Column("expires_at", TIME, comment="null: of an enrolled capture, for good"),
    )
    op.create_index(op.f("ix_capture_digests_expires_at"), "capture_digests", ["expires_at"])
    _extend_verifications()
    _create_answers_to_guessing()


def _extend_verifications() -> None:
    op.add_column(
        "verifications",
        sa.Column("operator_id", sa.Uuid, sa.ForeignKey("principals.id"), comment="the member of staff at the counter"),
    )
    op.add_column(
        "verifications", sa.Column("number_index", sa.LargeBinary, comment="null: decided before it was kept")
    )
    op.add_column(
        "verifications",
        sa.Column("person_verdict", sa.Text, comment="match, inconclusive, mismatch or not_assessed; null: as above"),
    )
    op.add_column(
        "verifications",
        sa.Column("failed", sa.Boolean, comment="somebody was compared with a registered card and is not its holder"),
    )
    op.create_index("ix_verifications_institution_decided", "verifications", ["institution_id", "decided_at", "id"])
    op.create_index("ix_verifications_number_decided", "verifications", ["number_index", "decided_at"])


def _create_answers_to_guessing() -> None:
    op.create_table(
        "card_locks",
        sa.Column("number_index", sa.LargeBinary, primary_key=True),
        sa.Column("locked_at", TIME, nullable=False),
        sa.Column("until", TIME, nullable=False),
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False, comment="such as card_guessing"),
        sa.Column(
            "institution_id",
            sa.Uuid,
            sa.ForeignKey("institutions.id"),
            nullable=False,
            comment="whose supervisors are told",
        ),
        sa.Column("card_id", sa.Uuid, sa.ForeignKey("cards.id")),
        sa.Column("details", sa.JSON, nullable=False, comment="no names, no numbers"),
        sa.Column("raised_at", TIME, nullable=False),
        sa.Column("closed_at", TIME),
        sa.Column("closed_by", sa.Uuid, sa.ForeignKey("principals.id")),
        sa.Column("note", sa.Text),
    )
    op.create_index("ix_alerts_institution_raised", "alerts", ["institution_id", "raised_at"])
    op.create_index("ix_alerts_open", "alerts", ["kind", "card_id"], postgresql_where=sa.text("closed_at IS NULL"))
