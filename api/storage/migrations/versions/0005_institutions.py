"""Branches, principals (terminals and people) with any number of keys, and the record of what was administered."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NOW = sa.func.now()
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _institutions_have_branches()
    op.rename_table("terminals", "principals")
    for constraint in ("pk_{}", "uq_{}_institution_id_name", "fk_{}_institution_id"):
        before, after = constraint.format("terminals"), constraint.format("principals")
        op.execute(f"ALTER TABLE principals RENAME CONSTRAINT {before} TO {after}")
    op.alter_column(
        "principals",
        "name",
        existing_type=sa.Text,
        existing_nullable=False,
        comment="of a terminal or a member of staff, as the institution names them",
    )
    op.alter_column("principals", "role", existing_type=sa.Text, existing_nullable=False, comment=None)
    op.add_column("principals", sa.Column("channel", sa.Text, comment="counter or kiosk, for terminals; null: either"))
    op.add_column("principals", sa.Column("requests_per_minute", sa.Integer, comment="null: the deployment's setting"))
    op.add_column("principals", sa.Column("disabled_at", TIME))
    _keys_stand_apart()
    op.alter_column("idempotency", "terminal_id", new_column_name="principal_id")
    _create_records()


def _institutions_have_branches() -> None:
    op.add_column(
        "institutions",
        sa.Column(
            "parent_id",
            sa.Uuid,
            sa.ForeignKey("institutions.id"),
            comment="the institution that this one is a branch of",
        ),
    )
    op.add_column(
        "institutions",
        sa.Column("path", ARRAY(sa.Uuid), comment="from the uppermost institution to this one, inclusive"),
    )
    op.execute("UPDATE institutions SET path = ARRAY[id]")
    op.alter_column("institutions", "path", existing_type=ARRAY(sa.Uuid), nullable=False)
    op.drop_constraint("uq_institutions_name", "institutions")
    op.create_unique_constraint(
        "uq_institutions_parent_id_name", "institutions", ["parent_id", "name"], postgresql_nulls_not_distinct=True
    )
    op.create_index(op.f("ix_institutions_path"), "institutions", ["path"], postgresql_using="gin")


def _keys_stand_apart() -> None:
    op.create_table(
        "credentials",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("principal_id", sa.Uuid, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("key_hash", sa.LargeBinary, nullable=False, unique=True, comment="SHA-256 of the bearer key"),
        sa.Column("scopes", ARRAY(sa.Text), comment="null: all of the role's"),
        sa.Column("public_key", sa.LargeBinary, comment="Ed25519; when it is there, every request must be signed"),
        sa.Column("created_at", TIME, nullable=False, server_default=NOW),
        sa.Column("expires_at", TIME, comment="null: until revoked"),
        sa.Column("revoked_at", TIME),
        sa.Column("used_at", TIME, comment="of the first request under it"),
        sa.Column(
            "replaced_by",
            sa.Uuid,
            sa.ForeignKey("credentials.id"),
            comment="the key that a rotation made in its stead",
        ),
    )
    op.create_index(op.f("ix_credentials_principal_id"), "credentials", ["principal_id"])
    op.execute(
        "INSERT INTO credentials (id, principal_id, key_hash, created_at, revoked_at)"
        " SELECT gen_random_uuid(), id, key_hash, created_at, revoked_at FROM principals"
    )
    op.execute("UPDATE principals SET disabled_at = revoked_at")
    op.drop_column("principals", "key_hash")
    op.drop_column("principals", "revoked_at")


def _create_records() -> None:
    op.create_table(
        "acts",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("act", sa.Text, nullable=False, comment="what was administered, such as key_revoked"),
        sa.Column(
            "actor_id",
            sa.Uuid,
            sa.ForeignKey("principals.id"),
            comment="null: the deployment itself, or its command line",
        ),
        sa.Column(
            "institution_id",
            sa.Uuid,
            sa.ForeignKey("institutions.id"),
            comment="whose affair it is; null: the deployment's",
        ),
        sa.Column("subject_id", sa.Uuid, comment="the institution, principal, key or alert that it is about"),
        sa.Column("details", sa.JSON, nullable=False, comment="no names, no numbers"),
        sa.Column("at", TIME, nullable=False),
    )
    op.create_table(
        "deployment",
        sa.Column("fact", sa.Text, primary_key=True, comment="such as signing_key or policy"),
        sa.Column("value", sa.Text, nullable=False, comment="as the newest act on it says"),
    )
    op.create_table(
        "buckets",
        sa.Column("principal_id", sa.Uuid, sa.ForeignKey("principals.id"), primary_key=True),
        sa.Column("tokens", sa.Double, nullable=False),
        sa.Column("filled_at", TIME, nullable=False),
    )
    # Worth nothing after a crash, and written with every request.
    op.execute("ALTER TABLE buckets SET UNLOGGED")
