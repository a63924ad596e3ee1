"""Legal holds: whose data, or which case's, nothing removes until two people have lifted them."""

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKey, Index, LargeBinary, Table, Text, Uuid, text

from api.storage.tables.base import metadata

_STANDING = text("state <> 'lifted'")

holds = Table(
    "holds",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("subject", Text, nullable=False, comment="person, institution, verification, impostor or duplicate"),
    Column("subject_id", Uuid, nullable=False, comment="of a person: one of their cards"),
    Column("number_index", LargeBinary, comment="of a person: all that is held of them"),
    Column("ground", Text, nullable=False),
    Column("reference_sealed", LargeBinary, nullable=False),
    Column("state", Text, nullable=False, comment="standing, lifting (one person said so) or lifted"),
    Column("institution_id", ForeignKey("institutions.id"), nullable=False, comment="that put it on"),
    Column("placed_by", ForeignKey("principals.id"), nullable=False),
    Column("placed_at", DateTime(timezone=True), nullable=False),
    Column("lifting_by", ForeignKey("principals.id"), comment="who first said that it may end"),
    Column("lifted_by", ForeignKey("principals.id")),
    Column("lifted_at", DateTime(timezone=True)),
    CheckConstraint(
        "state <> 'lifted' OR (lifting_by IS NOT NULL AND lifted_by IS NOT NULL AND lifted_by <> lifting_by)",
        name="ck_holds_second_person",
    ),
    Index("ix_holds_subject", "subject_id", postgresql_where=_STANDING),
    Index("ix_holds_person", "number_index", postgresql_where=_STANDING),
    Index("ix_holds_placed", "institution_id", "placed_at", "id"),
)
