"""Whom a calibration was fitted to: judged by their scores it looks better than it is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from biometrics.scoring.calibration import Calibration
from biometrics.scoring.folds import short_key

# Where a set in a calibration's provenance lists its subjects (`folds.sketch`).
PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class Overlap:
    """Of `looked_up` subjects that a calibration names as fitted to, `seen` bear names of subjects judged."""

    looked_up: int
    seen: int


def overlap(calibration: Calibration, subjects: Iterable[str]) -> Overlap | None:
    """How many of the people that a calibration was fitted to are among `subjects`; None where it does not say.

    Different people may bear one name (`101` in two sets of fingers), so that this is a warning and no proof.
    """
    named = {key for one in calibration.provenance.get("sets", []) for key in one.get(PEOPLE, [])}
    if not named:
        return None
    judged = {short_key(name) for subject in subjects for name in _names(subject)}
    return Overlap(len(named), len(named & judged))


def _names(subject: str) -> Iterator[str]:
    """A subject with fewer and fewer folders above it, and the person of a finger (`012` of `012_1`)."""
    parts = subject.split("/")
    for place in range(len(parts)):
        yield "/".join(parts[place:])
    yield parts[-1].partition("_")[0]
