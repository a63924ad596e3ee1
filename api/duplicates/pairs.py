"""Two people of the register who look alike, and how much: what a search finds, as it is stored."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from api.duplicates.words import CaseKind
from biometrics.duplicates import Cluster, Finding, FingerEvidence, Kind, clusters

Scores = dict[str, Any]
"""`{fmr, extrapolated, face: {score, llr}, fingers: [{position, score, llr}]}`; to the last digit: findings
come back from the database as they went in."""


# Fingers that neither bear it out nor contradict it acquit nobody: the pair says so itself.
_CASE_KINDS = {
    Kind.SAME_PERSON: CaseKind.SAME_PERSON_SUSPECTED,
    Kind.FACE_ALIKE_FINGERS_UNCLEAR: CaseKind.SAME_PERSON_SUSPECTED,
    Kind.FACE_ALIKE_FINGERS_DIFFER: CaseKind.KIN_OR_TWINS,
}


@dataclass(frozen=True)
class Pair:
    """`first` and `second` are keyed hashes of numbers, the lesser first. `llr` is the sum of all that was compared,
    `compared` (32 bytes) stands for the templates."""

    first: bytes = field(repr=False)
    second: bytes = field(repr=False)
    kind: str
    llr: float
    scores: Scores = field(repr=False)
    compared: bytes = field(repr=False)

    @classmethod
    def of_finding(cls, found: Finding, first: bytes, second: bytes, templates: Sequence[UUID]) -> "Pair":
        """A finding about two numbers, of these templates."""
        fingers = [{"position": one.position, "score": one.score, "llr": one.llr} for one in found.fingers]
        scores = {
            "fmr": found.fmr,
            "extrapolated": found.extrapolated,
            "face": {"score": found.face_score, "llr": found.face_llr},
            "fingers": fingers,
        }
        return cls(first, second, found.kind.value, found.llr, scores, compared_digest(templates))

    @classmethod
    def of_row(cls, row: Any) -> "Pair":
        """A row of `duplicate_candidates`."""
        return cls(bytes(row.first), bytes(row.second), row.kind, row.llr, row.scores, bytes(row.compared))

    def row(self) -> dict[str, Any]:
        """The columns of `duplicate_candidates`."""
        return dict(vars(self))

    def finding(self, low: int, high: int) -> Finding:
        """The finding again, under keys for the two numbers that are in the same order."""
        given = self.scores
        fingers = tuple(FingerEvidence(one["position"], one["score"], one["llr"]) for one in given["fingers"])
        return Finding(
            low,
            high,
            Kind(self.kind),
            self.llr,
            given["fmr"],
            given["extrapolated"],
            given["face"]["score"],
            given["face"]["llr"],
            fingers,
        )


@dataclass(frozen=True)
class Group:
    """Pairs that belong on one desk, the strongest first."""

    kind: CaseKind
    pairs: tuple[Pair, ...]

    @property
    def llr(self) -> float:
        """The strongest pair's."""
        return self.pairs[0].llr


def groups_of(pairs: Sequence[Pair]) -> list[Group]:
    """The groups of a search's pairs, the strongest first (see `biometrics.duplicates.clusters`)."""
    numbers = sorted({number for one in pairs for number in (one.first, one.second)})
    key_of = {number: key for key, number in enumerate(numbers)}
    by_keys = {(key_of[one.first], key_of[one.second]): one for one in pairs}
    found = clusters(one.finding(*keys) for keys, one in by_keys.items())
    return [_group(cluster, by_keys) for cluster in found]


def _group(cluster: Cluster, by_keys: dict[tuple[int, int], Pair]) -> Group:
    return Group(_CASE_KINDS[cluster.kind], tuple(by_keys[one.low, one.high] for one in cluster.findings))


def compared_digest(templates: Sequence[UUID]) -> bytes:
    """What stands for the templates that were compared: others, or one more, give another."""
    return hashlib.sha256(b"".join(sorted(one.bytes for one in templates))).digest()
