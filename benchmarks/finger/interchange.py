"""What templates are worth that other tools made, and what ours lose in other formats and in fewer bytes.

Of others (sets `A x B`): the probe is of A, the reference of B, compared by our matcher. A is a tool that left its
templates in `DATA/templates`; B is that tool, another, or `own`: our own templates of the whole set that the prints
belong to. Pairs are those of different captures, mated where they are of one finger. `own x own` are the pairs of the
others with `own`, our template for both; `sourceafis, its own matcher` the same as SourceAFIS scored them, where
`DATA/peer_scores` has that.

* `mated_p50`, `non_mated_max`: median and highest score. `same_capture_p50`: median score of the two tools' templates
  of one and the same capture.
* `near`: share of the others' minutiae that lie within 12 pixels of one of ours, each the other's nearest. Of these:
  `ahead_px_...`, how much further on in the minutia's direction theirs lie, and `turned_deg`, by how much theirs are
  turned counter-clockwise (medians); `opposite`, the share turned by more than 150 degrees, where another convention
  would show.

Of ours (sets `SET/FORM`): every template of a set is written in a form and read again, and compared with all others
that were, too. `eer_loss` and `fmr1000_loss` are what is added to the rates of the templates `as made`, the intervals
from the same draws of fingers for both. `FORM` is one of `interchange.Format`, or a number of bytes: those of the
compact form; with `full form` those of the full one, with as many of the surest minutiae as fit. `shortened`: share of
the templates that lost minutiae. Where a set has more than 20,000 non-mated pairs, every so many of them are compared.
`mean/FORM`: over all sets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import typer

from benchmarks.common.progress import say, track
from benchmarks.common.report import FRACTION, Result, ScoreRow, print_table, read_scores, write_json
from benchmarks.common.subjects import finger_of
from benchmarks.finger.interchange_loss import losses, means
from benchmarks.finger.sets import CaptureSet, find_sets
from benchmarks.scores.rates import comparisons_of, rate_results
from biometrics.errors import NotAssessable
from biometrics.finger import FingerEngine, FingerTemplate, MinutiaKind, PreparedFinger
from biometrics.finger.interchange import read

TOOLS = {"sourceafis": "sourceafis_cbor", "fingerjetfx": "iso19794_2_fingerjet"}
OWN = "own"
RATES = ("eer", "fmr100", "zerofmr")
PEER = "sourceafis-3.18.1"
NEAR = 12.0
OPPOSITE = np.radians(150.0)

Templates = Mapping[str, FingerTemplate]
Prepared = Mapping[str, PreparedFinger]
Pairs = Sequence[tuple[str, str]]


def run(data: Path, cache: Path | None, json_path: Path | None) -> list[Result]:
    """Measure both parts on `data` (with `fingerprints` and `templates` in it); see the module's text."""
    try:
        sets = find_sets(data / "fingerprints")
        tools = {tool: _read(data / "templates" / folder) for tool, folder in TOOLS.items()}
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error)) from error
    engine = FingerEngine.open()
    engine.warm_up()
    own = {captures.name: extract(engine, captures, cache) for captures in sets}
    prints = set().union(*tools.values())
    home = next((captures for captures in sets if prints <= captures.files.keys()), None)
    if home is None:
        raise typer.BadParameter(f"{data}: no set holds all the prints of the templates")
    results = others(engine, own[home.name], tools, data / "peer_scores" / PEER / f"{home.name}.csv")
    figures = [figure for captures in sets for figure in losses(captures, own[captures.name])]
    results += [figure.result() for figure in (*figures, *means(figures))]
    print_table(results, title=engine.engine)
    if json_path:
        write_json(json_path, "interchange", results)
    return results


def _read(folder: Path) -> dict[str, FingerTemplate]:
    return {path.stem: read(path.read_bytes())[0] for path in sorted(folder.iterdir())}


def extract(engine: FingerEngine, captures: CaptureSet, cache: Path | None) -> dict[str, FingerTemplate]:
    """Our templates of a set, without the captures that give none; kept in `cache` from one run to the next."""
    found = {}
    for name, path in track(captures.files.items(), f"{captures.name}: captures", total=len(captures.files)):
        image = path.read_bytes()
        digest = hashlib.sha256(engine.engine.encode() + image).hexdigest()
        kept = None if cache is None else cache / f"{digest}.rzmt"
        if kept is not None and kept.is_file():
            found[name] = FingerTemplate.from_bytes(kept.read_bytes())
            continue
        try:
            found[name] = engine.extract(image)
        except NotAssessable as error:
            say(f"{captures.name}/{name}: {error.reason}")
            continue
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(found[name].to_bytes())
    return found


