"""A live site by its own evidence: decisions, failures by cause and the ratios stated, per institution and terminal.

Read are the service's leaves, page by page, or exported ones, one JSON object a line with the leaf's text under `leaf`
(or the leaf itself). They hold
ratios and FMRs, no biometrics, no names. Who was really the holder nobody knows, so that no FMR or FNMR can be had from
them: what is shown is what the service did, and where one terminal differs from the others.
"""

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api.evaluation.files import FileMalformed

KIND = "verification"
# Why the service withholds a leaf from a key of another institution.
NOT_YOURS = "not_yours"
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
    calibrations: Counter[str]
    first: str
    last: str
    others: int
    withheld: Counter[str]


PLACES = ("institution", "terminal", "channel", "purpose")


def read_site(path: Path) -> Site:
    """Read the leaves of a file (`.gz` too). Raises `FileMalformed` with the line, OSError."""
    return site_of(((f"{path}, line {number}", row) for number, row in _rows(path)), str(path))


def pages(page: Callable[[int], dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Every leaf of a service; `page` gives the leaves from a place on, as `GET /v1/evidence/leaves` answers."""
    place = 0
    while True:
        answer = page(place)
        rows = answer["leaves"]
        yield from ((f"leaf {row['place']}", row) for row in rows)
        place += len(rows)
        if not rows or place >= answer["size"]:
            return


def site_of(rows: Iterable[tuple[str, Any]], name: str) -> Site:
    """What rows tell, each with the words for where it stands. Raises `FileMalformed`.

    A row whose leaf is withheld (of another institution, archived) is counted, with the reason.
    """
    whole, places = Tally(), {place: defaultdict[str, Tally](Tally) for place in PLACES}
    ratios: dict[str, list[float]] = defaultdict(list)
    engines, policies, calibrations, withheld = (Counter[str]() for _ in range(4))
    first, last, others = "", "", 0
    for where, row in rows:
        if isinstance(row, dict) and "withheld" in row:
            withheld[str(row["withheld"])] += 1
            continue
        leaf = _leaf(where, row)
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
            calibrations.update(f"{engine} {version}" for engine, version in leaf.get("calibrations", {}).items())
            at = str(leaf["at"])
            first, last = min(first or at, at), max(last, at)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise FileMalformed(f"{where}: not a verification's leaf of this version") from error
    if not whole.verifications:
        told = "".join(f"; {count:,} are withheld ({reason})" for reason, count in withheld.items())
        if NOT_YOURS in withheld:
            told += ". An evaluator sees the verifications of their own institution, a regulator those of all"
        raise FileMalformed(f"{name}: no leaf of a verification in it{told}")
    by_place = {place: dict(tallies) for place, tallies in places.items()}
    return Site(whole, by_place, dict(ratios), engines, policies, calibrations, first, last, others, withheld)


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    for number, line in _lines(path):
        try:
            yield number, json.loads(line)
        except (ValueError, RecursionError) as error:
            raise FileMalformed(f"{path}, line {number}: not a leaf as JSON") from error


def _leaf(where: str, row: Any) -> dict[str, Any]:
    try:
        leaf = row.get("leaf", row)
        if isinstance(leaf, str):
            leaf = json.loads(leaf)
    except (ValueError, AttributeError, RecursionError) as error:
        raise FileMalformed(f"{where}: not a leaf as JSON") from error
    if not isinstance(leaf, dict):
        raise FileMalformed(f"{where}: not a leaf as JSON")
    return leaf


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    opened = gzip.open if path.suffix == ".gz" else open
    # utf-8-sig: some editors write a byte order mark.
    with opened(path, "rt", encoding="utf-8-sig") as file:
        try:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, line
        except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
            raise FileMalformed(f"{path}: not UTF-8 text, or a damaged archive") from error
