"""The fingers of a replica's gallery: all in memory, compared in two stages (`biometrics.finger.search`).

Meant for the fingers that a list of impostors has: up to some thousands. A search takes 10 microseconds for each of
them beside the accurate comparisons; a start takes half a millisecond for each, for they are in no snapshot.
"""

from collections.abc import Iterable
from typing import NamedTuple

from api.screening.parameters import DEAD_FINGERS
from biometrics.finger import FingerTemplate
from biometrics.finger.matcher import PreparedFinger
from biometrics.finger.parameters import SHORTLIST
from biometrics.finger.search import Gallery


class ListedFinger(NamedTuple):
    """A template on the list, and its entry's number."""

    key: int
    template: FingerTemplate


class Fingers:
    """Immutable: what changes is another object, so that searches need no lock."""

    def __init__(self, listed: Iterable[ListedFinger] = ()) -> None:
        given = tuple(listed)
        self._keys = tuple(one.key for one in given)
        self._gallery = Gallery.of(one.template for one in given)
        self._removed: frozenset[int] = frozenset()
        self._dead = 0

    def __len__(self) -> int:
        """The fingers that are not removed."""
        return len(self._keys) - self._dead

    def changed(self, added: list[ListedFinger], removed: Iterable[int]) -> "Fingers":
        """These with more fingers, and without those of some entries."""
        gone = self._removed | (frozenset(removed) & frozenset(self._keys))
        dead = sum(key in gone for key in self._keys)
        if dead > DEAD_FINGERS:
            kept = zip(self._keys, self._gallery.templates, strict=True)
            return Fingers([*(ListedFinger(key, one) for key, one in kept if key not in gone), *added])
        other = Fingers()
        other._keys = (*self._keys, *(one.key for one in added))
        other._gallery = self._gallery.extended(one.template for one in added) if added else self._gallery
        other._removed, other._dead = gone, dead
        return other

    def candidates(self, probe: FingerTemplate, threshold: float) -> list[int]:
        """The numbers of the entries that reach the threshold, best first. The score is the accurate comparison's."""
        if not len(self):
            return []
        found = self._gallery.search(PreparedFinger.of(probe), SHORTLIST + self._dead)
        reached = [self._keys[one.reference] for one in found if one.score >= threshold]
        return [key for key in dict.fromkeys(reached) if key not in self._removed]
