"""Decisions and kept answers name principals and institutions that cannot go, and so need not be looked up.

Every decision asked for four rows that its transaction knew already: of the terminal (twice), the operator and the
institution, and wrote a lock into each, which decisions side by side share. That was a tenth of what a decision costs
the server. What the references kept is kept from the other side: a principal or an institution is never removed, and
never gets another identifier.
"""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

# Table, column, the table that it refers to, and the reference's name.
REFERENCES = (
    ("verifications", "terminal_id", "principals", "fk_verifications_terminal_id"),
    ("verifications", "operator_id", "principals", "fk_verifications_operator_id"),
    ("verifications", "institution_id", "institutions", "fk_verifications_institution_id"),
    ("idempotency", "principal_id", "principals", "fk_idempotency_terminal_id"),
)
STAYING = ("principals", "institutions")


def upgrade() -> None:
    op.execute(
        """
        CREATE FUNCTION row_stays() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'rows of % stay, and keep their identifiers: decisions name them', TG_TABLE_NAME
                USING ERRCODE = 'foreign_key_violation';
        END
        $$
        """
    )
    for table in STAYING:
        changes = f"BEFORE DELETE OR UPDATE OF id ON {table} FOR EACH ROW"
        op.execute(f"CREATE TRIGGER rows_stay {changes} EXECUTE FUNCTION row_stays()")
        op.execute(f"CREATE TRIGGER all_stay BEFORE TRUNCATE ON {table} EXECUTE FUNCTION row_stays()")
    for table, _, _, name in REFERENCES:
        op.drop_constraint(name, table, type_="foreignkey")


def downgrade() -> None:
    for table, column, referred, name in REFERENCES:
        op.create_foreign_key(name, table, referred, [column], ["id"])
    for table in STAYING:
        op.execute(f"DROP TRIGGER rows_stay ON {table}")
        op.execute(f"DROP TRIGGER all_stay ON {table}")
    op.execute("DROP FUNCTION row_stays()")
