"""A live site by its own evidence: decisions, failures by cause and the ratios stated, per institution and terminal.

Read are exported leaves, one JSON object a line with the leaf's text under `leaf` (or the leaf itself). They hold
ratios and FMRs, no biometrics, no names. Who was really the holder nobody knows, so that no FMR or FNMR can be had from
them: what is shown is what the service did, and where one terminal differs from the others.
"""

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api.evaluation.files import FileMalformed

KIND = "verification"
OUTCOMES = ("PASS", "REVIEW", "REFUSE")


@dataclass
class Tally:
    """Counts of one place (a terminal, an institution, a channel, or all)."""

    verifications: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    presented: Counter[str] = field(default_factory=Counter)
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    llr: list[float] = field(default_factory=list)

    def add(self, leaf: dict[str, Any]) -> None:
        """Count one verification. Raises KeyError, TypeError for a leaf of another form."""
        self.verifications += 1
        self.outcomes[str(leaf["decision"])] += 1
        person = leaf["person"]
        if person["llr"] is not None:
            self.llr.append(float(person["llr"]))
        for part in person["modalities"]:
            modality = str(part["modality"])
            self.presented[modality] += 1
            if part["status"] != "assessed":
                self.failures[modality, str(part.get("reason", "unknown"))] += 1


@dataclass(frozen=True)
class Site:
    """What the leaves told; `ratios` by modality, `engines` and `policies` with their counts of verifications."""

    whole: Tally
    places: dict[str, dict[str, Tally]]
    ratios: dict[str, list[float]]
    engines: Counter[str]
    policies: Counter[str]
    first: str
    last: str
    others: int


PLACES = ("institution", "terminal", "channel", "purpose")


def read_site(path: Path) -> Site:
    """Read the leaves of a file (`.gz` too). Raises `FileMalformed` with the line, OSError."""
    whole, places = Tally(), {place: defaultdict[str, Tally](Tally) for place in PLACES}
    ratios: dict[str, list[float]] = defaultdict(list)
    engines, policies, times, others = Counter[str](), Counter[str](), set[str](), 0
    for number, leaf in _leaves(path):
        if leaf.get("kind") != KIND:
            others += 1
            continue
        try:
            whole.add(leaf)
            for place, tallies in places.items():
                tallies[str(leaf[place])].add(leaf)
            for part in leaf["person"]["modalities"]:
                if part["llr"] is not None:
                    ratios[str(part["modality"])].append(float(part["llr"]))
            engines.update(leaf["engines"])
            policies[str(leaf["policy_version"])] += 1
            times.add(str(leaf["at"]))
        except (KeyError, TypeError, ValueError) as error:
            raise FileMalformed(f"{path}, line {number}: not a verification's leaf of this version") from error
    if not whole.verifications:
        raise FileMalformed(f"{path}: no leaf of a verification in it")
    by_place = {place: dict(tallies) for place, tallies in places.items()}
    return Site(whole, by_place, dict(ratios), engines, policies, min(times), max(times), others)


def _leaves(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in _lines(path):
        try:
            row = json.loads(line)
            leaf = row.get("leaf", row)
            if isinstance(leaf, str):
                leaf = json.loads(leaf)
        except (ValueError, AttributeError) as error:
            raise FileMalformed(f"{path}, line {number}: not a leaf as JSON") from error
        if not isinstance(leaf, dict):
            raise FileMalformed(f"{path}, line {number}: not a leaf as JSON")
        yield number, leaf


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        try:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line
        except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
            raise FileMalformed(f"{path}: not UTF-8 text, or a damaged archive") from error
