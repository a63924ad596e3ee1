"""The tables. Times are timestamps with time zone, set by the database; identifiers are UUIDs.

No number, name of a holder or address stands in clear: `*_index` columns are keyed hashes, `*_sealed` columns are
envelopes.
"""

from api.storage.tables.accountability import check_disputes, overrides, transactions
from api.storage.tables.base import metadata
from api.storage.tables.cards import card_events, cards, templates
from api.storage.tables.checks import checks
from api.storage.tables.decisions import (
    alerts,
    capture_digests,
    card_locks,
    idempotency,
    nonces,
    verifications,
)
from api.storage.tables.duplicates import (
    duplicate_blocks,
    duplicate_candidates,
    duplicate_cases,
    duplicate_members,
    duplicate_pairs,
    duplicate_searches,
)
from api.storage.tables.erasures import key_erasures
from api.storage.tables.evidence import (
    evidence,
    evidence_archives,
    evidence_checkpoints,
    evidence_texts,
    evidence_tiles,
)
from api.storage.tables.feed import feed_events, feed_head, webhooks
from api.storage.tables.holds import holds
from api.storage.tables.imports import imports
from api.storage.tables.institutions import acts, buckets, credentials, deployment, institutions, principals
from api.storage.tables.retention import retention_counts, retention_runs
from api.storage.tables.screening import impostor_list, impostor_templates, impostors
from api.storage.tables.snapshots import feed_snapshot_pieces, feed_snapshots
from api.storage.tables.transforms import face_transforms

__all__ = [
    "acts",
    "alerts",
    "buckets",
    "capture_digests",
    "card_events",
    "card_locks",
    "cards",
    "check_disputes",
    "checks",
    "credentials",
    "deployment",
    "duplicate_blocks",
    "duplicate_candidates",
    "duplicate_cases",
    "duplicate_members",
    "duplicate_pairs",
    "duplicate_searches",
    "evidence",
    "evidence_archives",
    "evidence_checkpoints",
    "evidence_texts",
    "evidence_tiles",
    "face_transforms",
    "feed_events",
    "feed_head",
    "feed_snapshot_pieces",
    "feed_snapshots",
    "holds",
    "idempotency",
    "imports",
    "impostor_list",
    "impostor_templates",
    "impostors",
    "institutions",
    "key_erasures",
    "metadata",
    "nonces",
    "overrides",
    "principals",
    "retention_counts",
    "retention_runs",
    "templates",
    "transactions",
    "verifications",
    "webhooks",
]
