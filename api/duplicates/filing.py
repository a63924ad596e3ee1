"""What a search found, made into cases: new ones opened, open ones brought up to date, decided ones left alone.

A pair that somebody decided is not brought before anybody again: what was confirmed for good, what was rejected until
other templates speak for it. One transaction holds all of it, with the evidence of every case.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Row

from api.duplicates import records
from api.duplicates.content import Member, content_digest
from api.duplicates.pairs import Group, Pair, groups_of
from api.duplicates.records import Known, MemberPair
from api.institutions import acts
from api.institutions.caller import Caller
from api.storage.keys import Keys

Names = tuple[bytes, bytes]


@dataclass(frozen=True)
class Filed:
    """How many cases were opened, how many open ones changed, and how many were found as they were."""

    opened: int = 0
    changed: int = 0
    unchanged: int = 0


class Filing:
    """The filing of one search's pairs."""

    def __init__(self, connection: Connection, keys: Keys, caller: Caller, search: Row[Any]) -> None:
        self._connection = connection
        self._keys = keys
        self._caller = caller
        self._search = search
        self._taken: set[UUID] = set()

    def file(self, pairs: Sequence[Pair]) -> Filed:
        """Make cases of pairs. Deciders wait meanwhile."""
        records.hold_waiting(self._connection)
        earlier: dict[Names, list[Known]] = {}
        for one in records.known(self._connection):
            earlier.setdefault((one.first, one.second), []).append(one)
        undecided = [one for one in pairs if not _is_decided(one, earlier.get((one.first, one.second), []))]
        outcomes = [self._file(group, earlier) for group in groups_of(undecided)]
        return Filed(*(outcomes.count(one) for one in ("opened", "changed", "unchanged")))

    def _file(self, group: Group, earlier: dict[Names, list[Known]]) -> str:
        before = [known for pair in group.pairs for known in earlier.get((pair.first, pair.second), [])]
        oldest_first = sorted(before, key=lambda one: (one.opened_at, one.case_id))
        waiting = dict.fromkeys(one.case_id for one in oldest_first if one.state in records.WAITING)
        open_cases = [case_id for case_id in waiting if case_id not in self._taken]
        self._taken.update(open_cases)
        if not open_cases:
            rejected = [one.case_id for one in oldest_first if one.state == "rejected"]
            self._open(group, rejected[-1] if rejected else None)
            return "opened"
        kept, *others = open_cases
        for case_id in others:
            self._supersede(case_id, kept)
        changed = self._bring_up_to_date(kept, group)
        return "changed" if changed or others else "unchanged"

    def _open(self, group: Group, earlier_id: UUID | None) -> None:
        case_id = uuid4()
        people, pairs, content = _content(group, {})
        records.add(
            self._connection,
            case_id,
            kind=group.kind,
            llr=group.llr,
            content=content,
            search_id=self._search.id,
            found_in=self._search.id,
            earlier_id=earlier_id,
        )
        records.fill(self._connection, case_id, people, pairs)
        self._tell("duplicate_case", case_id, group.kind, 1, content, earlier_id)

    def _bring_up_to_date(self, case_id: UUID, group: Group) -> bool:
        ids = {bytes(row.number_index): row.id for row in records.members(self._connection, case_id)}
        people, pairs, content = _content(group, ids)
        row = records.change(self._connection, case_id, found_in=self._search.id)
        if (row.content, row.kind) == (content, group.kind):
            return False
        # Who proposed to confirm it saw something else.
        row = records.change(
            self._connection,
            case_id,
            state="open",
            proposed_by=None,
            kind=group.kind,
            llr=group.llr,
            content=content,
            revision=row.revision + 1,
        )
        records.fill(self._connection, case_id, people, pairs)
        self._tell("duplicate_case_changed", case_id, group.kind, row.revision, content)
        return True

    def _supersede(self, case_id: UUID, by: UUID) -> None:
        records.take_for_same(self._connection, case_id, None)
        row = records.change(self._connection, case_id, state="superseded", superseded_by=by, proposed_by=None)
        self._record("duplicate_case_superseded", case_id, {"revision": row.revision, "by": str(by)})

    def _tell(
        self, act: str, case_id: UUID, kind: str, revision: int, content: bytes, earlier_id: UUID | None = None
    ) -> None:
        details = {"kind": kind, "revision": revision, "content": content.hex()}
        if earlier_id is not None:
            details["earlier"] = str(earlier_id)
        self._record(act, case_id, details)

    def _record(self, act: str, case_id: UUID, details: dict[str, Any]) -> None:
        acts.record(
            self._connection,
            self._keys,
            act,
            actor_id=self._caller.principal_id,
            actor_key_id=self._caller.key_id,
            institution_id=self._search.institution_id,
            subject_id=case_id,
            details={"search": str(self._search.id), **details},
        )


def _is_decided(pair: Pair, earlier: Iterable[Known]) -> bool:
    return any(one.same or (one.same is False and one.compared == pair.compared) for one in earlier)


def _content(group: Group, ids: dict[bytes, UUID]) -> tuple[list[Member], list[MemberPair], bytes]:
    """The members, who keep their identifiers, the pairs, and the hash of both."""
    numbers = dict.fromkeys(number for pair in group.pairs for number in (pair.first, pair.second))
    people = [Member(ids.get(number) or uuid4(), number) for number in numbers]
    by_number = {one.number: one.id for one in people}
    pairs = [
        MemberPair(by_number[one.first], by_number[one.second], one.kind, one.llr, one.scores, one.compared)
        for one in group.pairs
    ]
    return people, pairs, content_digest(people, pairs)
