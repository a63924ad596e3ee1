"""FAR and FRR of whole transactions, of score files that say which attempt of which transaction a comparison was.

Two more columns of a score file, `transaction` and `attempt` (1, 2, …), are enough: a person tries again until accepted
or the attempts are used up. Several comparisons of one attempt are several fingers.
"""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from api.evaluation.files import FileMalformed, Scored
from api.evaluation.report import Figure
from api.evaluation.subjects import Modality, subject_of
from biometrics.scoring.bootstrap import REPLICATES, Comparisons, intervals
from biometrics.scoring.rates import Curve
from biometrics.scoring.support import interval_text, is_supported, rate_text, with_rule_of_3
from biometrics.scoring.transactions import Presentation, Together, transaction_scores

COLUMNS = ("transaction", "attempt")
TARGETS = (1e-2, 1e-3, 1e-4)
MOST = 5


@dataclass(frozen=True, slots=True)
class TransactionRate:
    """FAR or FRR of transactions of up to `attempts` attempts, at the threshold where first attempts have `fmr`.

    A fraction with its 95 % interval (None where no draw of subjects changes it), of `n` transactions.
    """

    metric: str
    attempts: int
    fmr: float
    threshold: float
    value: float
    low: float | None
    high: float | None
    n: int

    def figure(self, name: str) -> Figure:
        """The same in the tidy form, of the set of that name."""
        metric = f"{self.metric.lower()}_{self.attempts}_at_fmr_1e-{round(-math.log10(self.fmr))}"
        return Figure(name, metric, self.value, self.low, self.high, "fraction", self.n)


def read_attempts(path: Path) -> list[tuple[str, int]] | None:
    """The transaction and the attempt of every row of a score file; None where it has no such columns.

    Raises `FileMalformed` with the line where one of the two is missing or an attempt is no number from 1, OSError.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        header = [name.strip().lower() for name in next(reader, [])]
        there = [column for column in COLUMNS if column in header]
        if not there:
            return None
        if len(there) < len(COLUMNS):
            raise FileMalformed(f"{path}, line 1: transactions need both columns, {' and '.join(COLUMNS)}")
        first, second = (header.index(column) for column in COLUMNS)
        found = []
        for row in reader:
            if row:
                number = row[second].strip() if len(row) > max(first, second) else ""
                if not (number.isdecimal() and int(number) >= 1 and row[first].strip()):
                    raise FileMalformed(f"{path}, line {reader.line_num}: a transaction's name, an attempt from 1 on")
                found.append((row[first].strip(), int(number)))
        return found


def transaction_rates(
    rows: Sequence[Scored],
    attempts: Sequence[tuple[str, int]],
    modality: Modality | None,
    *,
    together: Together,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> list[TransactionRate]:
    """FAR and FRR with 1, 2, … attempts (as many as the rows have, five at most) at every FMR that is supported.

    Thresholds are those at which the first attempts have that FMR. Raises ValueError where a transaction is told in two
    ways, or a kind of transactions is missing.
    """
    presented = [
        Presentation(
            transaction,
            number,
            subject_of(row.pair.reference, modality),
            subject_of(row.pair.probe, modality),
            row.pair.mated,
            row.score,
        )
        for row, (transaction, number) in zip(rows, attempts, strict=True)
    ]
    first = transaction_scores(presented, attempts=1, together=together).curve()
    targets = [(fmr, first.threshold_at_fmr(fmr)) for fmr in TARGETS if is_supported(fmr, len(first.non_mated))]
    found = []
    for count in range(1, 1 + min(MOST, max(number for _, number in attempts))):
        whole = transaction_scores(presented, attempts=count, together=together)
        for fmr, threshold in targets:
            found += _rates(whole, count, fmr, threshold, replicates, seed)
    return found


def _rates(
    whole: Comparisons, attempts: int, fmr: float, threshold: float, replicates: int, seed: int
) -> list[TransactionRate]:
    statistics = {"FAR": partial(_far, threshold=threshold), "FRR": partial(_frr, threshold=threshold)}
    bounds = intervals(whole, statistics, replicates=replicates, seed=seed)
    curve, found = whole.curve(), []
    for metric, statistic in statistics.items():
        trials = len(whole.non_mated if metric == "FAR" else whole.mated)
        value = statistic(curve)
        low, high = with_rule_of_3(value, bounds[metric], trials) or (None, None)
        found.append(TransactionRate(metric, attempts, fmr, threshold, value, low, high, trials))
    return found


def _far(curve: Curve, *, threshold: float) -> float:
    return float(curve.fmr(threshold))


def _frr(curve: Curve, *, threshold: float) -> float:
    return float(curve.fnmr(threshold))


def shown(rates: Sequence[TransactionRate]) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """Columns and rows of a table for people."""
    columns = ("rate", "attempts", "threshold of FMR %", "%", "95 % interval", "transactions")
    rows = [
        (
            one.metric,
            f"{one.attempts}",
            f"{100 * one.fmr:g}: {one.threshold:.6g}",
            rate_text(one.value, one.n),
            interval_text(one.low, one.high),
            f"{one.n:,}",
        )
        for one in rates
    ]
    return columns, rows
