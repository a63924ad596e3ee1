"""Faces are stored under a transform of the deployment's own: which one, beside each template, and those there were."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
TABLES = ("templates", "impostor_templates")


def upgrade() -> None:
    op.create_table(
        "face_transforms",
        sa.Column("id", sa.Uuid, primary_key=True, comment="of its key in the store of record keys"),
        sa.Column("created_at", TIME, nullable=False, server_default=sa.func.now()),
        sa.Column("renewed_at", TIME, comment="null: templates are still being renewed under it"),
        sa.Column("superseded_at", TIME, comment="null: what is new is turned by it"),
    )
    op.create_index(
        "ix_face_transforms_current",
        "face_transforms",
        [sa.text("(superseded_at IS NULL)")],
        unique=True,
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    for table in TABLES:
        op.add_column(table, sa.Column("transform_id", sa.Uuid, comment="that turned it; null: none did"))


def downgrade() -> None:
    # The program of then would compare turned faces with others, and refuse their holders.
    for table in TABLES:
        held = op.get_bind().execute(sa.text(f"SELECT 1 FROM {table} WHERE transform_id IS NOT NULL LIMIT 1"))  # noqa: S608 - our own names
        if held.first() is not None:
            raise RuntimeError(f"{table} holds turned faces, which an older version cannot compare")
    for table in TABLES:
        op.drop_column(table, "transform_id")
    op.drop_table("face_transforms")
