"""Searches of the register for persons with two identities: how far each is, what it found, the cases made of it."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from api.storage.tables.base import metadata

_RUNNING = text("state = 'running'")

duplicate_searches = Table(
    "duplicate_searches",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("state", Text, nullable=False, comment="running, finished or abandoned"),
    Column("institution_id", ForeignKey("institutions.id"), nullable=False, comment="that searches"),
    Column("begun_by", ForeignKey("principals.id"), nullable=False),
    Column("begun_at", DateTime(timezone=True), nullable=False),
    # A search without a case and a purpose cannot be written down, and what is not written down does not begin.
    Column("purpose", Text, nullable=False),
    Column("case_sealed", LargeBinary, comment="null: its time is over"),
    Column("case_index", LargeBinary, nullable=False, comment="keyed hash of the case's reference"),
    Column("face_engine", Text, nullable=False),
    Column("finger_engine", Text, nullable=False),
    Column("false_per_1000", Double, nullable=False, comment="false candidates aimed at, per 1,000 people"),
    Column("fmr", Double, nullable=False, comment="that two people's evidence must have at most, as of its beginning"),
    Column("register_seq", BigInteger, nullable=False, comment="number of the register's last event at its beginning"),
    Column("people", BigInteger, nullable=False, comment="numbers with a face of the engine, at its beginning"),
    Column("left_out", BigInteger, nullable=False, comment="numbers with faces of other engines only"),
    Column("register_digest", LargeBinary, comment="SHA-256 of who is searched, with which faces; null: not read yet"),
    Column("blocks", Integer, comment="into how many the search is cut; null: as above"),
    Column("damaged", BigInteger, comment="faces that did not open; null until its end"),
    Column("opened", BigInteger, comment="cases; null until its end"),
    Column("changed", BigInteger, comment="open cases of earlier searches that changed; null until its end"),
    Column("ended_at", DateTime(timezone=True)),
    CheckConstraint("case_sealed IS NOT NULL OR ended_at IS NOT NULL", name="ck_duplicate_searches_case"),
    Index(
        "ix_duplicate_searches_running",
        "institution_id",
        "case_index",
        "purpose",
        unique=True,
        postgresql_where=_RUNNING,
    ),
)

duplicate_blocks = Table(
    "duplicate_blocks",
    metadata,
    Column("search_id", ForeignKey("duplicate_searches.id"), primary_key=True),
    Column("block", Integer, primary_key=True, autoincrement=False, comment="that is searched"),
)

duplicate_candidates = Table(
    "duplicate_candidates",
    metadata,
    Column("search_id", ForeignKey("duplicate_searches.id"), primary_key=True),
    Column("first", LargeBinary, primary_key=True, comment="a number's keyed hash, the lesser of the two"),
    Column("second", LargeBinary, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("llr", Double, nullable=False, comment="of all that was compared"),
    Column("scores", JSONB, nullable=False, comment="of the face and of each finger"),
    Column("compared", LargeBinary, nullable=False, comment="SHA-256 of the templates' identifiers"),
)

duplicate_cases = Table(
    "duplicate_cases",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False, comment="same_person_suspected or kin_or_twins"),
    Column("state", Text, nullable=False, comment="open, proposed, confirmed, rejected or superseded"),
    Column("revision", Integer, nullable=False, comment="grows with every change"),
    Column("llr", Double, nullable=False, comment="of its strongest pair"),
    Column("content", LargeBinary, nullable=False, comment="SHA-256 of members and pairs, as the evidence has it"),
    Column("search_id", ForeignKey("duplicate_searches.id"), nullable=False, comment="that opened it"),
    Column("found_in", ForeignKey("duplicate_searches.id"), nullable=False, comment="the last that found it"),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("earlier_id", ForeignKey("duplicate_cases.id"), comment="rejected before, with other templates"),
    Column("superseded_by", ForeignKey("duplicate_cases.id")),
    Column("proposed_by", ForeignKey("principals.id"), comment="who first said that it is one person"),
    Column("decided_by", ForeignKey("principals.id")),
    Column("decided_at", DateTime(timezone=True)),
    Column("reason", Text, comment="of the last decision"),
    Column("removed_at", DateTime(timezone=True), comment="its time is over: members, pairs and scores are gone"),
    CheckConstraint(
        "state <> 'confirmed' OR (proposed_by IS NOT NULL AND decided_by IS NOT NULL AND decided_by <> proposed_by)",
        name="ck_duplicate_cases_second_person",
    ),
    Index("ix_duplicate_cases_rank", "llr", "id"),
)

duplicate_members = Table(
    "duplicate_members",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("case_id", ForeignKey("duplicate_cases.id"), nullable=False),
    Column("number_index", LargeBinary, nullable=False, index=True),
    Column("same", Boolean, comment="whether a decision takes it for the one person; null: none"),
    UniqueConstraint("case_id", "number_index"),
)

duplicate_pairs = Table(
    "duplicate_pairs",
    metadata,
    Column("case_id", ForeignKey("duplicate_cases.id"), primary_key=True),
    Column("first", ForeignKey("duplicate_members.id"), primary_key=True),
    Column("second", ForeignKey("duplicate_members.id"), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("llr", Double, nullable=False),
    Column("scores", JSONB, nullable=False),
    Column("compared", LargeBinary, nullable=False),
)
