"""A calibration of an engine from score files: fitted, judged on people who were left out, with its provenance."""

import platform
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any

from api.evaluation import files
from api.evaluation.engines import modality_of
from api.evaluation.fitted import PEOPLE
from api.evaluation.subjects import Modality, comparisons_of, subject_names, told_by_names
from api.matching.calibrations import PACKS, pack_facts
from biometrics.scoring.calibration import Calibration
from biometrics.scoring.fit import ScoreSet, fit
from biometrics.scoring.folds import sketch, subject_key
from biometrics.scoring.held_out import Finding, by_sets, by_subjects, findings


class ScoresOfAnotherEngine(Exception):
    """A score file names another engine, or version of it, than the one to calibrate; the text says which."""


@dataclass(frozen=True)
class Calibrated:
    """The calibration, and how calibrations did that had not seen the people they were judged on."""

    calibration: Calibration
    judged: list[Finding]


def read_set(path: Path, engine: str, modality: Modality | None) -> ScoreSet:
    """One score file as a set that counts as much as it has subjects.

    Without `modality` the engine tells how names are read, or the names themselves. Raises `ScoresOfAnotherEngine`,
    `SubjectsUnclear`, `FileMalformed`, ValueError where a kind of pair is missing, OSError.
    """
    named = files.read_engine(path)
    if named not in (None, engine):
        raise ScoresOfAnotherEngine(
            f"{path} holds scores of the engine {named!r}, not of {engine!r}. Scores of two versions do not mean the"
            " same: compare the pairs again."
        )
    rows = files.read_scores(path)
    modality = modality or modality_of(engine) or told_by_names(rows, str(path))
    keys = tuple(subject_key(name) for name in _shortened(subject_names(rows, modality)))
    return ScoreSet(path.stem.removeprefix("scores_"), comparisons_of(rows, modality), float(len(keys)), keys)


def _shortened(names: Sequence[str]) -> Sequence[str]:
    """The subjects without the folders above them, where that leaves them apart: folders say where a run started."""
    short = [PurePosixPath(name).name for name in names]
    return short if len(set(short)) == len(names) else names


def calibrate(
    engine: str,
    sets: Sequence[ScoreSet],
    *,
    label_noise: float,
    pack: str | None,
    note: str | None,
    command: str,
    progress: Callable[[Iterable[int]], Iterable[int]],
) -> Calibrated:
    """Fit to all sets; judge by folds of people and, with several sets, by leaving sets out.

    An engine of this project runs one pack, which is noted whether it is named or not. Raises ValueError where there is
    too little to fit or to judge, or where that engine runs another pack, `ModelError` for a pack that there is not.
    """
    runs = PACKS.get(engine)
    if runs is not None and pack not in (None, runs):
        raise ValueError(f"{engine} runs the pack {runs}, not {pack}")
    noted = pack or runs
    judged = findings(by_subjects(engine, sets, label_noise=label_noise, progress=progress), "subjects")
    if len(sets) > 1:
        judged += findings(list(by_sets(engine, sets, label_noise=label_noise)), "other_sets")
    provenance = {
        "sets": [_described(one) for one in sets],
        "when": datetime.now(UTC).date().isoformat(),
        "command": command,
        "versions": {"python": platform.python_version(), "renzheng": version("renzheng"), "numpy": version("numpy")},
        "pack": None if noted is None else pack_facts(noted),
        "note": note,
        "held_out": [{key: asdict(one)[key] for key in ("set", "metric", "value", "n")} for one in judged],
    }
    return Calibrated(fit(engine, sets, label_noise=label_noise, provenance=provenance), judged)


def _described(one: ScoreSet) -> dict[str, Any]:
    comparisons = one.comparisons
    return {
        "set": one.name,
        "subjects": int(one.weight),
        PEOPLE: sketch(one.keys),
        "mated": len(comparisons.mated),
        "non_mated": len(comparisons.non_mated),
        "failures": int(sum((side == files.FAILED).sum() for side in (comparisons.mated, comparisons.non_mated))),
    }
