"""A month's figures once more, from the leaves of the log alone, and where the tables say otherwise.

Each leaf's text has to be what was hashed; that the hashes are the log's is what `renzheng fsck` shows.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select

from api.accountability.scorecards.counting import tallies
from api.accountability.scorecards.figures import (
    FIRST_REFUSALS,
    LOST,
    NOT_KNOWN,
    REPORTS,
    Place,
    Tally,
    of_check,
    of_override,
    of_resolution,
    of_transaction,
)
from api.accountability.scorecards.months import Month
from api.accountability.scorecards.reach import EVERYTHING
from api.evidence.fsck.archives import Archives
from api.evidence.fsck.report import Report
from api.evidence.leaves import leaf_hash
from api.evidence.parameters import ROWS
from api.storage.tables import evidence, evidence_texts
from api.verification.presented import presented

_KINDS = ("verification", "transaction", "card_event", "administration")
_LEAVES = (
    select(evidence.c.seq, evidence.c.place, evidence.c.leaf_hash, evidence_texts.c.leaf)
    .outerjoin(evidence_texts, evidence_texts.c.seq == evidence.c.seq)
    .where(evidence.c.kind.in_(_KINDS))
    .order_by(evidence.c.place.nulls_last(), evidence.c.seq)
)
_DISPUTES = {"check_disputed": None, "check_dispute_upheld": "upheld", "check_dispute_rejected": "rejected"}
_OVERRIDES = {"override_approved": "approved", "override_refused": "refused"}


@dataclass
class Proof:
    """What was found: `differences` between leaves and tables, in words; `unread` leaves are not at hand; `not_known`
    says which figures the tables do not have whole any more, for retention removed what they were counted from."""

    leaves: int = 0
    figures: int = 0
    unread: int = 0
    differences: list[str] = field(default_factory=list)
    not_known: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether every figure is what the leaves say, and all of them were read."""
        return not self.differences and self.unread == 0


@dataclass
class _Refusal:
    """The refusal of a card that its holder had reported."""

    card: str
    at: datetime
    id: str
    place: Place


def steps(connection: Connection, month: Month, proof: Proof, archive: Path | None = None) -> Iterator[None]:
    """Read every leaf and compare; one step for each, `proof` is whole when they are at their end."""
    told = _Told(month)
    reading = Report()
    archives = Archives(connection, archive, reading)
    with connection.execute(_LEAVES, execution_options={"yield_per": ROWS}) as rows:
        for row in rows:
            yield
            proof.leaves += 1
            archived = archives.find(row.place)
            text = row.leaf if row.leaf is not None else None if archived is None else archived.text
            if text is None:
                proof.unread += 1
            elif leaf_hash(text) != row.leaf_hash:
                proof.differences.append(f"leaf {row.place}: its text is not what was hashed")
            else:
                told.read(json.loads(text))
    archives.close()
    proof.differences += reading.findings
    _compare(proof, told.tallies(), tallies(connection, month, EVERYTHING))


