"""Differences between groups of people: each group's own rates with intervals, and no average over groups."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from api.evaluation.files import FileMalformed
from biometrics.scoring.bootstrap import Comparisons, intervals
from biometrics.scoring.rates import Curve
from biometrics.scoring.support import with_rule_of_3


@dataclass(frozen=True, slots=True)
class GroupRate:
    """FMR or FNMR of a group at the common threshold, as fractions, with the number of comparisons it rests on."""

    grouping: str
    group: str
    metric: str
    value: float
    low: float
    high: float
    n: int
    subjects: int


def read_groups(path: Path) -> dict[str, dict[str, str]]:
    """Groupings of a CSV file: its column `subject`, and a column for each grouping; {grouping: {subject: group}}.

    An empty field leaves the subject out of that grouping. Raises `FileMalformed`, OSError.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        names = [name.strip() for name in reader.fieldnames or []]
        if "subject" not in names or len(names) < 2:
            raise FileMalformed(f"{path}, line 1: the header must name subject and at least one grouping")
        reader.fieldnames = names
        found: dict[str, dict[str, str]] = {name: {} for name in names if name != "subject"}
        try:
            for row in reader:
                for grouping, members in found.items():
                    if row[grouping] and row["subject"]:
                        members[row["subject"].strip()] = row[grouping].strip()
        except (csv.Error, UnicodeDecodeError) as error:
            raise FileMalformed(f"{path}, line {reader.line_num}: not a CSV file of groups") from error
    return found


def group_rates(
    comparisons: Comparisons,
    names: Sequence[str],
    groups: Mapping[str, str],
    grouping: str,
    threshold: float,
    *,
    replicates: int,
    seed: int,
) -> list[GroupRate]:
    """FMR and FNMR within every group at `threshold`; `names` (S,) are the subjects' names.

    A non-mated comparison counts where both its subjects are of the group: impostors of one's own group are the harder
    ones. A group without comparisons of a kind has no rate of that kind.
    """
    group_of = np.array([groups.get(names[number], "") for number in range(comparisons.subjects)])
    found = []
    for group in sorted(set(groups.values())):
        mated = group_of[comparisons.mated_subject] == group
        non_mated = np.all(group_of[comparisons.non_mated_subjects] == group, axis=1)
        people = int(np.sum(group_of == group))
        part = _restricted(comparisons, mated, non_mated)
        if part is None:
            continue
        for metric, rate, count in (
            ("FMR", partial(_fmr, threshold=threshold), int(non_mated.sum())),
            ("FNMR", partial(_fnmr, threshold=threshold), int(mated.sum())),
        ):
            found.append(_rate(part, rate, (grouping, group, metric), count, people, replicates, seed))
    return found


def _rate(
    part: Comparisons,
    rate: Callable[[Curve], float],
    words: tuple[str, str, str],
    count: int,
    people: int,
    replicates: int,
    seed: int,
) -> GroupRate:
    value = rate(part.curve())
    drawn = intervals(part, {"rate": rate}, replicates=replicates, seed=seed)["rate"]
    # A rate that no draw of people changes is that of one person only: all that is known of it is how rare it may be.
    bounds = with_rule_of_3(value, drawn, count) or (0.0, 1.0)
    return GroupRate(*words, value, *bounds, count, people)


def _restricted(comparisons: Comparisons, mated: NDArray[np.bool_], non_mated: NDArray[np.bool_]) -> Comparisons | None:
    if not mated.any() or not non_mated.any():
        return None
    return Comparisons(
        comparisons.mated[mated],
        comparisons.non_mated[non_mated],
        comparisons.mated_subject[mated],
        comparisons.non_mated_subjects[non_mated],
    )


def _fmr(curve: Curve, *, threshold: float) -> float:
    return float(curve.fmr(threshold))


def _fnmr(curve: Curve, *, threshold: float) -> float:
    return float(curve.fnmr(threshold))