def others(engine: FingerEngine, own: Templates, tools: Mapping[str, Templates], peer_scores: Path) -> list[Result]:
    """The first part: comparisons with templates of others, and how their minutiae lie to ours."""
    ours = _prepare(engine, own)
    prints = list(next(iter(tools.values())))
    of_all = [(probe, reference) for probe in prints for reference in own if probe != reference]
    within = list(combinations(prints, 2))
    both_ways = within + [(reference, probe) for probe, reference in within]
    results = _rates(f"{OWN} x {OWN}", _scores(engine, ours, ours, of_all))
    for tool, templates in tools.items():
        theirs = _prepare(engine, templates)
        results += _rates(f"{tool} x {OWN}", _scores(engine, theirs, ours, of_all))
        results += [_same_capture(f"{tool} x {OWN}", engine, theirs, ours), *_placement(tool, templates, own)]
        results += _rates(f"{tool} x {tool}", _scores(engine, theirs, theirs, within))
    for one, two in combinations(tools, 2):
        first, second = _prepare(engine, tools[one]), _prepare(engine, tools[two])
        results += _rates(f"{one} x {two}", _scores(engine, first, second, both_ways))
        results.append(_same_capture(f"{one} x {two}", engine, first, second))
    if peer_scores.is_file():
        peer = {frozenset((row.reference, row.probe)): row for row in read_scores(peer_scores)}
        results += _rates("sourceafis, its own matcher", [peer[frozenset(pair)] for pair in of_all])
    return results


def _prepare(engine: FingerEngine, templates: Templates) -> dict[str, PreparedFinger]:
    return {name: engine.prepare_imported(template) for name, template in templates.items()}


def _scores(engine: FingerEngine, probes: Prepared, references: Prepared, pairs: Pairs) -> list[ScoreRow]:
    return [
        ScoreRow(b, a, finger_of(a) == finger_of(b), engine.compare(probes[a], references[b]))
        for a, b in pairs
        if a in probes and b in references
    ]


def _rates(name: str, rows: Sequence[ScoreRow]) -> list[Result]:
    mated = [row.score for row in rows if row.mated]
    others = [row.score for row in rows if not row.mated]
    return [
        *rate_results(name, comparisons_of(rows, finger_of), metrics=RATES),
        Result(name, "mated_p50", float(np.median(mated)), None, None, "score", len(mated)),
        Result(name, "non_mated_max", max(others), None, None, "score", len(others)),
    ]


def _same_capture(name: str, engine: FingerEngine, probes: Prepared, references: Prepared) -> Result:
    scores = [engine.compare(probe, references[capture]) for capture, probe in probes.items() if capture in references]
    return Result(name, "same_capture_p50", float(np.median(scores)), None, None, "score", len(scores))


def _placement(tool: str, theirs: Templates, own: Templates) -> list[Result]:
    """How the minutiae of others lie to ours, over all captures."""
    ahead, turned, count = [], [], 0
    for name, template in theirs.items():
        count += len(template)
        ours = own[name]
        across, down = (np.subtract.outer(getattr(template, axis), getattr(ours, axis)) for axis in ("x", "y"))
        distance = np.hypot(across, down)
        nearest = distance.argmin(axis=1)
        for i, j in enumerate(nearest):
            if distance[i, j] <= NEAR and distance[:, j].argmin() == i:
                along = np.cos(ours.direction[j]) * across[i, j] + np.sin(ours.direction[j]) * down[i, j]
                ahead.append((ours.kind[j], float(along)))
                turned.append(float(np.angle(np.exp(1j * (ours.direction[j] - template.direction[i])))))
    name, near = f"{tool} x {OWN}", len(ahead)
    placed = [
        Result(
            name,
            f"ahead_px_{kind.name.lower()}",
            float(np.median([along for found, along in ahead if found == kind])),
            None,
            None,
            "px",
            sum(bool(found == kind) for found, _ in ahead),
        )
        for kind in MinutiaKind
    ]
    return [
        Result(name, "near", near / count, None, None, FRACTION, count),
        *placed,
        Result(name, "turned_deg", float(np.degrees(np.median(turned))), None, None, "degrees", near),
        Result(name, "opposite", float(np.mean(np.abs(turned) > OPPOSITE)), None, None, FRACTION, near),
    ]
