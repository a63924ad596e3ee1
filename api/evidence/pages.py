"""Leaves as they are read over HTTP: all of them, or those of the reader's own institution's verifications."""

import base64
from typing import Any

from sqlalchemy import Connection, and_, exists, select, true

from api.evidence import leaves
from api.institutions.caller import Caller
from api.institutions.institutions import within
from api.institutions.roles import READ_ALL_EVIDENCE
from api.storage.tables import evidence, evidence_archives, evidence_texts, verifications


def page(connection: Connection, caller: Caller, start: int, limit: int) -> list[dict[str, Any]]:
    """The leaves at places start, start + 1, …, at most `limit`, as `schemas.LeafAnswer` has them."""
    own = exists().where(
        verifications.c.id == evidence.c.subject_id, within(verifications.c.institution_id, caller.institution_id)
    )
    shown = true() if caller.role in READ_ALL_EVIDENCE else and_(evidence.c.kind == "verification", own)
    archived = exists().where(evidence.c.place.between(evidence_archives.c.first, evidence_archives.c.last))
    rows = connection.execute(
        select(
            evidence.c.place,
            evidence.c.leaf_hash,
            evidence.c.include_by,
            evidence_texts,
            shown.label("shown"),
            archived.label("archived"),
        )
        .outerjoin(evidence_texts, evidence_texts.c.seq == evidence.c.seq)
        .where(evidence.c.place >= start, evidence.c.place < start + limit)
        .order_by(evidence.c.place)
    )
    return [_leaf(row._asdict()) for row in rows]


def _leaf(row: dict[str, Any]) -> dict[str, Any]:
    found = {"place": row["place"], "leaf_hash": row["leaf_hash"].hex()}
    if not row["shown"]:
        return {**found, "withheld": "not_yours"}
    if row["leaf"] is None:
        return {**found, "withheld": "archived" if row["archived"] else "missing"}
    return {
        **found,
        "leaf": row["leaf"],
        "include_by": leaves.promise_text(row["include_by"]),
        "signature": base64.b64encode(row["signature"]).decode(),
        "key_id": row["signing_key_id"],
    }
