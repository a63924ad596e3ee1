"""The evidence log: leaves and their texts, tiles of the tree, signed checkpoints, archived stretches."""

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from api.storage.tables.base import made_at, metadata

evidence = Table(
    "evidence",
    metadata,
    Column("seq", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False, comment="the verification, event or act it tells of"),
    Column("leaf_hash", LargeBinary, nullable=False),
    made_at(),
    Column(
        "include_by",
        DateTime(timezone=True),
        comment="until when the receipt promises a place; null: promised before there was a log",
    ),
    Column("place", BigInteger, comment="the leaf's index in the tree; null: not placed yet"),
    Index("ix_evidence_leaf_hash", "leaf_hash", unique=True),
    # As few indexes as there can be: each is written for every leaf, and again when it gets its place.
    Index("ix_evidence_place", "place", unique=True, postgresql_where=text("place IS NOT NULL")),
    Index("ix_evidence_waiting", "seq", postgresql_where=text("place IS NULL")),
)

# Apart from the rows that the sequencer rewrites, and can be moved to an archive without touching the tree.
evidence_texts = Table(
    "evidence_texts",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("leaf", Text, nullable=False, comment="canonical JSON, exactly as signed"),
    Column("signature", LargeBinary, nullable=False),
    Column("signing_key_id", Text, nullable=False),
)

evidence_tiles = Table(
    "evidence_tiles",
    metadata,
    Column("level", SmallInteger, primary_key=True),
    Column("index", BigInteger, primary_key=True),
    Column("hashes", LargeBinary, nullable=False, comment="up to 256 hashes of 32 bytes"),
)

evidence_checkpoints = Table(
    "evidence_checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    Column("note", Text, nullable=False, comment="signed note, C2SP tlog-checkpoint"),
    made_at(),
)

evidence_archives = Table(
    "evidence_archives",
    metadata,
    Column("first", BigInteger, primary_key=True, autoincrement=False, comment="place of the first leaf in it"),
    Column("last", BigInteger, nullable=False, comment="place of the last, inclusive"),
    Column("file", Text, nullable=False, comment="its name, without a folder"),
    Column("sha256", LargeBinary, nullable=False),
    made_at(),
)
