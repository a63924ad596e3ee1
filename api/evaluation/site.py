"""The report of a live site: one page and its plot, of what the evidence tells."""

from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np

from api.evaluation import html, plots
from api.evaluation.dossier import Dossier
from api.evaluation.evidence import OUTCOMES, Site, Tally
from biometrics.scoring.support import interval_text, per_cent_text, rate_text, share_interval

PLACES_SHOWN = 50


def of_site(site: Site, name: str) -> Dossier:
    """Decisions, failures by cause and stated ratios of a live site."""
    facts = [
        ("verifications", f"{site.whole.verifications:,}"),
        ("from", _moment(site.first)),
        ("to", _moment(site.last)),
        ("policy versions", ", ".join(f"{version} ({count:,})" for version, count in site.policies.most_common())),
        ("engines", ", ".join(f"{engine} ({count:,})" for engine, count in site.engines.most_common())),
        ("calibrations", ", ".join(f"{one} ({count:,})" for one, count in site.calibrations.most_common())),
        ("leaves of other kinds", f"{site.others:,}"),
        *((f"leaves withheld: {reason}", f"{count:,}") for reason, count in site.withheld.most_common()),
    ]
    parts = [
        html.facts(facts),
        html.note(
            "Who was really the holder the evidence cannot know: these are no error rates, but what the service did."
            " Institutions and terminals stand there by their ids; whose they are, `renzheng institutions list` and"
            " `renzheng terminals list` tell at the site."
        ),
        html.heading("Decisions"),
        _decisions({"all": site.whole}, "where"),
        html.heading("Failures by cause"),
        _site_failures(site.whole),
    ]
    drawn = [plots.stated(site.ratios)] if any(site.ratios.values()) else []
    for plot in drawn:
        parts += [html.heading("Stated log-likelihood ratios"), html.figure(plot)]
    for place, tallies in site.places.items():
        shown = dict(sorted(tallies.items(), key=lambda item: -item[1].verifications)[:PLACES_SHOWN])
        parts += [html.heading(f"By {place}"), _decisions(shown, place)]
        if len(shown) < len(tallies):
            parts.append(html.note(f"The {len(shown)} busiest of {len(tallies):,}."))
    return Dossier(html.page(f"Site report: {name}", parts), drawn)


def _moment(at: str) -> str:
    """A leaf's time in UTC, to the second; as it stands there where it is none."""
    try:
        return datetime.fromisoformat(at).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except ValueError:
        return at


def _decisions(tallies: Mapping[str, Tally], place: str) -> str:
    rows = []
    for name, tally in tallies.items():
        total = tally.verifications
        shares = [_share(tally.outcomes[outcome], total) for outcome in OUTCOMES]
        failed, presented = sum(tally.failures.values()), sum(tally.presented.values())
        middle = f"{float(np.median(tally.llr)):.2f}" if tally.llr else "–"
        rows.append((name, f"{total:,}", *shares, _share(failed, presented), middle))
    return html.table(
        (place, "verifications", *(f"{outcome} %" for outcome in OUTCOMES), "captures failed %", "median LLR"), rows
    )


def _site_failures(tally: Tally) -> str:
    rows = [
        (modality, reason, f"{count:,}", _share(count, tally.presented[modality]))
        for (modality, reason), count in tally.failures.most_common()
    ]
    return html.table(("modality", "cause", "captures", "% of its modality"), rows, words=2)


def _share(count: int, total: int) -> str:
    """A share with its 95 % interval (Wilson's); without a case the rule of 3's bound."""
    if total == 0:
        return "–"
    if count in {0, total}:
        return rate_text(count / total, total)
    return f"{per_cent_text(count / total, digits=2)} ({interval_text(*share_interval(count, total), digits=2)})"
