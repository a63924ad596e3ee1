"""Legal holds against the acts: none is lifted in silence, or by one person alone."""

from typing import Any

from sqlalchemy import Connection, select

from api.evidence.fsck.report import Report, named
from api.storage.tables import acts, holds

_STATES = {"hold_placed": "standing", "hold_lifting": "lifting", "hold_lifted": "lifted"}
_ACTS = (
    select(acts.c.act, acts.c.actor_id, acts.c.institution_id, acts.c.subject_id, acts.c.details)
    .where(acts.c.act.in_(_STATES))
    .order_by(acts.c.at)
    .execution_options(yield_per=1000)
)

Facts = dict[str, Any]


def check(connection: Connection, report: Report) -> None:
    """Tell of holds that are not as the acts say, and of those that one person alone lifted."""
    said: dict[str, Facts] = {}
    for row in connection.execute(_ACTS):
        facts = said.setdefault(str(row.subject_id), {"placed_by": None, "lifting_by": None, "lifted_by": None})
        facts["state"] = _STATES[row.act]
        facts[f"{'placed' if row.act == 'hold_placed' else facts['state']}_by"] = row.actor_id
        facts |= {"institution": row.institution_id, "on": row.details.get("on"), "which": row.details.get("which")}
    found = {str(row.id): _facts(row) for row in connection.execute(select(holds))}
    wrong: list[object] = [one for one in sorted(found.keys() | said.keys()) if found.get(one) != said.get(one)]
    if wrong:
        report.add(f"legal holds that are not as the acts say: {named(wrong, len(wrong))}")
    alone: list[object] = [
        one
        for one, facts in sorted(said.items())
        if facts["state"] == "lifted" and facts["lifting_by"] in {None, facts["lifted_by"]}
    ]
    if alone:
        report.add(f"legal holds that no second person lifted: {named(alone, len(alone))}")


def _facts(row: Any) -> Facts:
    return {
        "placed_by": row.placed_by,
        "lifting_by": row.lifting_by,
        "lifted_by": row.lifted_by,
        "state": row.state,
        "institution": row.institution_id,
        "on": row.subject,
        "which": str(row.subject_id),
    }
