"""Institutions with their branches, who signs in for them with which keys, and what was administered."""

from sqlalchemy import (
    JSON,
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
)
from sqlalchemy.dialects.postgresql import ARRAY

from api.storage.tables.base import made_at, metadata

institutions = Table(
    "institutions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    made_at(),
    Column("parent_id", ForeignKey("institutions.id"), comment="the institution that this one is a branch of"),
    Column("path", ARRAY(Uuid), nullable=False, comment="from the uppermost institution to this one, inclusive"),
    UniqueConstraint("parent_id", "name", postgresql_nulls_not_distinct=True),
    Index(None, "path", postgresql_using="gin"),
)

principals = Table(
    "principals",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("institution_id", ForeignKey("institutions.id"), nullable=False),
    Column("name", Text, nullable=False, comment="of a terminal or a member of staff, as the institution names them"),
    Column("role", Text, nullable=False),
    made_at(),
    Column("channel", Text, comment="counter or kiosk, for terminals; null: either"),
    Column("requests_per_minute", Integer, comment="null: the deployment's setting"),
    Column("disabled_at", DateTime(timezone=True)),
    UniqueConstraint("institution_id", "name"),
)

credentials = Table(
    "credentials",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("principal_id", ForeignKey("principals.id"), nullable=False, index=True),
    Column("key_hash", LargeBinary, nullable=False, unique=True, comment="SHA-256 of the bearer key"),
    Column("scopes", ARRAY(Text), comment="null: all of the role's"),
    Column("public_key", LargeBinary, comment="Ed25519; when it is there, every request must be signed"),
    made_at(),
    Column("expires_at", DateTime(timezone=True), comment="null: until revoked"),
    Column("revoked_at", DateTime(timezone=True)),
    Column("used_at", DateTime(timezone=True), comment="of the first request under it"),
    Column("replaced_by", ForeignKey("credentials.id"), comment="the key that a rotation made in its stead"),
)

acts = Table(
    "acts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("act", Text, nullable=False, comment="what was administered, such as key_revoked"),
    Column("actor_id", ForeignKey("principals.id"), comment="null: the deployment itself, or its command line"),
    Column("institution_id", ForeignKey("institutions.id"), comment="whose affair it is; null: the deployment's"),
    Column("subject_id", Uuid, comment="the institution, principal, key or alert that it is about"),
    Column("details", JSON, nullable=False, comment="no names, no numbers"),
    Column("at", DateTime(timezone=True), nullable=False),
)

deployment = Table(
    "deployment",
    metadata,
    Column("fact", Text, primary_key=True, comment="such as signing_key or policy"),
    Column("value", Text, nullable=False, comment="as the newest act on it says"),
)

buckets = Table(
    "buckets",
    metadata,
    Column("principal_id", ForeignKey("principals.id"), primary_key=True),
    Column("tokens", Double, nullable=False),
    Column("filled_at", DateTime(timezone=True), nullable=False),
)
