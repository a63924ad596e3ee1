"""Fit a calibration to score files, judge it on people it has not seen, and write it as the service reads it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.common.machine import describe_pack, describe_versions
from benchmarks.common.progress import say, track
from benchmarks.common.report import Result, command_line, print_table, write_json
from benchmarks.scores.held_out import held_out_results
from benchmarks.scores.score_sets import describe, read_set
from biometrics.scoring.fit import fit
from biometrics.scoring.held_out import FOLDS, by_sets, by_subjects


def run(
    engine: str,
    scores: Sequence[Path],
    vectors: Path | None,
    label_noise: float,
    pack: str | None,
    note: str | None,
    out: Path,
    json_path: Path | None,
) -> None:
    """Write the calibration of `engine` to `out`; print and (with `json_path`) write how it does on held-out people."""
    sets = [read_set(path, vectors=vectors) for path in scores]
    say(f"Fitting {engine} to {len(sets)} sets")
    folds = by_subjects(engine, sets, label_noise=label_noise, progress=_told)
    judged = held_out_results(folds, "subjects")
    if len(sets) > 1:
        judged += held_out_results(list(by_sets(engine, sets, label_noise=label_noise)), "other_sets")
    provenance = {
        "sets": describe(sets),
        "when": datetime.now(UTC).date().isoformat(),
        "command": command_line(),
        "versions": describe_versions(),
        "pack": None if pack is None else describe_pack(pack),
        "note": note,
        "held_out": [_brief(result) for result in judged],
    }
    calibration = fit(engine, sets, label_noise=label_noise, provenance=provenance)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(calibration.to_json(), encoding="utf-8")
    print_table(judged, title=f"{engine}: judged on people who were not fitted on")
    if json_path is not None:
        write_json(json_path, "calibrate", judged)


def _told(folds: Iterable[int]) -> Iterable[int]:
    return track(folds, "Held-out subjects", total=FOLDS)


def _brief(result: Result) -> dict[str, str | float | int]:
    return {"set": result.set, "metric": result.metric, "value": float(f"{result.value:.4g}"), "n": result.n}
