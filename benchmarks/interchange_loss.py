"""What our templates lose when they are written in another form, the second part of `benchmarks.interchange`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from benchmarks.fingerprint_set import CaptureSet
from benchmarks.progress import say, track
from benchmarks.rates import comparisons_of, mean_results
from benchmarks.report import FRACTION, Result, ScoreRow
from benchmarks.subjects import finger_of
from biometrics.finger import FingerTemplate, PreparedFinger, matcher
from biometrics.finger.interchange import Format, read, write
from biometrics.finger.parameters import SLOT_BYTES
from biometrics.scoring.bootstrap import REPLICATES, Comparisons, intervals
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


def losses(captures: CaptureSet, templates: Mapping[str, FingerTemplate]) -> list[Result]:
    """The rates of one set's templates as they were made, and what they lose in each of FORMS."""
    names = dict.fromkeys(captures.mated(), True)
    non_mated = captures.non_mated()
    names |= dict.fromkeys(non_mated[:: -(-len(non_mated) // MOST_NON_MATED)], False)
    pairs = [(pair, mated) for pair, mated in names.items() if templates.keys() >= set(pair)]
    made = _compare(templates, pairs)
    say(f"{captures.name}: drawing fingers for the intervals ...")
    drawn = _drawn(made)
    results = [
        _result(captures.name, AS_MADE, rate, statistic(made.curve()), drawn[rate], made)
        for rate, statistic in RATES.items()
    ]
    for name, form in track(FORMS.items(), f"{captures.name}: forms", total=len(FORMS)):
        written = {sample: form(template) for sample, template in templates.items()}
        shortened = np.mean([len(written[sample]) < len(template) for sample, template in templates.items()])
        again = _compare(written, pairs)
        redrawn = _drawn(again)
        for rate, statistic in RATES.items():
            loss = statistic(again.curve()) - statistic(made.curve())
            differences = np.subtract(redrawn[rate], drawn[rate]).tolist()
            results.append(_result(captures.name, name, f"{rate}_loss", loss, differences, again))
        results.append(
            Result(f"{captures.name}/{name}", "shortened", float(shortened), None, None, FRACTION, len(templates))
        )
    return results


def means(results: Sequence[Result]) -> list[Result]:
    """The means over the sets, of every form."""
    found = []
    for name in (AS_MADE, *FORMS):
        rows = [row for row in results if row.set.endswith(f"/{name}")]
        metrics = list(dict.fromkeys(row.metric for row in rows))
        found += mean_results(rows, metrics, name=f"mean/{name}")
    return found


def _compare(templates: Mapping[str, FingerTemplate], pairs: Sequence[tuple[tuple[str, str], bool]]) -> Comparisons:
    prepared = {name: PreparedFinger.of(template) for name, template in templates.items()}
    rows = [ScoreRow(a, b, mated, matcher.score(prepared[b], prepared[a])) for (a, b), mated in pairs]
    return comparisons_of(rows, finger_of)


def _drawn(comparisons: Comparisons) -> dict[str, list[float]]:
    """The rates in each draw of the bootstrap. The draws are the same for the same fingers, whatever the scores."""
    drawn: dict[str, list[float]] = {rate: [] for rate in RATES}

    def noting(curve: Curve, rate: str) -> float:
        drawn[rate].append(RATES[rate](curve))
        return drawn[rate][-1]

    intervals(comparisons, {rate: partial(noting, rate=rate) for rate in RATES}, replicates=REPLICATES)
    return drawn


def _result(name: str, form: str, metric: str, value: float, drawn: Sequence[float], made: Comparisons) -> Result:
    """A figure with its interval; without one where no draw differs from another."""
    low = high = None
    if max(drawn) > min(drawn):
        low, high = (float(edge) for edge in np.percentile(drawn, (50 * (1 - LEVEL), 50 * (1 + LEVEL))))
    return Result(f"{name}/{form}", metric, float(value), low, high, FRACTION, len(made.mated))
