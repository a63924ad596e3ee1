"""The words of searches and cases: what compares, what kind a case is, where it is, and what somebody decides."""

from enum import StrEnum


class CaseKind(StrEnum):
    """What a case's people may be to each other."""

    SAME_PERSON_SUSPECTED = "same_person_suspected"
    KIN_OR_TWINS = "kin_or_twins"


class State(StrEnum):
    """Where a case is."""

    OPEN = "open"
    PROPOSED = "proposed"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


class Outcome(StrEnum):
    """What somebody decides. `open` takes back what was decided, or proposed, before."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    OPEN = "open"


class EngineName(StrEnum):
    """The engines that there are."""

    LOCAL = "local"
    RAY = "ray"
