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
from biometrics.finger import PreparedFinger
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

    Fingers of the same positions are compared by the accurate matcher, templates fetched for `CHUNK` pairs at a time.
    A finger that the register says is held, and `fetch` does not give, is not assessed.
    """
    found: list[Finding] = []
    with ThreadPoolExecutor(threads) as pool:
        for first in range(0, len(suspects), CHUNK):
            pairs = _pairs(register, suspects, first, first + CHUNK, fingers=rule.finger is not None)
            prepared = _prepared(pairs, fetch, pool)
            judged = pool.map(lambda pair, fingers=prepared: _judged(pair, rule, fingers), pairs)
            found += [finding for finding in judged if finding is not None]
    return found


def _pairs(register: Register, suspects: Suspects, first: int, last: int, *, fingers: bool) -> list[Pair]:
    low, high = suspects.low[first:last], suspects.high[first:last]
    held = zip(register.held[low].tolist(), register.held[high].tolist(), strict=True)
    shared = [tuple(common(one, other)) if fingers else () for one, other in held]
    keys = register.keys[low].tolist(), register.keys[high].tolist()
    return [Pair(*pair) for pair in zip(*keys, suspects.scores[first:last].tolist(), shared, strict=True)]


def _prepared(pairs: Sequence[Pair], fetch: Fetch, pool: ThreadPoolExecutor) -> dict[tuple[int, str], PreparedFinger]:
    """The fingers of these pairs that are needed and there, each prepared once."""
    wanted = {(key, position) for pair in pairs for position in pair.positions for key in (pair.low, pair.high)}
    given = fetch(sorted({key for key, _ in wanted})) if wanted else {}
    there = [(key, position) for key, position in sorted(wanted) if position in given.get(key, {})]
    return dict(zip(there, pool.map(lambda at: PreparedFinger.of(given[at[0]][at[1]]), there), strict=True))


def _judged(pair: Pair, rule: Rule, prepared: Mapping[tuple[int, str], PreparedFinger]) -> Finding | None:
    """What is found of a pair; None where it is nothing to tell anybody."""
    scores = {
        position: score(prepared[pair.low, position], prepared[pair.high, position])
        for position in pair.positions
        if (pair.low, position) in prepared and (pair.high, position) in prepared
    }
    face = rule.evidence(pair.score)
    together = rule.evidence(pair.score, list(scores.values()))
    if not rule.is_enough(together) and not rule.is_enough(face):
        return None
    fingers = tuple(FingerEvidence(position, value, rule.finger_llr(value)) for position, value in scores.items())
    kind = Kind.SAME_PERSON
    if not rule.is_enough(together):
        apart = sum(one.llr for one in fingers) <= CONTRADICTION
        kind = Kind.FACE_ALIKE_FINGERS_DIFFER if apart else Kind.FACE_ALIKE_FINGERS_UNCLEAR
    return Finding(pair.low, pair.high, kind, *together, pair.score, face.llr, fingers)