class _Told:
    """What the leaves say, read in the order of the log, which is that of the acts but for some that went side by
    side: what depends on the order of acts is settled at the end, by their times."""

    def __init__(self, month: Month) -> None:
        self._month = month
        self._found: dict[Place, Tally] = defaultdict(Tally)
        self._places: dict[str, Place] = {}
        self._overrides: dict[str, tuple[str, str]] = {}
        self._reports: dict[str, list[datetime]] = defaultdict(list)
        self._refusals: list[_Refusal] = []

    def read(self, leaf: dict[str, Any]) -> None:
        """Take a leaf's content."""
        if leaf["kind"] == "verification":
            self._check(leaf)
        elif leaf["kind"] == "transaction":
            if self._is_in(leaf["done_at"]):
                self._count(_place(leaf), of_transaction(required=leaf["required"], cause=leaf["cause"]))
        elif leaf["kind"] == "card_event":
            if leaf["event"] in REPORTS:
                self._reports[leaf["card"]].append(datetime.fromisoformat(leaf["at"]))
        elif leaf["act"] in _DISPUTES:
            self._dispute(leaf)
        elif leaf["act"] == "override_entered":
            self._overrides[leaf["subject"]] = leaf["details"]["verification"], "entered"
        elif leaf["act"] in _OVERRIDES and leaf["subject"] in self._overrides:
            self._overrides[leaf["subject"]] = self._overrides[leaf["subject"]][0], _OVERRIDES[leaf["act"]]

    def _dispute(self, leaf: dict[str, Any]) -> None:
        if self._is_in(leaf["at"]):
            state = _DISPUTES[leaf["act"]]
            place = UUID(leaf["institution"]), UUID(leaf["details"]["terminal"])
            self._count(place, iter([("disputes", 1)]) if state is None else of_resolution(state))

    def tallies(self) -> dict[Place, Tally]:
        """The month's figures."""
        for verification, state in self._overrides.values():
            if verification in self._places:
                self._count(self._places[verification], of_override(state))
        self._count_losses()
        return dict(self._found)

    def _check(self, leaf: dict[str, Any]) -> None:
        status, reasons = leaf["document"]["status"], leaf["person"]["reasons"]
        place = _place(leaf)
        if leaf["decision"] == "REFUSE" and status in LOST and leaf.get("registered", True):
            self._refusals.append(_Refusal(leaf["card"], datetime.fromisoformat(leaf["at"]), leaf["id"], place))
        if self._is_in(leaf["at"]):
            self._places[leaf["id"]] = place
            taken = presented(leaf["person"]["modalities"])
            declined = leaf.get("consent", {}).get("face_declined", False)
            verdict = reasons[0] if reasons else None
            self._count(place, of_check(leaf["decision"], status, verdict, taken, face_declined=declined))

    def _count_losses(self) -> None:
        """The first refusal of each institution since the last report of the card."""
        seen: set[tuple[UUID, str, datetime]] = set()
        for one in sorted(self._refusals, key=lambda refusal: (refusal.at, refusal.id)):
            before = [at for at in self._reports[one.card] if at <= one.at]
            if not before:
                continue
            first = (one.place[0], one.card, max(before))
            if first not in seen and self._is_in(one.at.isoformat()):
                tally = self._found[one.place]
                tally.figures[FIRST_REFUSALS] += 1
                tally.losses.append((one.at - max(before)).total_seconds())
            seen.add(first)

    def _count(self, place: Place, counted: Iterator[tuple[str, int]]) -> None:
        for figure, amount in counted:
            self._found[place].figures[figure] += amount

    def _is_in(self, at: str) -> bool:
        return self._month.since <= datetime.fromisoformat(at) < self._month.until


def _place(leaf: dict[str, Any]) -> Place:
    return UUID(leaf["institution"]), UUID(leaf["terminal"])


def _compare(proof: Proof, told: dict[Place, Tally], stored: dict[Place, Tally]) -> None:
    for place in sorted(told.keys() | stored.keys(), key=str):
        said, held = told.get(place, Tally()), stored.get(place, Tally())
        not_known = held.figures.pop(NOT_KNOWN, 0)
        if not_known and _may_be_whole(said, held, not_known):
            known, logged = (one.figures.pop(FIRST_REFUSALS, 0) for one in (held, said))
            proof.not_known.append(
                f"terminal {place[1]}: of {FIRST_REFUSALS} the tables know {known}, the log {logged}; retention removed"
                f" whose cards {not_known} refusals were of"
            )
            said.losses, held.losses = [], []
        for figure in sorted(said.figures.keys() | held.figures.keys()):
            proof.figures += 1
            if said.figures[figure] != held.figures[figure]:
                proof.differences.append(
                    f"terminal {place[1]}: {figure} is {held.figures[figure]} in the tables, and"
                    f" {said.figures[figure]} by the log"
                )
        if sorted(said.losses) != sorted(held.losses):
            proof.differences.append(f"terminal {place[1]}: the times from loss reports to first refusals differ")


def _may_be_whole(said: Tally, held: Tally, not_known: int) -> bool:
    """Whether the first refusals that the tables still know are among those of the log, and the refusals of which they
    know no more account for the others."""
    known, logged = Counter(held.losses), Counter(said.losses)
    return known <= logged and (logged - known).total() <= not_known
