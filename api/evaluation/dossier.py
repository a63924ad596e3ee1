"""The report of an evaluation of comparisons: one page and its plots."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from api.evaluation import html, plots
from api.evaluation.attempts import TransactionRate, shown
from api.evaluation.groups import GroupRate, group_rates
from api.evaluation.report import Figure, rates, thin
from api.evaluation.style import Plot
from biometrics.scoring.bootstrap import REPLICATES as TABLES
from biometrics.scoring.bootstrap import Comparisons
from biometrics.scoring.calibration import Calibration
from biometrics.scoring.discard import error_versus_discard
from biometrics.scoring.extremes import ParetoTail
from biometrics.scoring.measures import cllr, cllr_min, expected_calibration_error
from biometrics.scoring.parameters import RULE_OF_30
from biometrics.scoring.summary import FNMR_METRICS, TAR_METRICS
from biometrics.scoring.support import interval_text, is_supported, rate_text, trials_needed

# As many draws of the same subjects as behind the table of rates: one rate has one interval on the page.
REPLICATES = TABLES
OPERATING_FMR = 1e-3
FMR_TARGETS = FNMR_METRICS | TAR_METRICS
TARGETS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
PAGE = "report.html"
WORDS = {
    "eer": "EER, equal error rate",
    "fmr100": "FNMR at FMR 1 %",
    "fmr1000": "FNMR at FMR 0.1 %",
    "zerofmr": "FNMR without a false match",
    "tar_at_fmr_1e-3": "accepted (TAR) at FMR 0.1 %",
    "tar_at_fmr_1e-4": "accepted (TAR) at FMR 0.01 %",
    "tar_at_fmr_1e-5": "accepted (TAR) at FMR 0.001 %",
    "fta": "FTA, failure to acquire",
    "fte": "FTE, failure to enrol",
}
SIDE_BY_SIDE = ("eer", "fmr100", "fmr1000")


@dataclass(frozen=True)
class Material:
    """What a report of comparisons is made of; what is empty is left out of it.

    `names` (S,) are the subjects', `quality` (M,) the lower quality of each mated comparison's two samples, `groupings`
    {grouping: {subject: group}}, `peers` other engines' comparisons by name; `remarks` are on the calibration.
    """

    name: str
    comparisons: Comparisons
    names: Sequence[str]
    figures: Sequence[Figure]
    facts: Sequence[tuple[str, str]]
    unit: str = "comparison score"
    peers: Mapping[str, Comparisons] = field(default_factory=dict)
    calibration: Calibration | None = None
    remarks: Sequence[str] = ()
    transactions: Sequence[TransactionRate] = ()
    quality: Sequence[float] | None = None
    groupings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=Counter)
    images: int = 0
    seed: int = 0


@dataclass(frozen=True)
class Dossier:
    """The page, and the plots that it holds, for use elsewhere."""

    page: str
    plots: Sequence[Plot]

    def write(self, folder: Path) -> None:
        """`report.html`, and every plot as SVG and PNG. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / PAGE).write_text(self.page, encoding="utf-8")
        for plot in self.plots:
            plot.write(folder)


def of_comparisons(material: Material, step: Callable[[str], None]) -> Dossier:
    """Rates, curves, calibration, quality and groups; `step` hears what is worked on."""
    drawn: list[Plot] = []
    parts = [html.facts([*_counts(material), *material.facts]), html.heading("Error rates"), _rates_table(material)]

    if material.transactions:
        parts += [html.heading("Whole transactions"), _transactions(material.transactions)]

    def draw(title: str, make: Callable[[], Plot]) -> None:
        step(title)
        plot = make()
        drawn.append(plot)
        parts.extend([html.heading(title), html.figure(plot)])

    step("Thresholds")
    parts += [html.heading("Thresholds"), *_thresholds(material.comparisons)]
    sets = {material.name: material.comparisons, **material.peers}
    draw("DET", lambda: plots.det(sets, replicates=REPLICATES, seed=material.seed))
    if material.peers:
        parts.append(_side_by_side(material))
    draw("Scores", lambda: plots.scores(material.comparisons, material.unit))
    draw(
        "Rates against the threshold",
        lambda: plots.rates(material.comparisons, material.unit, replicates=REPLICATES, seed=material.seed),
    )
    if material.calibration is not None:
        mated, others = _ratios(material.calibration, material.comparisons)
        draw(f"Calibration of {material.calibration.engine}", lambda: plots.calibration(mated, others))
        parts += [_calibration_table(mated, others), *map(html.note, material.remarks)]
    if material.quality is not None:
        _quality(material, draw, parts)
    if material.failures:
        parts += [html.heading("Failures by cause"), _failures(material.failures, material.images)]
    for grouping, members in material.groupings.items():
        rates = _groups(material, grouping, members)
        if rates:
            draw(f"Groups: {grouping}", lambda rates=rates, grouping=grouping: plots.groups(rates, grouping))  # type: ignore[misc]
            parts.append(_groups_table(rates))
    return Dossier(html.page(f"Evaluation of {material.name}", parts), drawn)


