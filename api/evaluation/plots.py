"""The plots of an evaluation: DET, scores, rates against the threshold, calibration, quality, groups."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from api.evaluation.groups import GroupRate
from api.evaluation.style import COLOURS, LINES, Plot, drawing, finished, per_cent
from biometrics.scoring.bands import Band, det_band, fmr_band, fnmr_band
from biometrics.scoring.bootstrap import Comparisons
from biometrics.scoring.discard import DiscardCurve
from biometrics.scoring.parameters import RULE_OF_30
from biometrics.scoring.support import upper_bound_of_none

DET_POINTS = 60
THRESHOLD_POINTS = 80
HISTOGRAM_BINS = 60
CALIBRATION_BINS = 12

Array = NDArray[np.float64]


def det(sets: Mapping[str, Comparisons], *, replicates: int, seed: int) -> Plot:
    """DET curves with 95 % bands; the first set is the one that is evaluated, the others stand beside it."""
    made, axes = drawing()
    floor = 1.0
    for number, (name, comparisons) in enumerate(sets.items()):
        trials = len(comparisons.non_mated)
        band = det_band(
            comparisons, np.geomspace(max(1 / trials, 1e-7), 0.5, DET_POINTS), replicates=replicates, seed=seed
        )
        floor = min(floor, upper_bound_of_none(len(comparisons.mated)) / 3)
        _det_line(axes, band, trials, name, number)
    axes.set(xscale="log", yscale="log", ylim=(floor / 1.5, 1.0))
    axes.set_xlabel("FMR: false matches, % of non-mated comparisons")
    axes.set_ylabel("FNMR: false non-matches,\n% of mated comparisons")
    per_cent(axes, x=True, y=True)
    return finished(
        made,
        "det",
        "Each curve shows which FNMR is paid for which FMR as the threshold moves: lower and further left is better."
        " The shade holds 95 % of bootstrap draws of subjects. A thin line means fewer than 30 false matches: there the"
        " curve is not reliable. Where a curve ends at the bottom no false non-match was seen; the shade goes on up to"
        " 3 / n there (rule of 3).",
    )


def _det_line(axes: Axes, band: Band, trials: int, name: str, number: int) -> None:
    colour, line = COLOURS[number % len(COLOURS)], LINES[number % len(LINES)]
    seen = np.where(band.value > 0, band.value, np.nan)
    solid = band.at * trials >= RULE_OF_30
    # One point of overlap, so that the two stretches meet.
    thin = ~solid | np.append(~solid[:-1] & solid[1:], False) | np.append(False, ~solid[:-1])
    axes.plot(band.at, np.where(thin, seen, np.nan), color=colour, linewidth=0.8, linestyle=line)
    axes.plot(band.at, np.where(solid, seen, np.nan), color=colour, linewidth=1.8, linestyle=line, label=name)
    if number == 0:
        axes.fill_between(band.at, np.maximum(band.low, 1e-9), band.high, color=colour, alpha=0.18, linewidth=0)


def scores(comparisons: Comparisons, unit: str) -> Plot:
    """Histograms of both kinds of comparisons, each as shares of its kind."""
    made, axes = drawing()
    sides = [side[np.isfinite(side)] for side in (comparisons.non_mated, comparisons.mated)]
    both = np.concatenate(sides)
    edges = np.histogram_bin_edges(both, HISTOGRAM_BINS)
    for side, kind, colour in zip(sides, ("non-mated", "mated"), (COLOURS[1], COLOURS[0]), strict=True):
        share = np.histogram(side, edges)[0] / max(1, len(side))
        axes.stairs(share, edges, fill=True, color=colour, alpha=0.25)
        axes.stairs(share, edges, color=colour, linewidth=1.3, label=f"{kind}, n = {len(side):,}")
    # The small shares are what errors are made of.
    axes.set_yscale("log")
    axes.set(xlabel=unit, ylabel="share of the comparisons of its kind, %")
    per_cent(axes, y=True)
    failed = sum(int(np.isneginf(side).sum()) for side in (comparisons.mated, comparisons.non_mated))
    told = f" {failed:,} failed comparisons have no score and are not drawn." if failed else ""
    return finished(
        made,
        "scores",
        "How often each score occurs. Errors come from where the two overlap; the scale is logarithmic, since they are"
        f" rare.{told}",
    )


def rates(comparisons: Comparisons, unit: str, *, replicates: int, seed: int) -> Plot:
    """FMR and FNMR against the threshold, with bands."""
    made, axes = drawing()
    both = np.concatenate([side[np.isfinite(side)] for side in (comparisons.mated, comparisons.non_mated)])
    thresholds = np.linspace(float(both.min()), float(np.quantile(both, 0.999)), THRESHOLD_POINTS)
    least = 1.0
    for number, (label, band, trials) in enumerate(
        (
            (
                "FMR: non-mated accepted",
                fmr_band(comparisons, thresholds, replicates=replicates, seed=seed),
                len(comparisons.non_mated),
            ),
            (
                "FNMR: mated rejected",
                fnmr_band(comparisons, thresholds, replicates=replicates, seed=seed),
                len(comparisons.mated),
            ),
        )
    ):
        colour = COLOURS[1 - number]
        least = min(least, 1 / trials)
        axes.plot(band.at, np.where(band.value > 0, band.value, np.nan), LINES[number], color=colour, label=label)
        axes.fill_between(band.at, np.maximum(band.low, 1e-9), band.high, color=colour, alpha=0.18, linewidth=0)
    axes.set(yscale="log", ylim=(least / 1.5, 1.3), xlabel=f"threshold ({unit})", ylabel="error rate, %")
    per_cent(axes, y=True)
    return finished(
        made,
        "rates",
        "What a threshold costs. A comparison is accepted from the threshold on. The shade holds 95 % of bootstrap"
        " draws of subjects. A curve ends where no error was seen; the shade goes on up to 3 / n there (rule of 3).",
    )


def calibration(mated_llr: Array, non_mated_llr: Array) -> Plot:
    """Stated log-likelihood ratios against the observed ones, in bins of the stated ones."""
    made, axes = drawing()
    both = np.concatenate([mated_llr, non_mated_llr])
    edges = np.unique(np.quantile(both, np.linspace(0, 1, CALIBRATION_BINS + 1)))
    # Quantiles of all have few mated ones below and few non-mated ones above: equal steps between serve both.
    edges = np.linspace(edges[0], edges[-1], CALIBRATION_BINS + 1)
    mated, _ = np.histogram(mated_llr, edges)
    others, _ = np.histogram(non_mated_llr, edges)
    known = (mated > 0) & (others > 0)
    middle = (edges[1:] + edges[:-1]) / 2
    observed = np.log((mated[known] / len(mated_llr)) / (others[known] / len(non_mated_llr)))
    # The deviation of a log ratio of two counts.
    spread = 1.96 * np.sqrt(1 / mated[known] + 1 / others[known])
    span = (float(edges[0]), float(edges[-1]))
    axes.plot(span, span, color="#555555", linewidth=1, linestyle=":", label="stated = observed")
    axes.errorbar(
        middle[known],
        observed,
        spread,
        fmt="o",
        color=COLOURS[0],
        capsize=3,
        label="observed in the bin, 95 % by counts",
    )
    axes.set(xlabel="stated log-likelihood ratio (natural)", ylabel="observed log-likelihood ratio (natural)")
    return finished(
        made,
        "calibration",
        "Points on the dotted line: the ratios mean what they say. Below it they overstate, above it they understate."
        " Bins without a comparison of both kinds have no point. The bars are of counts that are taken for independent:"
        " with few subjects they are too short.",
    )


def discard(curve: DiscardCurve, threshold: float, count: int) -> Plot:
    """FNMR against the share of the `count` mated comparisons that are turned away for their quality."""
    made, axes = drawing()
    share, fnmr = curve.discarded, np.where(curve.fnmr > 0, curve.fnmr, np.nan)
    axes.plot(share, fnmr, "o-", color=COLOURS[0], markersize=3, label="by quality, lowest first")
    none = np.isnan(fnmr)
    bound = np.array([upper_bound_of_none(max(1, count - round(one * count))) for one in share.tolist()])
    if none.any():
        axes.plot(share[none], bound[none], "v", color=COLOURS[0], markersize=5, label="below this (rule of 3)")
    start = float(curve.fnmr[0])
    shares = np.linspace(0, float(share[-1]), 100)
    best = np.maximum(start - shares, 0) / (1 - shares)
    axes.plot(shares, best, ":", color="#555555", label="were the errors turned away first")
    axes.set(xlabel="comparisons turned away, %", ylabel=f"FNMR of the rest\nat the threshold {threshold:.4g}, %")
    axes.set_ylim(0, 1.15 * max(start, float(curve.fnmr.max()), float(bound[none].max()) if none.any() else 0, 1e-3))
    per_cent(axes, x=True, y=True)
    return finished(
        made,
        "discard",
        "Error versus discard: a quality measure that knows what will fail falls as fast as the dotted line; one that"
        " knows nothing stays level. A triangle is the upper bound of a rate without an error (rule of 3).",
    )


def groups(found: Sequence[GroupRate], grouping: str) -> Plot:
    """Rates of groups at one threshold, with intervals."""
    made, axes = drawing()
    names = list(dict.fromkeys(one.group for one in found))
    for number, metric in enumerate(("FMR", "FNMR")):
        rows = [one for one in found if one.metric == metric]
        at = np.array([names.index(one.group) for one in rows]) + 0.2 * (number - 0.5)
        value = np.array([one.value if one.value > 0 else np.nan for one in rows])
        low, high = (np.array([getattr(one, side) for one in rows], np.float64) for side in ("low", "high"))
        colour = COLOURS[1 - number]
        axes.vlines(at, np.maximum(low, 1e-6), high, color=colour, linewidth=2)
        axes.plot(at, value, "os"[number], color=colour, label=f"{metric} with 95 % interval")
        none = np.isnan(value)
        axes.plot(at[none], high[none], "v", color=colour)
    least = min(one.value if one.value > 0 else one.high for one in found)
    axes.set(yscale="log", ylim=(10 ** np.floor(np.log10(least / 3)), 1.3), xlim=(-0.6, len(names) - 0.4))
    axes.set_xticks(range(len(names)), names, rotation=30 if len(names) > 5 else 0)
    axes.set(xlabel=grouping, ylabel="error rate, %")
    per_cent(axes, y=True)
    return finished(
        made,
        f"groups_{grouping}",
        "At one threshold for all. Where the intervals of two groups do not overlap the groups differ. A triangle is"
        " the upper bound of a rate without an error (rule of 3); a line down to the axis goes on to 0.",
    )


def stated(ratios: Mapping[str, Sequence[float]]) -> Plot:
    """The log-likelihood ratios that a site stated, by modality."""
    made, axes = drawing()
    every = np.concatenate([np.asarray(values, np.float64) for values in ratios.values()])
    edges = np.histogram_bin_edges(every, HISTOGRAM_BINS)
    for number, (modality, values) in enumerate(sorted(ratios.items())):
        share = np.histogram(np.asarray(values), edges)[0] / len(values)
        colour = COLOURS[number % len(COLOURS)]
        axes.stairs(share, edges, fill=True, color=colour, alpha=0.2)
        axes.stairs(share, edges, color=colour, linewidth=1.3, label=f"{modality}, n = {len(values):,}")
    axes.axvline(0, color="#555555", linewidth=0.8, linestyle=":")
    axes.set(xlabel="stated log-likelihood ratio (natural)", ylabel="share of the modality's comparisons, %")
    per_cent(axes, y=True)
    return finished(
        made,
        "stated",
        "Right of the dotted line the capture speaks for the holder, left of it against. A site whose right-hand hill"
        " lies further left than others' has poorer captures. Many stand at the right end: it is the highest ratio that"
        " the data behind the calibration support.",
    )
