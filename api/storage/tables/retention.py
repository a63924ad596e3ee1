"""Runs of the clocks by which data are removed, and how much each removed of which kind."""

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Index, Table, Text, Uuid, func, text

from api.storage.tables.base import metadata

retention_runs = Table(
    "retention_runs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("begun_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("finished_at", DateTime(timezone=True), comment="null: it goes on with what is left"),
    # One at a time: what was removed and what was told of it have to come to the same.
    Index(
        "ix_retention_runs_unfinished",
        text("(finished_at IS NULL)"),
        unique=True,
        postgresql_where=text("finished_at IS NULL"),
    ),
)

retention_counts = Table(
    "retention_counts",
    metadata,
    Column("run_id", ForeignKey("retention_runs.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("before", DateTime(timezone=True), nullable=False, comment="whose clock began before it was to go"),
    Column("removed", BigInteger, nullable=False),
)