def _counts(material: Material) -> list[tuple[str, str]]:
    comparisons = material.comparisons
    return [
        ("mated comparisons", f"{len(comparisons.mated):,}"),
        ("non-mated comparisons", f"{len(comparisons.non_mated):,}"),
        ("subjects", f"{comparisons.subjects:,}"),
    ]


def _rates_table(material: Material) -> str:
    rows = []
    for one in material.figures:
        behind = FMR_TARGETS.get(one.metric)
        matches = "" if behind is None else f"{int(behind * len(material.comparisons.non_mated)):,}"
        words = WORDS.get(one.metric, one.metric)
        bounds = interval_text(one.low, one.high)
        rows.append((words, one.metric, rate_text(one.value, one.n), bounds, f"{one.n:,}", matches))
    columns = ("rate", "name in files", "%", "95 % interval", "n", "false matches allowed")
    notes = [html.note(line) for line in thin(material.figures, material.comparisons)]
    return (
        html.table(columns, rows, words=2)
        + html.note(
            "Intervals draw subjects, not comparisons; those of FTA and FTE are Wilson's, of images. A rate without an"
            " error is printed as its upper bound, 3 / n (rule of 3); n counts mated comparisons, or images. A rate at"
            " an FMR that fewer than 30 false matches stand behind hangs on a few comparisons (rule of 30)."
        )
        + "".join(notes)
    )


def _transactions(rates: Sequence[TransactionRate]) -> str:
    columns, rows = shown(rates)
    return html.table(columns, rows) + html.note(
        "FAR and FRR of people who try again until they are accepted or the attempts are used up; a failure to acquire"
        " is an attempt that is rejected. Thresholds are those at which first attempts have the FMR. Intervals draw"
        " subjects."
    )


def _side_by_side(material: Material) -> str:
    """The same rates of every engine, each with its interval and with how much it rests on."""
    rows = []
    for name, comparisons in {material.name: material.comparisons, **material.peers}.items():
        own = comparisons is material.comparisons
        figures = material.figures if own else rates(name, comparisons, seed=material.seed)
        found = {one.metric: one for one in figures}
        shown = [_with_interval(found.get(metric)) for metric in SIDE_BY_SIDE]
        rows.append((name, *shown, f"{len(comparisons.mated):,}", f"{len(comparisons.non_mated):,}"))
    columns = ("engine", *(f"{WORDS[metric]}, %" for metric in SIDE_BY_SIDE), "mated", "non-mated")
    return html.table(columns, rows)


def _with_interval(rate: Figure | None) -> str:
    if rate is None:
        return "–"
    text = rate_text(rate.value, rate.n)
    return text if rate.low is None or rate.high is None else f"{text} ({interval_text(rate.low, rate.high)})"


