"""The impostor list: who is on it, their templates, and the number of its last change."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from api.storage.tables.base import made_at, metadata

impostor_list = Table(
    "impostor_list",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False, comment="of the last change; whoever takes one holds the row"),
    CheckConstraint("id = 1", name="ck_impostor_list_single"),
)

impostors = Table(
    "impostors",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("state", Text, nullable=False, comment="proposed, approved, refused, removed or expired"),
    Column("ground", Text, nullable=False),
    Column("case_sealed", LargeBinary, comment="null: its time is over"),
    Column("institution_id", ForeignKey("institutions.id"), nullable=False, comment="that entered it"),
    Column("entered_by", ForeignKey("principals.id"), nullable=False),
    Column("entered_at", DateTime(timezone=True), nullable=False),
    Column("approved_by", ForeignKey("principals.id")),
    Column("approved_at", DateTime(timezone=True)),
    Column("ended_by", ForeignKey("principals.id"), comment="who refused or removed it; null: its time ended it"),
    Column("ended_at", DateTime(timezone=True)),
    Column("reason", Text, comment="why it was refused or removed"),
    Column("review_on", Date, nullable=False, comment="when somebody has to look again, in Asia/Shanghai"),
    Column("expires_on", Date, nullable=False, comment="inclusive, in Asia/Shanghai"),
    Column("listed_seq", BigInteger, unique=True, comment="of the approval; its key in the galleries"),
    Column("unlisted_seq", BigInteger, unique=True, comment="of its end, where it was approved before"),
    CheckConstraint("approved_by <> entered_by", name="ck_impostors_second_person"),
    CheckConstraint("case_sealed IS NOT NULL OR ended_at IS NOT NULL", name="ck_impostors_case"),
    Index("ix_impostors_entered", "institution_id", "entered_at", "id"),
    Index("ix_impostors_ending", "expires_on", postgresql_where=text("state IN ('proposed', 'approved')")),
)

impostor_templates = Table(
    "impostor_templates",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("impostor_id", ForeignKey("impostors.id"), nullable=False),
    Column("modality", Text, nullable=False, comment="face or finger"),
    Column("position", Text, comment="finger position, null for a face"),
    Column("engine", Text, nullable=False),
    Column("template_sealed", LargeBinary, nullable=False),
    Column(
        "master_key_id",
        Text,
        comment="of envelopes from before record keys had a store of their own; null: see the store",
    ),
    made_at(),
    Column("transform_id", Uuid, comment="that turned it; null: none did"),
    UniqueConstraint("impostor_id", "modality", "position", postgresql_nulls_not_distinct=True),
)
