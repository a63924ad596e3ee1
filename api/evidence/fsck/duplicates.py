"""Searches for duplicates and their cases held against the acts: no search in silence, no case that nobody found, no
score that changed by itself, nothing decided that no act tells of, nobody accused by one person alone."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from api.duplicates.content import Member, content_digest
from api.duplicates.searches import begun, finished
from api.evidence.fsck.report import Report, named
from api.storage.tables import acts, duplicate_cases, duplicate_members, duplicate_pairs, duplicate_searches

_SEARCHES = {
    "duplicates_search_begun": "running",
    "duplicates_search_finished": "finished",
    "duplicates_search_abandoned": "abandoned",
}
_CASES = {
    "duplicate_case": "open",
    "duplicate_case_changed": "open",
    "duplicate_case_superseded": "superseded",
    "duplicate_proposed": "proposed",
    "duplicate_confirmed": "confirmed",
    "duplicate_rejected": "rejected",
    "duplicate_reopened": "open",
}
_ACTS = (
    select(acts.c.act, acts.c.actor_id, acts.c.institution_id, acts.c.subject_id, acts.c.details)
    .where(acts.c.act.in_((*_SEARCHES, *_CASES)))
    .order_by(acts.c.at)
    .execution_options(yield_per=1000)
)

_REMOVED = select(duplicate_cases.c.id).where(duplicate_cases.c.removed_at.is_not(None))

Facts = dict[str, Any]


def check(connection: Connection, report: Report) -> None:
    """Tell of searches and cases that are not as the acts say, and of those that one person alone confirmed."""
    searches, cases = _replay(connection)
    found_searches = {str(row.id): _search_facts(row) for row in connection.execute(_all(duplicate_searches))}
    found_cases = _cases_found(connection)
    for case_id in connection.execute(_REMOVED).scalars():
        # Their time is over: who was in them, and how alike, is known no more (see `retention.py`).
        for facts in (found_cases[str(case_id)], cases.get(str(case_id), {})):
            facts.update(content=None, same=None)
    wrong: dict[str, Iterable[object]] = {
        "searches for duplicates that are not as the acts say": _differing(found_searches, searches),
        "cases of duplicates that are not as the acts say": _differing(found_cases, cases),
        "cases of duplicates that no second person confirmed": sorted(
            one
            for one, facts in cases.items()
            if facts.get("state") == "confirmed" and facts.get("proposed_by") in {None, facts.get("decided_by")}
        ),
        "cases of duplicates of searches that did not end": sorted(
            one for one, facts in cases.items() if searches.get(str(facts.get("search")), {}).get("state") != "finished"
        ),
    }
    for what, found in wrong.items():
        which = list(found)
        if which:
            report.add(f"{what}: {named(which, len(which))}")


def _differing(found: dict[str, Facts], said: dict[str, Facts]) -> list[str]:
    return sorted(one for one in found.keys() | said.keys() if found.get(one) != said.get(one))


def _replay(connection: Connection) -> tuple[dict[str, Facts], dict[str, Facts]]:
    searches: dict[str, Facts] = {}
    cases: dict[str, Facts] = {}
    for row in connection.execute(_ACTS):
        subject = str(row.subject_id)
        if row.act in _SEARCHES:
            facts = searches.setdefault(subject, {})
            if row.act == "duplicates_search_begun":
                facts |= {"institution": row.institution_id, "begun_by": row.actor_id, "begun": row.details}
            elif row.act == "duplicates_search_finished":
                facts["finished"] = {name: told for name, told in row.details.items() if name != "engine"}
            facts["state"] = _SEARCHES[row.act]
        else:
            _replay_case(cases.setdefault(subject, {}), row)
    return searches, cases


def _replay_case(facts: Facts, row: Any) -> None:
    details = row.details
    facts["state"] = _CASES[row.act]
    facts["revision"] = details.get("revision")
    if row.act == "duplicate_case":
        facts |= {"search": details.get("search"), "earlier": details.get("earlier"), "superseded_by": None}
        facts |= {"decided_by": None, "proposed_by": None, "same": None}
    if row.act in {"duplicate_case", "duplicate_case_changed"}:
        facts |= {"kind": details.get("kind"), "content": details.get("content")}
    if row.act.startswith("duplicate_case"):
        facts |= {"proposed_by": None, "same": None, "superseded_by": details.get("by")}
        return
    facts["decided_by"] = row.actor_id
    facts["same"] = details.get("members")
    if row.act != "duplicate_confirmed":
        facts["proposed_by"] = row.actor_id if row.act == "duplicate_proposed" else None


def _search_facts(row: Any) -> Facts:
    facts = {
        "institution": row.institution_id,
        "begun_by": row.begun_by,
        "begun": begun(row),
        "state": row.state,
    }
    return facts | ({"finished": finished(row)} if row.state == "finished" else {})


def _cases_found(connection: Connection) -> dict[str, Facts]:
    """Every case as its rows have it; its content is made anew."""
    people: dict[UUID, list[Any]] = {}
    for row in connection.execute(_all(duplicate_members)):
        people.setdefault(row.case_id, []).append(row)
    pairs: dict[UUID, list[Any]] = {}
    for row in connection.execute(_all(duplicate_pairs)):
        pairs.setdefault(row.case_id, []).append(row)
    return {
        str(row.id): _case_facts(row, people.get(row.id, []), pairs.get(row.id, []))
        for row in connection.execute(_all(duplicate_cases))
    }


def _case_facts(row: Any, people: list[Any], pairs: list[Any]) -> Facts:
    made = content_digest([Member(one.id, bytes(one.number_index)) for one in people], pairs)
    decided = any(one.same is not None for one in people)
    strongest = max((one.llr for one in pairs), default=None)
    return {
        "state": row.state,
        "revision": row.revision,
        "search": str(row.search_id),
        "earlier": None if row.earlier_id is None else str(row.earlier_id),
        "superseded_by": None if row.superseded_by is None else str(row.superseded_by),
        "kind": row.kind,
        "content": made.hex() if (row.content, row.llr) == (made, strongest) else None,
        "proposed_by": row.proposed_by,
        "decided_by": row.decided_by,
        "same": sorted(str(one.id) for one in people if one.same) if decided else None,
    }


def _all(table: Any) -> Any:
    return select(table).execution_options(yield_per=1000)
