"""Of whom a sample is, by its name. Intervals draw subjects, so that the comparisons of one are not taken for many."""

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Literal

from api.evaluation.files import FAILED, Scored
from biometrics.scoring.bootstrap import Comparisons

Modality = Literal["face", "finger"]

IMAGE_SUFFIXES = frozenset({".png", ".bmp", ".tif", ".tiff", ".jpg", ".jpeg", ".jp2", ".wsq"})


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


def misnamed(rows: Iterable[Scored], modality: Modality | None) -> int:
    """How many mated pairs have two subjects by their names: with some, the intervals draw the wrong groups."""
    return sum(
        row.pair.mated and subject_of(row.pair.reference, modality) != subject_of(row.pair.probe, modality)
        for row in rows
    )


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
