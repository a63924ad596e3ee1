"""Folds that never have one person on both sides, so that what was tuned on is not what is tested on."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from biometrics.scoring.bootstrap import Comparisons

SKETCHED = 64
SKETCH_DIGITS = 6


@dataclass(frozen=True)
class Accuracy:
    """Balanced accuracy, 1 - (FMR + FNMR) / 2: the mean of the folds' values, and the folds' values themselves."""

    mean: float
    folds: NDArray[np.float64]


def subject_folds(comparisons: Comparisons, folds: int = 10) -> NDArray[np.int32]:
    """A fold for each subject (S,), so that no listed comparison joins two folds.

    Subjects that meet in a comparison share a fold: the connected components of the pair list, the largest first, go to
    the fold with the fewest comparisons. Raises ValueError when there are fewer components than folds (as with every
    pair listed): then no such folds exist, and `random_subject_folds` is the one to use.
    """
    root = _components(comparisons.non_mated_subjects, comparisons.subjects)
    load = np.bincount(root[comparisons.mated_subject], minlength=len(root))
    load += np.bincount(root[comparisons.non_mated_subjects[:, 0]], minlength=len(root))
    components = np.unique(root)
    if len(components) < folds:
        raise ValueError(f"the pairs join the subjects into {len(components)} groups, fewer than {folds} folds")
    fold_of = np.zeros(len(root), np.int32)
    filled = np.zeros(folds)
    for component in components[np.argsort(-load[components], kind="stable")]:
        fold = int(np.argmin(filled))
        fold_of[component] = fold
        filled[fold] += load[component]
    return fold_of[root]


def random_subject_folds(subjects: int, folds: int, *, seed: int = 0) -> NDArray[np.int32]:
    """A fold for each of `subjects`, equal in size; a non-mated comparison across two folds belongs to neither."""
    return (np.random.default_rng(seed).permutation(subjects) % folds).astype(np.int32)


def subject_key(name: str) -> str:
    """A subject's name as 16 hexadecimal digits (BLAKE2b): what lists of subjects are written with."""
    return blake2b(name.encode(), digest_size=8).hexdigest()


def short_key(name: str) -> str:
    """The first digits of a subject's key: so few that many names share them, where names may be personal numbers."""
    return subject_key(name)[:SKETCH_DIGITS]


def sketch(keys: Sequence[str]) -> list[str]:
    """Of the subjects' keys, cut to their first digits, the lowest 64, rising: to tell later whether people meet again.

    They are as good as drawn at random, and the same ones in every list that the subjects stand in (bottom-k sketch:
    Cohen and Kaplan, "Summarizing data using bottom-k sketches", PODC 2007).
    """
    return sorted({key[:SKETCH_DIGITS] for key in keys})[:SKETCHED]


def hashed_folds(keys: Sequence[str], folds: int, *, salt: str = "") -> NDArray[np.int32]:
    """A fold for each subject by its key, equal in size: anybody can compute it again, in whatever order they stand.

    The keys, hashed once more with the salt where there is one, are put in order and dealt out in turn. A non-mated
    comparison across two folds belongs to neither.
    """
    hashed = [subject_key(f"{salt}/{key}") if salt else key for key in keys]
    fold_of = np.zeros(len(keys), np.int32)
    fold_of[sorted(range(len(keys)), key=hashed.__getitem__)] = np.arange(len(keys)) % folds
    return fold_of


def balanced_accuracy(comparisons: Comparisons, fold_of: NDArray[np.int32]) -> Accuracy:
    """Accuracy in each fold at the threshold that was best on all other folds (the LFW protocol, over subjects)."""
    mated_fold = fold_of[comparisons.mated_subject]
    pair_folds = fold_of[comparisons.non_mated_subjects]
    values = []
    for fold in range(int(fold_of.max()) + 1):
        threshold = best_threshold(
            comparisons.mated[mated_fold != fold], comparisons.non_mated[np.all(pair_folds != fold, axis=1)]
        )
        accepted = np.mean(comparisons.mated[mated_fold == fold] >= threshold)
        rejected = np.mean(comparisons.non_mated[np.all(pair_folds == fold, axis=1)] < threshold)
        values.append((accepted + rejected) / 2)
    return Accuracy(float(np.mean(values)), np.array(values))


def best_threshold(mated: NDArray[np.float32], non_mated: NDArray[np.float32]) -> float:
    """The threshold of the highest balanced accuracy; of several, the middle of the widest gap between scores."""
    low, high = np.sort(mated), np.sort(non_mated)
    scores = np.unique(np.concatenate([low, high]))
    scores = scores[np.isfinite(scores)].astype(np.float64)
    between = np.concatenate([scores[:1] - 1, (scores[1:] + scores[:-1]) / 2, scores[-1:] + 1])
    fnmr = np.searchsorted(low, between, side="left") / len(low)
    fmr = 1 - np.searchsorted(high, between, side="left") / len(high)
    wrong = fnmr + fmr
    best = np.flatnonzero(wrong == wrong.min())
    width = np.diff(np.concatenate([scores[:1], scores, scores[-1:]]))
    return float(between[best[np.argmax(width[best])]])


def _components(pairs: NDArray[np.int32], subjects: int) -> NDArray[np.int32]:
    """The representative of each subject's connected component (union by path halving)."""
    parent = list(range(subjects))

    def find(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for first, second in np.unique(pairs, axis=0).tolist():
        parent[find(first)] = find(second)
    return np.array([find(node) for node in range(subjects)], np.int32)
