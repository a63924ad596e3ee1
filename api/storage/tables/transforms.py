"""Transforms of face templates: the one that turns what is new, and those before. The key store has their secrets."""

from sqlalchemy import Column, DateTime, Index, Table, Uuid, text

from api.storage.tables.base import made_at, metadata

face_transforms = Table(
    "face_transforms",
    metadata,
    Column("id", Uuid, primary_key=True, comment="of its key in the store of record keys"),
    made_at(),
    Column("renewed_at", DateTime(timezone=True), comment="null: templates are still being renewed under it"),
    Column("superseded_at", DateTime(timezone=True), comment="null: what is new is turned by it"),
    Index(
        "ix_face_transforms_current",
        text("(superseded_at IS NULL)"),
        unique=True,
        postgresql_where=text("superseded_at IS NULL"),
    ),
)
