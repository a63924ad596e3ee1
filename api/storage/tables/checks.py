"""Questions to the population register by themselves, without a person at the counter."""

from sqlalchemy import JSON, Boolean, Column, DateTime, ForeignKey, Index, LargeBinary, Table, Text, Uuid, text

from api.storage.tables.base import metadata

checks = Table(
    "checks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number_index", LargeBinary, nullable=False),
    Column("principal_id", ForeignKey("principals.id"), nullable=False),
    Column("institution_id", ForeignKey("institutions.id"), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("failed", Boolean, nullable=False, comment="the portrait is another face than the registered one"),
    Column("answer", JSON, nullable=False, comment="the text as given, key by key"),
    Column("checked_at", DateTime(timezone=True), nullable=False),
    Index("ix_checks_number_checked", "number_index", "checked_at"),
    Column("removed_at", DateTime(timezone=True), comment="its time is over: what led to a person is gone"),
    # Of those whose time is over.
    Index("ix_checks_clock", "checked_at", postgresql_where=text("removed_at IS NULL")),
)
