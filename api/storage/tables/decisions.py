"""Verifications, what makes them fresh and single, and what answers too many of them."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from api.storage.tables.base import made_at, metadata

verifications = Table(
    "verifications",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_index", LargeBinary, nullable=False),
    Column("card_id", ForeignKey("cards.id")),
    # Principals and institutions stay (revision 0025), so that a decision need not ask for those that it knows.
    Column("terminal_id", Uuid, nullable=False),
    Column("institution_id", Uuid, nullable=False),
    Column("channel", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("document_status", Text, nullable=False),
    Column("answer", JSON, nullable=False, comment="the text as given, key by key"),
    Column("decided_at", DateTime(timezone=True), nullable=False),
    Column("operator_id", Uuid, comment="the member of staff at the counter"),
    Column("number_index", LargeBinary, comment="null: decided before it was kept"),
    Column("person_verdict", Text, comment="match, inconclusive, mismatch or not_assessed; null: as above"),
    Column("failed", Boolean, comment="somebody was compared with a registered card and is not its holder"),
    Index(None, "terminal_id", "instance_index", "decided_at"),
    Column("face_capture", Text, comment="acquired, or why not; null: none was presented"),
    Column("fingers_presented", SmallInteger),
    Column("fingers_failed", SmallInteger, comment="of them: not acquired"),
    # Few, and looked for by themselves: first refusals of cards that their holders reported.
    Index(
        "ix_verifications_lost",
        "card_id",
        "decided_at",
        "id",
        postgresql_include=["institution_id", "terminal_id"],
        postgresql_where=text("document_status IN ('card_reported_lost', 'card_reported_stolen')"),
    ),
    # Wide enough for a month's figures to be counted in the index alone.
    Index(
        "ix_verifications_institution_decided",
        "institution_id",
        "decided_at",
        "id",
        postgresql_include=[
            "terminal_id",
            "decision",
            "document_status",
            "person_verdict",
            "face_capture",
            "fingers_presented",
            "fingers_failed",
            "face_declined",
        ],
    ),
    Index("ix_verifications_number_decided", "number_index", "decided_at"),
    Column("removed_at", DateTime(timezone=True), comment="its time is over: what led to a person is gone"),
    Column("basis", Text, comment="the ground on which captures were processed; null: decided before it was kept"),
    Column("face_declined", Boolean, comment="the holder took the way without a face; null: as above"),
    # Of those whose time is over.
    Index("ix_verifications_clock", "decided_at", postgresql_where=text("removed_at IS NULL")),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("principal_id", Uuid, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_digest", LargeBinary, nullable=False),
    Column("status_code", SmallInteger, nullable=False),
    Column("answer", JSON, nullable=False, comment="the text as given, key by key"),
    made_at(),
    # Of what is forgotten after some days.
    Index("ix_idempotency_passing", "created_at", postgresql_where=text("status_code = 200")),
)

nonces = Table(
    "nonces",
    metadata,
    Column("principal_id", ForeignKey("principals.id"), primary_key=True),
    Column("nonce_hash", LargeBinary, primary_key=True),
    made_at(),
    Column("expires_at", DateTime(timezone=True), nullable=False, index=True),
    Column("used_at", DateTime(timezone=True)),
)

capture_digests = Table(
    "capture_digests",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="keyed hash of a capture's pixels"),
    Column("expires_at", DateTime(timezone=True), index=True, comment="null: of an enrolled capture, for good"),
)

card_locks = Table(
    "card_locks",
    metadata,
    Column("number_index", LargeBinary, primary_key=True),
    Column("locked_at", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False, comment="such as card_guessing"),
    Column("institution_id", ForeignKey("institutions.id"), nullable=False, comment="whose supervisors are told"),
    Column("card_id", ForeignKey("cards.id")),
    Column("details", JSON, nullable=False, comment="no names, no numbers"),
    Column("raised_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Column("closed_by", ForeignKey("principals.id")),
    Column("note", Text),
    Index("ix_alerts_institution_raised", "institution_id", "raised_at"),
    Index("ix_alerts_open", "kind", "card_id", postgresql_where=text("closed_at IS NULL")),
)
