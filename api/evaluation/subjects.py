"""Of whom a sample is, by its name. Intervals draw subjects, so that the comparisons of one are not taken for many."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Literal, get_args

from api.evaluation.files import FAILED, Scored
from biometrics.scoring.bootstrap import Comparisons

Modality = Literal["face", "finger"]

IMAGE_SUFFIXES = frozenset({".png", ".bmp", ".tif", ".tiff", ".jpg", ".jpeg", ".jp2", ".wsq"})


class SubjectsUnclear(Exception):
    """Names tell subjects apart in two ways, and nothing says which is meant."""


@dataclass(frozen=True, slots=True)
class Misfits:
    """What names and the column `mated` say differently: `mated` pairs of two subjects, `non_mated` ones of one."""

    mated: int
    non_mated: int


@lru_cache(1 << 18)
def subject_of(sample: str, modality: Modality | None = None) -> str:
    """The subject of a sample.

    A face's is its folder, as in `Person/Person_0001.jpg`; a finger's is all before the last underscore, with the
    folder, as in `set/101_3.png`. Of unknown modality a name with a folder is a face's. A name with neither is its own.
    """
    path = PurePosixPath(sample)
    folder = "" if path.parent == PurePosixPath() else str(path.parent)
    if folder and modality != "finger":
        return folder
    stem = path.stem if path.suffix.lower() in IMAGE_SUFFIXES else path.name
    subject = stem.rpartition("_")[0] or stem
    return f"{folder}/{subject}" if folder else subject


def comparisons_of(rows: Iterable[Scored], modality: Modality | None) -> Comparisons:
    """Scores with their subjects. Raises ValueError where mated or non-mated ones are missing."""
    return Comparisons.of(
        (subject_of(row.pair.reference, modality), subject_of(row.pair.probe, modality), row.pair.mated, row.score)
        for row in rows
    )


def subject_names(rows: Iterable[Scored], modality: Modality | None) -> list[str]:
    """The names of the subjects, in the order in which `comparisons_of` numbers them."""
    names = (subject_of(name, modality) for row in rows for name in (row.pair.reference, row.pair.probe))
    return list(dict.fromkeys(names))


def misfits(rows: Iterable[Scored], modality: Modality | None) -> Misfits:
    """How many pairs the names tell otherwise than the column `mated`: with some, intervals draw the wrong groups."""
    found = Counter(
        row.pair.mated
        for row in rows
        if row.pair.mated != (subject_of(row.pair.reference, modality) == subject_of(row.pair.probe, modality))
    )
    return Misfits(found[True], found[False])


def told_by_names(rows: Sequence[Scored], name: str) -> Modality | None:
    """The one reading of the names under which they say the same of every pair as the column `mated`.

    None where both readings make the same subjects, so that it does not matter. Where neither agrees with every pair it
    is the one that contradicts fewer. Raises `SubjectsUnclear`, with the file's `name`, where both do equally well.
    """
    samples = {sample for row in rows for sample in (row.pair.reference, row.pair.probe)}
    both = {(subject_of(sample, "face"), subject_of(sample, "finger")) for sample in samples}
    if len(both) == len({face for face, _ in both}) == len({finger for _, finger in both}):
        return None
    wrong: dict[Modality, int] = {}
    for modality in get_args(Modality):
        found = misfits(rows, modality)
        wrong[modality] = found.mated + found.non_mated
    if wrong["face"] == wrong["finger"]:
        folders, fingers = (len(set(side)) for side in zip(*both, strict=True))
        raise SubjectsUnclear(
            f"{name}: is a subject a whole folder ({folders:,} subjects), or all before the last underscore of a name"
            f" ({fingers:,})? Say --modality face for the former, --modality finger for the latter; the intervals"
            " depend on it."
        )
    return min(wrong, key=wrong.__getitem__)


def failed_samples(rows: list[Scored]) -> tuple[Counter[str], int]:
    """How many samples are marked `fta` and `fte`, and how many samples there are.

    A mark stands at a comparison; the sample that failed is the one with no score anywhere. Where both have none it is
    the probe that was not acquired, or the reference that was not enrolled (ISO/IEC 19795-1).
    """
    sound = {name for row in rows if row.score != FAILED for name in (row.pair.reference, row.pair.probe)}
    failed: dict[str, str] = {}
    for row in rows:
        if row.failure is not None:
            suspects = [name for name in (row.pair.reference, row.pair.probe) if name not in sound]
            by_role = row.pair.probe if row.failure == "fta" else row.pair.reference
            failed.setdefault(suspects[0] if len(suspects) == 1 else by_role, row.failure)
    samples = {name for row in rows for name in (row.pair.reference, row.pair.probe)}
    return Counter(failed.values()), len(samples)
