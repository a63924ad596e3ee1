"""What an evaluation found: figures, as a table for people and in the project's tidy JSON form."""

import json
import math
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich.table import Table

from biometrics.scoring.bootstrap import Comparisons
from biometrics.scoring.parameters import RULE_OF_30
from biometrics.scoring.summary import FNMR_METRICS, TAR_METRICS, summarise
from biometrics.scoring.support import interval_text, rate_text, share_interval

_PACKAGES = ("renzheng", "numpy", "onnxruntime", "numba")
_TARGETS = FNMR_METRICS | TAR_METRICS


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure; rates are fractions, `low` and `high` a 95 % interval or None, `n` what it rests on."""

    set: str
    metric: str
    value: float
    low: float | None
    high: float | None
    unit: str
    n: int

    def __post_init__(self) -> None:
        """Refuse what JSON cannot say: a figure that is no number was not measured."""
        for figure in (self.value, self.low, self.high):
            if figure is not None and not math.isfinite(figure):
                raise ValueError(f"{self.set}/{self.metric}: {figure} is no figure")


def rates(name: str, comparisons: Comparisons, *, seed: int = 0) -> list[Figure]:
    """EER, FNMR at fixed FMRs and TAR, with intervals by a bootstrap over subjects, drawn by `seed`."""
    return [
        Figure(name, rate.metric, rate.value, rate.low, rate.high, "fraction", rate.n)
        for rate in summarise(comparisons, seed=seed)
    ]


def share(name: str, metric: str, count: int, of: int) -> Figure:
    """A plain share, such as the failures to acquire, with Wilson's interval; with none it is the rule of 3's."""
    return Figure(name, metric, count / of, *share_interval(count, of), "fraction", of)


def thin(figures: Sequence[Figure], comparisons: Comparisons) -> list[str]:
    """What is too little for its figures to be relied on, in words: rates of under 30 errors, under 30 subjects.

    An error is a false non-match, or a failure; a rate at an FMR also rests on the false matches that it allows.
    """
    told = []
    if comparisons.subjects < RULE_OF_30:
        told.append(
            f"{comparisons.subjects} subjects are few: intervals that draw fewer than {RULE_OF_30} are too narrow."
        )
    mated = len(set(comparisons.mated_subject.tolist()))
    if mated < min(RULE_OF_30, comparisons.subjects):
        told.append(f"Only {mated} of {comparisons.subjects} subjects have a mated comparison: FNMR rests on them.")
    # A rate without an error is printed as the bound that it is.
    counted = [(one.metric, _errors(one, comparisons)) for one in figures if 0 < one.value < 1]
    few = [f"{metric} ({errors})" for metric, errors in counted if errors < RULE_OF_30]
    if few:
        told.append(
            f"Fewer than {RULE_OF_30} errors stand behind {', '.join(few)}: such a rate may be off by more than 30 %"
            " (rule of 30)."
        )
    return told


def _errors(figure: Figure, comparisons: Comparisons) -> int:
    """How many errors a rate rests on: of the two kinds the fewer."""
    share = 1 - figure.value if figure.metric in TAR_METRICS else figure.value
    errors = math.ceil(share * figure.n - 1e-6)
    target = _TARGETS.get(figure.metric)
    return errors if not target else min(errors, int(target * len(comparisons.non_mated)))


def table(figures: Sequence[Figure], comparisons: Comparisons, *, distances: bool = False) -> Table:
    """The figures in per cent, never a bare 0; beside a rate at an FMR the loosest threshold that keeps it."""
    shown = Table()
    for heading in ("metric", "%", "95 % interval", "threshold", "n"):
        shown.add_column(heading, justify="left" if heading == "metric" else "right", no_wrap=True)
    curve = comparisons.curve()
    sign = -1.0 if distances else 1.0
    for figure in figures:
        target = _TARGETS.get(figure.metric)
        threshold = "" if target is None else f"{sign * curve.threshold_at_fmr(target):.6g}"
        value = rate_text(figure.value, figure.n)
        shown.add_row(figure.metric, value, interval_text(figure.low, figure.high), threshold, f"{figure.n:,}")
    return shown


def write(path: Path, figures: Sequence[Figure], *, command: str) -> None:
    """Write the figures in the tidy form of the project's benchmarks. Raises OSError."""
    content = {
        "benchmark": "evaluate",
        "command": command,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cores": len(os.sched_getaffinity(0)),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "versions": {"python": platform.python_version(), **{package: version(package) for package in _PACKAGES}},
        "results": [asdict(figure) for figure in figures],
    }
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")
