"""Searches of the register for persons with two identities."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "duplicate_searches",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("state", sa.Text, nullable=False, comment="running, finished or abandoned"),
        sa.Column("institution_id", sa.Uuid, sa.ForeignKey("institutions.id"), nullable=False, comment="that searches"),
        sa.Column("begun_by", sa.Uuid, sa.ForeignKey("principals.id"), nullable=False),
        sa.Column("begun_at", TIME, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("case_sealed", sa.LargeBinary, nullable=False),
        sa.Column("case_index", sa.LargeBinary, nullable=False, comment="keyed hash of the case's reference"),
        sa.Column("face_engine", sa.Text, nullable=False),
        sa.Column("finger_engine", sa.Text, nullable=False),
        sa.Column("false_per_1000", sa.Double, nullable=False, comment="false candidates aimed at, per 1,000 people"),
        sa.Column(
            "fmr",
            sa.Double,
            nullable=False,
            comment="that two people's evidence must have at most, as of its beginning",
        ),
        sa.Column(
            "register_seq",
            sa.BigInteger,
            nullable=False,
            comment="number of the register's last event at its beginning",
        ),
        sa.Column(
            "people", sa.BigInteger, nullable=False, comment="numbers with a face of the engine, at its beginning"
        ),
        sa.Column("left_out", sa.BigInteger, nullable=False, comment="numbers with faces of other engines only"),
        sa.Column(
            "register_digest",
            sa.LargeBinary,
            comment="SHA-256 of who is searched, with which faces; null: not read yet",
        ),
        sa.Column("blocks", sa.Integer, comment="into how many the search is cut; null: as above"),
        sa.Column("damaged", sa.BigInteger, comment="faces that did not open; null until its end"),
        sa.Column("opened", sa.BigInteger, comment="cases; null until its end"),
        sa.Column("changed", sa.BigInteger, comment="open cases of earlier searches that changed; null until its end"),
        sa.Column("ended_at", TIME),
    )
    op.create_index(
        "ix_duplicate_searches_running",
        "duplicate_searches",
        ["institution_id", "case_index", "purpose"],
        unique=True,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "duplicate_blocks",
        sa.Column("search_id", sa.Uuid, sa.ForeignKey("duplicate_searches.id"), primary_key=True),
        sa.Column("block", sa.Integer, primary_key=True, autoincrement=False, comment="that is searched"),
    )
    op.create_table(
        "duplicate_candidates",
        sa.Column("search_id", sa.Uuid, sa.ForeignKey("duplicate_searches.id"), primary_key=True),
        sa.Column("first", sa.LargeBinary, primary_key=True, comment="a number's keyed hash, the lesser of the two"),
        sa.Column("second", sa.LargeBinary, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("llr", sa.Double, nullable=False, comment="of all that was compared"),
        sa.Column("scores", JSONB, nullable=False, comment="of the face and of each finger"),
        sa.Column("compared", sa.LargeBinary, nullable=False, comment="SHA-256 of the templates' identifiers"),
    )
    op.create_table(
        "duplicate_cases",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False, comment="same_person_suspected or kin_or_twins"),
        sa.Column("state", sa.Text, nullable=False, comment="open, proposed, confirmed, rejected or superseded"),
        sa.Column("revision", sa.Integer, nullable=False, comment="grows with every change"),
        sa.Column("llr", sa.Double, nullable=False, comment="of its strongest pair"),
        sa.Column(
            "content",
            sa.LargeBinary,
            nullable=False,
            comment="SHA-256 of members and pairs, as the evidence has it",
        ),
        sa.Column(
            "search_id",
            sa.Uuid,
            sa.ForeignKey("duplicate_searches.id"),
            nullable=False,
            comment="that opened it",
        ),
        sa.Column(
            "found_in",
            sa.Uuid,
            sa.ForeignKey("duplicate_searches.id"),
            nullable=False,
            comment="the last that found it",
        ),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column(
            "earlier_id",
            sa.Uuid,
            sa.ForeignKey("duplicate_cases.id"),
            comment="rejected before, with other templates",
        ),
        sa.Column("superseded_by", sa.Uuid, sa.ForeignKey("duplicate_cases.id")),
        sa.Column(
            "proposed_by",
            sa.Uuid,
            sa.ForeignKey("principals.id"),
            comment="who first said that it is one person",
        ),
        sa.Column("decided_by", sa.Uuid, sa.ForeignKey("principals.id")),
        sa.Column("decided_at", TIME),
        sa.Column("reason", sa.Text, comment="of the last decision"),
        sa.CheckConstraint(
            "state <> 'confirmed' OR (proposed_by IS NOT NULL AND decided_by IS NOT NULL"
            " AND decided_by <> proposed_by)",
            name="ck_duplicate_cases_second_person",
        ),
    )
    op.create_index("ix_duplicate_cases_rank", "duplicate_cases", ["llr", "id"])
    op.create_table(
        "duplicate_members",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("case_id", sa.Uuid, sa.ForeignKey("duplicate_cases.id"), nullable=False),
        sa.Column("number_index", sa.LargeBinary, nullable=False),
        sa.Column("same", sa.Boolean, comment="whether a decision takes it for the one person; null: none"),
        sa.UniqueConstraint("case_id", "number_index", name="uq_duplicate_members_case_id_number_index"),
    )
    op.create_index("ix_duplicate_members_number_index", "duplicate_members", ["number_index"])
    op.create_table(
        "duplicate_pairs",
        sa.Column("case_id", sa.Uuid, sa.ForeignKey("duplicate_cases.id"), primary_key=True),
        sa.Column("first", sa.Uuid, sa.ForeignKey("duplicate_members.id"), primary_key=True),
        sa.Column("second", sa.Uuid, sa.ForeignKey("duplicate_members.id"), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("llr", sa.Double, nullable=False),
        sa.Column("scores", JSONB, nullable=False),
        sa.Column("compared", sa.LargeBinary, nullable=False),
    )
