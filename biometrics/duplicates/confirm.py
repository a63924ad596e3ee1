"""The second stage: the fingers of pairs whose faces are alike, and what all of it says together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from biometrics.duplicates.findings import Finding, FingerEvidence, Kind
from biometrics.duplicates.parameters import CHUNK, CONTRADICTION
from biometrics.duplicates.register import Fingers, Register, common
from biometrics.duplicates.rule import Rule
from biometrics.duplicates.search import Suspects
from biometrics.finger import FingerTemplate, PreparedFinger
from biometrics.finger.matcher import score

Fetch = Callable[[Sequence[int]], Mapping[int, Fingers]]
"""Gives the fingers of the records of some keys; a record, or a finger of it, that is no longer there is left out."""


class Pair(NamedTuple):
    """Two records by their keys, their faces' score, and the positions that both have a finger of."""

    low: int
    high: int
    score: float
    positions: tuple[str, ...]


def confirm(register: Register, suspects: Suspects, rule: Rule, fetch: Fetch, *, threads: int = 1) -> list[Finding]:
    """The findings among the suspects of a job, in the order of their keys.

    Fingers of the same positions are compared by the accurate matcher, one after the other for as long as the rest may
    still make a finding of the pair; templates are fetched for `CHUNK` pairs at a time.
    A finger that the register says is held, and `fetch` does not give, is not assessed.
    """
    found: list[Finding] = []
    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, len(suspects), CHUNK):
            pairs = _pairs(register, suspects, first, first + CHUNK, fingers=rule.finger is not None)
            wanted = {key for pair in pairs if pair.positions for key in (pair.low, pair.high)}
            fingers = _Fingers(fetch(sorted(wanted)) if wanted else {})
            judged = pool.map(lambda pair, given=fingers: _judged(pair, rule, given), pairs)
            found += [finding for finding in judged if finding is not None]
    return found


class _Fingers:
    """The fingers of some records, prepared when they are needed and then kept. Threads may share it."""

    def __init__(self, given: Mapping[int, Fingers]) -> None:
        self._given = given
        self._prepared: dict[tuple[int, str], PreparedFinger] = {}

    def templates(self, pair: Pair, position: str) -> tuple[FingerTemplate, FingerTemplate] | None:
        """A finger of both records; None where one is not there."""
        one, other = (self._given.get(key, {}).get(position) for key in (pair.low, pair.high))
        return None if one is None or other is None else (one, other)

    def prepared(
        self, pair: Pair, position: str, both: tuple[FingerTemplate, FingerTemplate]
    ) -> tuple[PreparedFinger, PreparedFinger]:
        """The same, prepared."""
        return self._of(pair.low, position, both[0]), self._of(pair.high, position, both[1])

    def _of(self, key: int, position: str, template: FingerTemplate) -> PreparedFinger:
        # Two threads may prepare the same finger, which costs time and changes nothing.
        if (key, position) not in self._prepared:
            self._prepared[key, position] = PreparedFinger.of(template)
        return self._prepared[key, position]


def _pairs(register: Register, suspects: Suspects, first: int, last: int, *, fingers: bool) -> list[Pair]:
    low, high = suspects.low[first:last], suspects.high[first:last]
    held = zip(register.held[low].tolist(), register.held[high].tolist(), strict=True)
    shared = [tuple(common(one, other)) if fingers else () for one, other in held]
    keys = register.keys[low].tolist(), register.keys[high].tolist()
    return [Pair(*pair) for pair in zip(*keys, suspects.scores[first:last].tolist(), shared, strict=True)]


def _judged(pair: Pair, rule: Rule, given: _Fingers) -> Finding | None:
    """What is found of a pair; None where it is nothing to tell anybody."""
    face = rule.evidence(pair.score)
    alone = rule.is_enough(face)
    fingers: list[FingerEvidence] = []
    there = [(position, both) for position in pair.positions if (both := given.templates(pair, position)) is not None]
    for left, (position, both) in zip(range(len(there) - 1, -1, -1), there, strict=True):
        value = score(*given.prepared(pair, position, both))
        fingers.append(FingerEvidence(position, value, rule.finger_llr(value)))
        if not alone and not rule.can_reach(face.llr + sum(one.llr for one in fingers), left, len(there)):
            return None
    together = rule.evidence(pair.score, [one.score for one in fingers])
    apart = bool(fingers) and sum(one.llr for one in fingers) <= CONTRADICTION
    # In a small register a sum that speaks against it is rare enough among strangers too, if the faces are alike.
    enough = rule.is_enough(together) and not apart
    if not enough and not alone:
        return None
    kind = Kind.SAME_PERSON
    if not enough:
        kind = Kind.FACE_ALIKE_FINGERS_DIFFER if apart else Kind.FACE_ALIKE_FINGERS_UNCLEAR
    return Finding(pair.low, pair.high, kind, *together, pair.score, face.llr, tuple(fingers))
