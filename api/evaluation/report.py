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
from biometrics.scoring.summary import FNMR_METRICS, TAR_METRICS, summarise
from biometrics.scoring.support import upper_bound_of_none

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


def rates(name: str, comparisons: Comparisons) -> list[Figure]:
    """EER, FNMR at fixed FMRs and TAR, with intervals by a bootstrap over subjects."""
    return [
        Figure(name, rate.metric, rate.value, rate.low, rate.high, "fraction", rate.n)
        for rate in summarise(comparisons)
    ]


def share(name: str, metric: str, count: int, of: int) -> Figure:
    """A plain share, such as the failures to acquire; with none the interval is the rule of 3's."""
    low, high = (None, None) if count else (0.0, upper_bound_of_none(of))
    return Figure(name, metric, count / of, low, high, "fraction", of)


def table(figures: Sequence[Figure], comparisons: Comparisons, *, distances: bool = False) -> Table:
    """The figures in per cent, never a bare 0; beside a rate at an FMR the loosest threshold that keeps it."""
    shown = Table()
    for heading in ("metric", "%", "95 % interval", "threshold", "n"):
        shown.add_column(heading, justify="left" if heading == "metric" else "right", no_wrap=True)
    curve = comparisons.curve()
    sign = -1.0 if distances else 1.0
    for figure in figures:
        interval = (
            "–" if figure.low is None or figure.high is None else f"{_percent(figure.low)} – {_percent(figure.high)}"
        )
        target = _TARGETS.get(figure.metric)
        threshold = "" if target is None else f"{sign * curve.threshold_at_fmr(target):.6g}"
        value = f"< {_percent(figure.high)}" if figure.value == 0 and figure.high else _percent(figure.value)
        shown.add_row(figure.metric, value, interval, threshold, f"{figure.n:,}")
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


def _percent(fraction: float) -> str:
    return f"{100 * fraction:.3f}"
