"""What is said about liveness in the end, and how the parts add up to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The three answers."""

    LIVE = "live"
    ATTACK = "attack"
    NOT_ASSESSABLE = "not_assessable"


@dataclass(frozen=True)
class Verdict:
    """An outcome, with the reason for anything but `live`; `score` 0..1 where there is one, higher is livelier.

    Reasons of an attack: `flat_face`, `wrong_movement`, `identity_changed`, `no_movement`, `passive_attack`; of what is
    not assessable: `no_challenge`, `too_few_frames`, `face_lost`, `clock_unsound`.
    """

    outcome: Outcome
    reason: str | None = None
    score: float | None = None


def assess(active: Verdict | None, passive: Verdict | None) -> Verdict:
    """Together: any sign of an attack is one; else the challenge has to have been answered.

    The passive network alone never says `live`: on attacks that it was not trained on it errs too often (see
    docs/faces.md). Without a challenge nothing is assessed unless the network sees an attack.
    """
    for part in (active, passive):
        if part is not None and part.outcome is Outcome.ATTACK:
            return part
    if active is None:
        return Verdict(Outcome.NOT_ASSESSABLE, "no_challenge", None if passive is None else passive.score)
    return active
