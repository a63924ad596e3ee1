"""The impostor list held against the acts: nobody gets on it, or off it, in silence or by one person alone."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Text, cast, exists, select

from api.evidence.fsck.report import Report, named
from api.storage.tables import acts, impostor_list, impostor_templates, impostors, verifications

_STATES = {
    "impostor_proposed": "proposed",
    "impostor_approved": "approved",
    "impostor_refused": "refused",
    "impostor_removed": "removed",
    "impostor_expired": "expired",
}
_ACTS = (
    select(acts.c.act, acts.c.actor_id, acts.c.institution_id, acts.c.subject_id, acts.c.details)
    .where(acts.c.act.in_((*_STATES, "impostor_reviewed")))
    .order_by(acts.c.at)
    .execution_options(yield_per=1000)
)
_ENTRIES = select(impostors).execution_options(yield_per=1000)

Facts = dict[str, Any]


def check(connection: Connection, report: Report) -> None:
    """Tell of entries that are not as the acts say, of templates that should be gone, and of hits without an alert."""
    said, numbers = _replay(connection)
    found = {str(row.id): _facts(row) for row in connection.execute(_ENTRIES)}
    sequence: int = connection.execute(select(impostor_list.c.sequence)).scalar_one()
    hit = exists().where(acts.c.act == "impostor_hit", acts.c.subject_id == verifications.c.id)
    told = cast(verifications.c.answer["person"]["reasons"], Text).contains('"screening_hit"')
    kept = (
        select(impostor_templates.c.impostor_id)
        .distinct()
        .join(impostors, impostors.c.id == impostor_templates.c.impostor_id)
    )
    ended = impostors.c.state.not_in(("proposed", "approved"))
    taken = Counter(numbers)
    wrong: dict[str, Iterable[object]] = {
        "impostors that are not on the list, or off it, as the acts say": sorted(
            one for one in found.keys() | said.keys() if found.get(one) != said.get(one)
        ),
        "impostors that no second person approved": sorted(
            one
            for one, facts in said.items()
            if facts["listed"] is not None and facts["approved_by"] == facts["entered_by"]
        ),
        "impostors that ended and whose templates are still there": list(
            connection.execute(kept.where(ended)).scalars()
        ),
        "hits of the impostor list that nobody was told of": list(
            connection.execute(select(verifications.c.id).where(told, ~hit)).scalars()
        ),
        "numbers of the impostor list that no act, or more than one, took": sorted(
            taken.keys() ^ set(range(1, sequence + 1)) | {one for one, times in taken.items() if times > 1}
        ),
    }
    for what, found_wrong in wrong.items():
        which = list(found_wrong)
        if which:
            report.add(f"{what}: {named(which, len(which))}")


def _replay(connection: Connection) -> tuple[dict[str, Facts], list[int]]:
    said: dict[str, Facts] = {}
    numbers: list[int] = []
    for row in connection.execute(_ACTS):
        subject, details = str(row.subject_id), row.details
        if row.act == "impostor_proposed":
            said[subject] = {
                "institution": row.institution_id,
                "ground": details["ground"],
                "entered_by": row.actor_id,
                "expires_on": details["expires_on"],
                "approved_by": None,
                "ended_by": None,
                "listed": None,
                "unlisted": None,
            }
        facts = said.setdefault(subject, {"entered_by": None, "approved_by": None, "listed": None})
        facts["state"] = _STATES.get(row.act, facts.get("state"))
        facts["review_on"] = details.get("review_on", facts.get("review_on"))
        number = None if row.act == "impostor_reviewed" else details.get("sequence")
        if row.act == "impostor_approved":
            facts["approved_by"], facts["listed"] = row.actor_id, number
        elif facts["state"] in {"refused", "removed", "expired"}:
            facts["ended_by"], facts["unlisted"] = row.actor_id, number
        numbers += [] if number is None else [number]
    return said, numbers


def _facts(row: Any) -> Facts:
    return {
        "institution": row.institution_id,
        "ground": row.ground,
        "entered_by": row.entered_by,
        "expires_on": row.expires_on.isoformat(),
        "approved_by": row.approved_by,
        "ended_by": row.ended_by,
        "listed": row.listed_seq,
        "unlisted": row.unlisted_seq,
        "state": row.state,
        "review_on": row.review_on.isoformat(),
    }
