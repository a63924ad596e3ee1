"""Business transactions that terminals reported, decisions that somebody went past, and checks that holders dispute."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from api.storage.tables.base import metadata

transactions = Table(
    "transactions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("institution_id", ForeignKey("institutions.id"), nullable=False),
    Column("terminal_id", ForeignKey("principals.id"), nullable=False),
    Column("reference_index", LargeBinary, nullable=False, comment="keyed hash of the institution and its reference"),
    Column("reference_sealed", LargeBinary, comment="null: its time is over"),
    Column("kind", Text, nullable=False),
    Column("done_at", DateTime(timezone=True), nullable=False, comment="as the terminal says"),
    Column("reported_at", DateTime(timezone=True), nullable=False),
    Column("verification_id", Uuid, comment="the check that it names, which may not be there"),
    Column("required", Boolean, nullable=False, comment="whether the policy asked for a check, when it was reported"),
    Column("cause", Text, comment="why it lacks the check that it needed; null: it has it, or needed none"),
    Column("policy_version", Text, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False, comment="of its leaf of evidence"),
    UniqueConstraint("institution_id", "reference_index"),
    # One check carries one transaction.
    Index(
        "ix_transactions_carried",
        "verification_id",
        unique=True,
        postgresql_where=text("required AND cause IS NULL"),
    ),
    # Wide enough for a month's figures to be counted in the index alone.
    Index(
        "ix_transactions_institution_done",
        "institution_id",
        "done_at",
        "id",
        postgresql_include=["terminal_id", "required", "cause"],
    ),
    # Of references whose time is over.
    Index("ix_transactions_clock", "reported_at", postgresql_where=text("reference_sealed IS NOT NULL")),
    Index("ix_transactions_omissions", "institution_id", "done_at", "id", postgresql_where=text("cause IS NOT NULL")),
)

overrides = Table(
    "overrides",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("verification_id", ForeignKey("verifications.id"), nullable=False),
    Column("institution_id", ForeignKey("institutions.id"), nullable=False),
    Column("terminal_id", ForeignKey("principals.id"), nullable=False),
    Column("reason", Text, nullable=False),
    Column("text_sealed", LargeBinary, comment="null: its time is over"),
    Column("state", Text, nullable=False, comment="entered, approved or refused"),
    Column("entered_by", ForeignKey("principals.id"), nullable=False),
    Column("entered_at", DateTime(timezone=True), nullable=False),
    Column("decided_by", ForeignKey("principals.id"), comment="who approved or refused it"),
    Column("decided_at", DateTime(timezone=True)),
    Column("entered_leaf", LargeBinary, comment="hash of the act's leaf of evidence"),
    Column("decided_leaf", LargeBinary, comment="the same, of the approval or refusal"),
    CheckConstraint("state <> 'approved' OR decided_by <> entered_by", name="ck_overrides_second_person"),
    # A decision is gone past once; what was refused may be entered again.
    Index("ix_overrides_standing", "verification_id", unique=True, postgresql_where=text("state <> 'refused'")),
    Index("ix_overrides_entered", "institution_id", "entered_at", "id"),
)

check_disputes = Table(
    "check_disputes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("verification_id", ForeignKey("verifications.id"), nullable=False),
    Column("institution_id", ForeignKey("institutions.id"), nullable=False, comment="that checked"),
    Column("terminal_id", ForeignKey("principals.id"), nullable=False, comment="that checked"),
    Column("identified_by", ForeignKey("verifications.id"), nullable=False),
    Column("reason", Text, nullable=False),
    Column("text_sealed", LargeBinary),
    Column("state", Text, nullable=False, comment="open, upheld or rejected"),
    Column("opened_by", ForeignKey("principals.id"), nullable=False, comment="the terminal"),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("resolved_by", ForeignKey("principals.id")),
    Column("resolved_at", DateTime(timezone=True)),
    Column("note_sealed", LargeBinary, comment="what was found out"),
    Column("opened_leaf", LargeBinary, comment="hash of the act's leaf of evidence"),
    Column("resolved_leaf", LargeBinary, comment="the same, of the resolution"),
    Index("ix_check_disputes_open", "verification_id", unique=True, postgresql_where=text("state = 'open'")),
    Index("ix_check_disputes_opened", "institution_id", "opened_at", "id"),
    Index("ix_check_disputes_resolved", "institution_id", "resolved_at"),
)
