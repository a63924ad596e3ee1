"""What our templates lose when they are written in another form, the second part of `benchmarks.finger.interchange`."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.common.progress import track
from benchmarks.common.report import FRACTION, Result, ScoreRow
from benchmarks.common.subjects import finger_of
from benchmarks.finger.sets import CaptureSet
from benchmarks.scores.rates import comparisons_of
from biometrics.finger import FingerTemplate, PreparedFinger, matcher
from biometrics.finger.interchange import Format, read, write
from biometrics.finger.parameters import SLOT_BYTES
from biometrics.scoring.bootstrap import REPLICATES, intervals
from biometrics.scoring.rates import Curve

AS_MADE = "as made"
RATES: dict[str, Callable[[Curve], float]] = {"eer": Curve.eer, "fmr1000": partial(Curve.fnmr_at_fmr, fmr=1e-3)}
MOST_NON_MATED = 20_000
SMALLER = (256, 200, 128)
LEVEL = 0.95

Form = Callable[[FingerTemplate], FingerTemplate]


def _in_format(template: FingerTemplate, form: Format) -> FingerTemplate:
    return read(write([template], form), form)[0]


def _compact(template: FingerTemplate, limit: int) -> FingerTemplate:
    return FingerTemplate.from_bytes(template.to_compact_bytes(limit))


def _full(template: FingerTemplate, limit: int) -> FingerTemplate:
    """The template with as many of its surest minutiae as the full form holds in `limit` bytes."""
    none = len(_kept(template, 0).to_bytes())
    one = len(_kept(template, 1).to_bytes()) - none
    return _kept(template, (limit - none) // one)


def _kept(template: FingerTemplate, count: int) -> FingerTemplate:
    fields = ("x", "y", "direction", "kind", "minutia_quality")
    return FingerTemplate.of(
        template.engine,
        template.width,
        template.height,
        quality=template.quality,
        **{name: getattr(template, name)[:count] for name in fields},
    )


FORMS: dict[str, Form] = {
    f"{SLOT_BYTES} bytes": partial(_compact, limit=SLOT_BYTES),
    f"{SLOT_BYTES} bytes, full form": partial(_full, limit=SLOT_BYTES),
    **{f"{limit} bytes": partial(_compact, limit=limit) for limit in SMALLER},
    **{f"{limit} bytes, full form": partial(_full, limit=limit) for limit in SMALLER},
    **{
        form.value: partial(_in_format, form=form)
        for form in (Format.ISO_2005, Format.ANSI_2004, Format.ISO_CARD_NORMAL, Format.ISO_CARD_COMPACT)
    },
}
"""Those of 2011 and 2009 round as those of 2005 and 2004 do."""


@dataclass(frozen=True)
class Figure:
    """A figure of one form of one set: its value, and what it is in each draw of the bootstrap."""

    set: str
    form: str
    metric: str
    value: float
    drawn: Sequence[float]
    n: int

    def result(self) -> Result:
        """With its interval; without one where no draw differs from another."""
        low = high = None
        if max(self.drawn) > min(self.drawn):
            low, high = (float(edge) for edge in np.percentile(self.drawn, (50 * (1 - LEVEL), 50 * (1 + LEVEL))))
        return Result(f"{self.set}/{self.form}", self.metric, float(self.value), low, high, FRACTION, self.n)


def losses(captures: CaptureSet, templates: Mapping[str, FingerTemplate]) -> list[Figure]:
    """The rates of one set's templates as they were made, and what they lose in each of FORMS."""
    names = dict.fromkeys(captures.mated(), True)
    non_mated = captures.non_mated()
    names |= dict.fromkeys(non_mated[:: -(-len(non_mated) // MOST_NON_MATED)], False)
    pairs = [(pair, mated) for pair, mated in names.items() if templates.keys() >= set(pair)]
    seed = zlib.crc32(captures.name.encode())
    made = _rates(templates, pairs, seed)
    count = sum(mated for _, mated in pairs)
    figures = [Figure(captures.name, AS_MADE, rate, *found, count) for rate, found in made.items()]
    for name, form in track(FORMS.items(), f"{captures.name}: forms", total=len(FORMS)):
        written = {sample: form(template) for sample, template in templates.items()}
        for rate, (value, drawn) in _rates(written, pairs, seed).items():
            as_made, drawn_as_made = made[rate]
            differences = np.subtract(drawn, drawn_as_made).tolist()
            figures.append(Figure(captures.name, name, f"{rate}_loss", value - as_made, differences, count))
        shortened = float(np.mean([len(written[sample]) < len(template) for sample, template in templates.items()]))
        figures.append(Figure(captures.name, name, "shortened", shortened, [shortened], len(templates)))
    return figures


def means(figures: Sequence[Figure]) -> list[Figure]:
    """The unweighted means over the sets, of every form. The sets' draws are independent: so are the means' draws."""
    groups: dict[tuple[str, str], list[Figure]] = {}
    for figure in figures:
        groups.setdefault((figure.form, figure.metric), []).append(figure)
    return [
        Figure(
            "mean",
            form,
            metric,
            float(np.mean([figure.value for figure in group])),
            np.mean([figure.drawn for figure in group], axis=0).tolist(),
            sum(figure.n for figure in group),
        )
        for (form, metric), group in groups.items()
    ]


def _rates(
    templates: Mapping[str, FingerTemplate], pairs: Sequence[tuple[tuple[str, str], bool]], seed: int
) -> dict[str, tuple[float, list[float]]]:
    """Each rate, and what it is in each draw. The draws are the same for the same fingers, whatever the scores."""
    prepared = {name: PreparedFinger.of(template) for name, template in templates.items()}
    rows = [ScoreRow(a, b, mated, matcher.score(prepared[b], prepared[a])) for (a, b), mated in pairs]
    comparisons = comparisons_of(rows, finger_of)
    drawn: dict[str, list[float]] = {rate: [] for rate in RATES}

    def noting(curve: Curve, rate: str) -> float:
        drawn[rate].append(RATES[rate](curve))
        return drawn[rate][-1]

    statistics = {rate: partial(noting, rate=rate) for rate in RATES}
    intervals(comparisons, statistics, replicates=REPLICATES, seed=seed)
    curve = comparisons.curve()
    return {rate: (statistic(curve), drawn[rate]) for rate, statistic in RATES.items()}
