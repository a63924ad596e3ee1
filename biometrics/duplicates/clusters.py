"""Which findings belong together: records that are one person, and persons that are not.

Findings of one person are taken strongest first. Each puts the groups of its two records together if, of all pairs
between the two groups, at least half (`SHARE_THAT_JOINS`) are such findings, and none is one of alike faces with
different fingers: average linkage with a veto. A chain of weak links therefore does not make one group of many people:
a group of four is joined by a fifth record only if at least two of them are linked with it.

A finding that put nothing together, because its records stay in different groups, is not lost: such findings make
groups of their own by the same rule. So a record may be in more than one group, and every finding is in one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from biometrics.duplicates.findings import Finding, Kind
from biometrics.duplicates.parameters import SHARE_THAT_JOINS


@dataclass(frozen=True)
class Cluster:
    """Records that belong on one desk: `keys` rising, and all findings between them, strongest first.

    `kind` says what the records are to each other; only SAME_PERSON has more than two.
    """

    kind: Kind
    keys: tuple[int, ...]
    findings: tuple[Finding, ...]

    @property
    def llr(self) -> float:
        """The strongest finding's, by which clusters are ranked."""
        return self.findings[0].llr


def clusters(findings: Iterable[Finding]) -> list[Cluster]:
    """Clusters of all findings of a search, strongest first; the order in which they are given does not matter."""
    ordered = sorted(findings, key=lambda one: one.rank)
    apart = {(one.low, one.high) for one in ordered if one.kind is Kind.FACE_ALIKE_FINGERS_DIFFER}
    left = [one for one in ordered if one.kind is Kind.SAME_PERSON]
    made = [Cluster(one.kind, (one.low, one.high), (one,)) for one in ordered if one.kind is not Kind.SAME_PERSON]
    while left:
        group_of = _grouped(left, apart)
        inside: dict[int, list[Finding]] = {}
        between = []
        for one in left:
            if group_of[one.low] is group_of[one.high]:
                inside.setdefault(id(group_of[one.low]), []).append(one)
            else:
                between.append(one)
        made += [Cluster(mine[0].kind, tuple(sorted(group_of[mine[0].low])), tuple(mine)) for mine in inside.values()]
        left = between
    return sorted(made, key=lambda one: one.findings[0].rank)


def _grouped(findings: list[Finding], apart: set[tuple[int, int]]) -> dict[int, set[int]]:
    """The group of each record, by one round over findings, strongest first; the first of them always joins two."""
    linked = {(one.low, one.high) for one in findings}
    group_of = {key: {key} for one in findings for key in (one.low, one.high)}
    for one in findings:
        mine, other = group_of[one.low], group_of[one.high]
        if mine is other:
            continue
        pairs = [(min(a, b), max(a, b)) for a in mine for b in other]
        links = sum(pair in linked for pair in pairs)
        if links >= SHARE_THAT_JOINS * len(pairs) and not any(pair in apart for pair in pairs):
            mine |= other
            for key in other:
                group_of[key] = mine
    return group_of
