"""Which terminals stand out: for every rate, terminals of one channel compared with one another."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import numpy as np

from api.accountability.scorecards.figures import Place, Tally
from api.accountability.scorecards.parameters import FALSE_DISCOVERY_RATE, LEAST_PEERS
from api.accountability.scorecards.peers import Judged, judge

# Rates of which too many say that somebody has to look: cases, of trials.
RATES = {
    "face_fta": ("captures.face.failed", "captures.face"),
    "finger_fta": ("captures.fingers.failed", "captures.fingers"),
    "overrides": ("overrides", "checks.not_passed"),
    "refusals": ("checks.REFUSE", "checks"),
    "omissions": ("omissions", "transactions.required"),
}
TEST = "beta-binomial upper tail against the other terminals of the channel, Benjamini-Hochberg over all rates"


def found(tallies: Mapping[Place, Tally], channels: Mapping[UUID, str | None]) -> dict[str, Any]:
    """The judgement of all terminals, as it stands in the answer."""
    groups: dict[tuple[str, str], list[tuple[UUID, int, int]]] = defaultdict(list)
    for (_, terminal_id), tally in sorted(tallies.items(), key=lambda entry: str(entry[0][1])):
        for rate, (cases, trials) in RATES.items():
            if tally.figures[trials]:
                group = groups[rate, channels.get(terminal_id) or "either"]
                group.append((terminal_id, tally.figures[cases], tally.figures[trials]))
    judged = judge([_arrays(members) for members in groups.values()])
    return {
        "test": TEST,
        "false_discovery_rate": FALSE_DISCOVERY_RATE,
        "least_peers": LEAST_PEERS,
        "groups": [
            _group(rate, channel, members, judgements)
            for ((rate, channel), members), judgements in zip(groups.items(), judged, strict=True)
        ],
    }


def _arrays(members: list[tuple[UUID, int, int]]) -> tuple[Any, Any]:
    cases = np.array([one[1] for one in members], dtype=np.int64)
    return cases, np.array([one[2] for one in members], dtype=np.int64)


def _group(
    rate: str, channel: str, members: list[tuple[UUID, int, int]], judgements: list[Judged] | None
) -> dict[str, Any]:
    cases, trials = RATES[rate]
    shown = [
        {"terminal_id": str(terminal_id), "cases": count, "trials": total} for terminal_id, count, total in members
    ]
    if judgements is not None:
        shown = [{**one, **_judgement(judged)} for one, judged in zip(shown, judgements, strict=True)]
    return {
        "rate": rate,
        "cases": cases,
        "trials": trials,
        "channel": channel,
        # Of too few terminals nothing is said: how much terminals differ is not known.
        "judged": judgements is not None,
        "terminals": shown,
    }


def _judgement(judged: Judged) -> dict[str, Any]:
    return {
        "expected": _figure(judged.expected),
        "correlation": _figure(judged.correlation),
        "peers": judged.peers,
        "p": _figure(judged.p),
        "q": _figure(judged.q),
        "unusual": judged.unusual,
        "limits_95": list(judged.inner),
        "limits_998": list(judged.outer),
    }


def _figure(value: float) -> float:
    return float(f"{value:.4g}")
