"""The pairs of a folder of images: who is who is told by the names, as everywhere in an evaluation."""

from collections import defaultdict
from itertools import combinations
from pathlib import Path

import numpy as np

from api.evaluation.files import Pair
from api.evaluation.subjects import IMAGE_SUFFIXES, Modality, subject_of


def pairs_below(folder: Path, modality: Modality, *, most: int, seed: int) -> list[Pair]:
    """All mated pairs of the images below a folder, and all non-mated ones or, of more than `most`, a drawn part.

    The draw is the same for the same images and seed.
    """
    names = sorted(
        str(path.relative_to(folder).as_posix()) for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES
    )
    of_subject: dict[str, list[str]] = defaultdict(list)
    for name in names:
        of_subject[subject_of(name, modality)].append(name)
    mated = [Pair(*pair, True) for own in of_subject.values() for pair in combinations(own, 2)]
    subject = np.array([subject_of(name, modality) for name in names])
    count = len(names) * (len(names) - 1) // 2 - len(mated)
    if count <= most:
        others = [
            Pair(*pair, False)
            for pair in combinations(names, 2)
            if subject_of(pair[0], modality) != subject_of(pair[1], modality)
        ]
        return mated + others
    return mated + _drawn(names, subject, most, np.random.default_rng(seed))


def _drawn(
    names: list[str], subject: "np.ndarray[tuple[int], np.dtype[np.str_]]", most: int, random: np.random.Generator
) -> list[Pair]:
    chosen: dict[tuple[int, int], None] = {}
    while len(chosen) < most:
        first, second = random.integers(len(names), size=(2, most))
        for one, other in zip(first.tolist(), second.tolist(), strict=True):
            if one < other and subject[one] != subject[other] and len(chosen) < most:
                chosen[one, other] = None
    return [Pair(names[one], names[other], False) for one, other in sorted(chosen)]
