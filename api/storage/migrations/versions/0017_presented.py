"""What was presented of each decision and what of it was not acquired, counted where lists are counted."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

INDEX = "ix_verifications_institution_decided"
# As `api.verification.presented` counts them, of the answers that were given before it was kept.
PRESENTED = """
UPDATE verifications SET face_capture = counted.face, fingers_presented = counted.presented,
    fingers_failed = counted.failed
FROM (
    SELECT verifications.id,
        max(CASE WHEN one ->> 'status' = 'assessed' THEN 'acquired' ELSE one ->> 'reason' END) FILTER (
            WHERE one ->> 'modality' = 'face' AND (
                one ->> 'status' = 'assessed' OR one ->> 'reason' IN ('no_face', 'multiple_faces', 'low_quality')
            )
        ) AS face,
        count(*) FILTER (
            WHERE one ->> 'modality' = 'finger' AND (
                one ->> 'status' = 'assessed' OR one ->> 'reason' IN ('no_finger', 'low_quality', 'wrong_dpi')
            )
        ) AS presented,
        count(*) FILTER (
            WHERE one ->> 'modality' = 'finger' AND one ->> 'status' <> 'assessed'
                AND one ->> 'reason' IN ('no_finger', 'low_quality', 'wrong_dpi')
        ) AS failed
    FROM verifications
    LEFT JOIN LATERAL json_array_elements(
        CASE json_typeof(answer -> 'person' -> 'modalities') WHEN 'array' THEN answer -> 'person' -> 'modalities' END
    ) AS one ON true
    GROUP BY verifications.id
) AS counted
WHERE counted.id = verifications.id
"""


def upgrade() -> None:
    op.add_column(
        "verifications",
        sa.Column("face_capture", sa.Text, comment="acquired, or why not; null: none was presented"),
    )
    op.add_column("verifications", sa.Column("fingers_presented", sa.SmallInteger))
    op.add_column("verifications", sa.Column("fingers_failed", sa.SmallInteger, comment="of them: not acquired"))
    op.execute(PRESENTED)
    op.drop_index(INDEX, "verifications")
    op.create_index(
        INDEX,
        "verifications",
        ["institution_id", "decided_at", "id"],
        postgresql_include=[
            "terminal_id",
            "decision",
            "document_status",
            "person_verdict",
            "face_capture",
            "fingers_presented",
            "fingers_failed",
        ],
    )
