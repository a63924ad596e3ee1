"""Files that were read into the register, and how far."""

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, LargeBinary, Table

from api.storage.tables.base import made_at, metadata

imports = Table(
    "imports",
    metadata,
    Column("file_sha256", LargeBinary, primary_key=True),
    Column("institution_id", ForeignKey("institutions.id"), primary_key=True),
    made_at(),
    Column("rows_done", BigInteger, nullable=False, comment="rows of the file that are dealt with"),
    Column("registered", BigInteger, nullable=False),
    Column("left_out", BigInteger, nullable=False),
    Column("finished_at", DateTime(timezone=True)),
)