def _thresholds(comparisons: Comparisons) -> list[str]:
    """Thresholds of target FMRs: counted where 30 errors support them, else extrapolated and said to be."""
    curve, trials = comparisons.curve(), len(comparisons.non_mated)
    try:
        tail: ParetoTail | None = ParetoTail.fit(comparisons.non_mated)
    except ValueError:
        tail = None
    rows = []
    for fmr in TARGETS:
        if is_supported(fmr, trials):
            threshold, how = curve.threshold_at_fmr(fmr), "counted"
        elif tail is not None and tail.lowest <= fmr <= tail.rate:
            threshold, how = tail.threshold(fmr), "extrapolated"
        else:
            rows.append((f"{100 * fmr:g}", "not supported", "", f"{trials_needed(fmr):,}"))
            continue
        fnmr = rate_text(float(curve.fnmr(threshold)), len(comparisons.mated))
        rows.append((f"{100 * fmr:g} ({how})", f"{threshold:.5g}", fnmr, f"{trials_needed(fmr):,}"))
    return [
        html.table(("FMR %", "threshold", "FNMR %", "non-mated comparisons it needs"), rows),
        html.note(
            f"{trials:,} non-mated comparisons. Counted: 30 false matches or more stand behind it (rule of 30)."
            " Extrapolated: a generalised Pareto tail fitted to the highest scores (extreme-value theory); a guess at"
            " what was not seen, not a measurement. The FNMR beside it is that of this threshold, and differs from a"
            " rate above that counts the few false matches there are."
        ),
    ]


def _ratios(calibration: Calibration, comparisons: Comparisons) -> tuple[plots.Array, plots.Array]:
    mated, others = (side[np.isfinite(side)] for side in (comparisons.mated, comparisons.non_mated))
    return calibration.llr_of(mated), calibration.llr_of(others)


def _calibration_table(mated: plots.Array, others: plots.Array) -> str:
    rows = [
        ("Cllr, bit", f"{cllr(mated, others):.4f}"),
        ("least Cllr of any monotone calibration, bit", f"{cllr_min(mated, others):.4f}"),
        ("expected calibration error, %", f"{100 * expected_calibration_error(mated, others):.3f}"),
    ]
    return html.table(("measure", "value"), rows)


def _quality(material: Material, draw: Callable[[str, Callable[[], Plot]], None], parts: list[str]) -> None:
    assert material.quality is not None
    threshold = material.comparisons.curve().threshold_at_fmr(OPERATING_FMR)
    curve = error_versus_discard(material.comparisons.mated, material.quality, threshold)
    draw("Quality", lambda: plots.discard(curve, threshold, len(material.comparisons.mated)))
    count = len(material.quality)
    left = [count - round(share * count) for share in curve.discarded.tolist()]
    rows = [
        (f"{100 * share:.1f}", f"{rest:,}", f"{round(fnmr * rest):,}", rate_text(fnmr, rest))
        for share, rest, fnmr in zip(curve.discarded.tolist(), left, curve.fnmr.tolist(), strict=True)
    ]
    columns = ("turned away %", "comparisons left", "false non-matches left", "FNMR of the rest %")
    parts += [
        html.table(columns, rows, words=0),
        html.note(
            "Comparisons of one quality go together, so that the steps are as wide as the quality measure is coarse."
            " Every step up to 20 % is shown, at most 40 of them."
        ),
    ]


def _failures(failures: Mapping[str, int], images: int) -> str:
    rows = [(cause, f"{count:,}", rate_text(count / images, images)) for cause, count in sorted(failures.items())]
    return html.table(("cause", "images", "% of all"), rows)


def _groups(material: Material, grouping: str, members: Mapping[str, str]) -> list[GroupRate]:
    threshold = material.comparisons.curve().threshold_at_fmr(OPERATING_FMR)
    return group_rates(
        material.comparisons,
        material.names,
        members,
        grouping,
        threshold,
        replicates=REPLICATES,
        seed=material.seed,
    )


def _groups_table(rates: Sequence[GroupRate]) -> str:
    rows = [
        (
            one.group,
            one.metric,
            rate_text(one.value, one.n),
            interval_text(one.low, one.high),
            f"{one.n:,}",
            f"{one.subjects:,}",
        )
        for one in rates
    ]
    columns = ("group", "rate", "%", "95 % interval", "comparisons", "subjects")
    few = [one.group for one in rates if one.metric == "FNMR" and one.subjects < RULE_OF_30]
    thin = f" Fewer than {RULE_OF_30} subjects, so that the intervals are too narrow: {', '.join(few)}." if few else ""
    return html.table(columns, rows, words=2) + html.note(
        f"At the threshold of FMR {100 * OPERATING_FMR:g} % over everybody; FMR within the group.{thin}"
    )
