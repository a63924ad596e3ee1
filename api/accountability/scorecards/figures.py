"""The figures of a scorecard: their names, what each is a share of, and which row counts under which.

All of them are counts, so that those of terminals add up to those of their institution.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from api.cards.lifecycle import Event, Status
from api.verification.presented import ACQUIRED, Presented

# What is counted at one terminal, and in which institution.
Place = tuple[UUID, UUID]


class Source(StrEnum):
    """Where a figure is counted."""

    CHECKS = "checks"
    TRANSACTIONS = "transactions"
    OVERRIDES = "overrides"
    LOSSES = "losses"
    DISPUTES = "disputes"


# What a figure is a share of, by the first of these with which its name begins; others are no share of anything.
_WHOLES = {
    "checks.": "checks",
    "refusals.": "checks.REFUSE",
    "captures.face.": "captures.face",
    "captures.fingers.": "captures.fingers",
    "transactions.required": "transactions",
    "transactions.covered": "transactions.required",
    "omissions": "transactions.required",
    "overrides.": "overrides",
    "overrides": "checks.not_passed",
    "disputes.upheld": "disputes.resolved",
    "disputes.rejected": "disputes.resolved",
}
FIRST_REFUSALS = "losses.first_refusals"
# Shown where there are any: retention took whose cards they were.
NOT_KNOWN = "losses.not_known"
# Those that a scorecard shows where there are none, too.
ALWAYS = (
    "checks",
    "checks.PASS",
    "checks.REVIEW",
    "checks.REFUSE",
    "checks.not_passed",
    "checks.face_declined",
    "captures.face",
    "captures.face.failed",
    "captures.fingers",
    "captures.fingers.failed",
    "transactions",
    "transactions.required",
    "transactions.covered",
    "omissions",
    "overrides",
    "overrides.approved",
    FIRST_REFUSALS,
    "disputes",
    "disputes.resolved",
    "disputes.upheld",
)
# Cards that their holders reported, and the events by which they did.
LOST = frozenset({Status.LOST, Status.STOLEN})
REPORTS = frozenset({Event.REPORTED_LOST, Event.REPORTED_STOLEN})


@dataclass
class Tally:
    """What is counted: figures by name, and how long after a loss report its card was first refused, in seconds."""

    figures: Counter[str] = field(default_factory=Counter)
    losses: list[float] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Add another place's."""
        self.figures.update(other.figures)
        self.losses.extend(other.losses)


def whole_of(figure: str) -> str | None:
    """The figure that this one is a share of."""
    return next((whole for start, whole in _WHOLES.items() if figure.startswith(start) and figure != whole), None)


def source_of(figure: str) -> Source | None:
    """Where a figure is counted; None for a name that is none."""
    head = figure.partition(".")[0]
    known = {
        "checks": Source.CHECKS,
        "refusals": Source.CHECKS,
        "captures": Source.CHECKS,
        "transactions": Source.TRANSACTIONS,
        "omissions": Source.TRANSACTIONS,
        "overrides": Source.OVERRIDES,
        "losses": Source.LOSSES,
        "disputes": Source.DISPUTES,
    }
    return known.get(head)


def of_check(
    decision: str, document_status: str, verdict: str | None, taken: Presented, *, face_declined: bool
) -> Iterator[tuple[str, int]]:
    """The figures that a check counts under, and how much."""
    yield "checks", 1
    if face_declined:
        yield "checks.face_declined", 1
    yield f"checks.{decision}", 1
    if decision != "PASS":
        yield "checks.not_passed", 1
    if decision == "REFUSE":
        yield f"refusals.{refusal_of(document_status, verdict)}", 1
    if taken.face is not None:
        yield "captures.face", 1
        if taken.face != ACQUIRED:
            yield "captures.face.failed", 1
            yield f"captures.face.failed.{taken.face}", 1
    if taken.fingers:
        yield "captures.fingers", taken.fingers
    if taken.failed:
        yield "captures.fingers.failed", taken.failed


def refusal_of(document_status: str, verdict: str | None) -> str:
    """Why a check was refused: the card's status where that refuses, else what was found of the person."""
    return (verdict or "not_assessed") if document_status in {"valid", "card_not_found"} else document_status


def of_transaction(*, required: bool, cause: str | None) -> Iterator[tuple[str, int]]:
    """The figures of a transaction."""
    yield "transactions", 1
    if required:
        yield "transactions.required", 1
        if cause is None:
            yield "transactions.covered", 1
    if cause is not None:
        yield "omissions", 1
        yield f"omissions.{cause}", 1


def of_override(state: str) -> Iterator[tuple[str, int]]:
    """The figures of an override, in the month of its decision."""
    yield "overrides", 1
    if state != "entered":
        yield f"overrides.{state}", 1


def of_resolution(state: str) -> Iterator[tuple[str, int]]:
    """The figures of a dispute, in the month in which it was resolved; opened, it counts as `disputes`."""
    yield "disputes.resolved", 1
    yield f"disputes.{state}", 1
