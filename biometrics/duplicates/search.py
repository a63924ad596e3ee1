"""The first stage: which pairs of a register's records are worth an accurate comparison of their fingers?

Faces alike enough, and a sketch of a finger that brings them up to the gate; or faces so alike that they are worth it
whatever a sketch says: one finger of two may be a bad capture.

A job takes one block of records. With blocks in a ring, it compares its block with itself and with the half of the ring
that follows: every pair of records is compared in exactly one job, all jobs cost the same, none needs another's
result. What a job gives depends on the register and the rule alone, not on who does it, when, or with how many threads.

Products of whole numbers choose pairs; of these the score is computed from the vectors as templates hold them, which is
the score that a comparison gives. So what is found is exactly what a comparison of all pairs would find, but for pairs
just at the floor that rounding hides (seven standard errors, `CODE_SLACK`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from biometrics.duplicates.parameters import BLOCK, CODE_SLACK, TILE
from biometrics.duplicates.products import alike, raised, turned
from biometrics.duplicates.register import STEP, Part, Register
from biometrics.duplicates.rule import Rule
from biometrics.duplicates.sketch import calibration
from biometrics.finger.sketch import alike as alike_sketches
from biometrics.kernels.bits import one_bits
from biometrics.kernels.compiled import kernel, loose_kernel

_MOST_FINGERS = 10
_HALF_SCALE = np.float32(2.0**112)


class Suspects(NamedTuple):
    """Pairs to look at closer: positions int64 (n,) in the register, `low` < `high`, and the faces' `scores`.

    In the order of `low`, then `high`.
    """

    low: NDArray[np.int64]
    high: NDArray[np.int64]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return int(self.low.shape[0])


class Engine(Protocol):
    """What does the jobs of a search, in whatever order; every engine gives the same suspects of a job."""

    def run(self, jobs: Iterable[int]) -> Iterator[tuple[int, Suspects]]:
        """Do the jobs of these numbers (0 .. `Register.jobs` - 1), and give each with its suspects as it ends."""


class Local:
    """The engine of one machine: `threads` threads, each with a core of its own."""

    def __init__(self, register: Register, rule: Rule, *, threads: int = 1) -> None:
        if threads < 1:
            raise ValueError(f"{threads} threads")
        self._register, self._rule, self._threads = register, rule, threads

    def run(self, jobs: Iterable[int]) -> Iterator[tuple[int, Suspects]]:
        """One job after the other, whose blocks the threads share."""
        register, rule = self._register, self._rule
        with ThreadPoolExecutor(self._threads) as pool:
            for job in jobs:
                probes = block(register, job)
                others = [block(register, number) for number in partners(register.jobs, job)]
                parts = pool.map(lambda references, mine=probes: compare(mine, references, rule), others)
                yield job, merged(list(parts))


def block(register: Register, number: int) -> Part:
    """The records of one block."""
    return register.part(number * BLOCK, min((number + 1) * BLOCK, len(register)))


def partners(blocks: int, job: int) -> list[int]:
    """The blocks that a job compares its own with, itself first. Raises ValueError for a job that there is none of."""
    if not 0 <= job < blocks:
        raise ValueError(f"job {job} of {blocks}")
    # With an even number of blocks the one opposite is met from both sides: the earlier one takes it.
    ahead = [step for step in range(blocks // 2 + 1) if 2 * step != blocks or step == 0 or job < step]
    return [(job + step) % blocks for step in ahead]


def job_of(blocks: int, first: int, second: int) -> int:
    """The job that compares the records at two positions."""
    one, other = first // BLOCK, second // BLOCK
    return one if other in partners(blocks, one) else other


def compare(probes: Part, references: Part, rule: Rule) -> Suspects:
    """The suspects of two blocks; of one and the same, each pair of its records once."""
    floors = np.array([rule.floor(fingers) for fingers in range(_MOST_FINGERS + 1)], np.float32)
    least = int(np.floor((float(floors.min()) - CODE_SLACK) / float(STEP) ** 2))
    same, parts = probes.first == references.first, []
    rows = {row: raised(probes.codes[row : row + TILE]) for row in range(0, probes.size, TILE)}
    for column in range(0, references.size, TILE):
        codes = references.codes[column : column + TILE]
        columns = turned(codes)
        for row, mine in rows.items():
            if same and row > column:
                continue  # of the same records: these pairs are those of the tile opposite
            places = alike(mine, columns, len(codes), least).astype(np.int64) + np.array([row, column])
            if same and row == column:
                places = places[places[:, 0] < places[:, 1]]
            parts.append(_exactly(probes, references, places, rule, floors))
    return merged(parts)


def merged(parts: list[Suspects]) -> Suspects:
    """The suspects of several parts in their order."""
    if not parts:
        return Suspects(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
    low, high, scores = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((high, low))
    return Suspects(low[order], high[order], scores[order])


def _exactly(
    probes: Part, references: Part, places: NDArray[np.int64], rule: Rule, floors: NDArray[np.float32]
) -> Suspects:
    """Those of the pairs at `places` (n, 2) that are suspects, by their faces and the sketches of their fingers."""
    scores = np.empty(len(places), np.float32)
    _score(probes.halves.view(np.uint16), references.halves.view(np.uint16), places, scores)
    keep = np.zeros(len(places), np.bool_)
    _reach(probes.held, references.held, places, scores, floors, keep)
    places, scores = places[keep], scores[keep]
    kept = _sketches_agree(probes, references, places, scores, rule) | (scores >= floors[0])
    pairs = places[kept] + np.array([probes.first, references.first])
    return Suspects(pairs.min(axis=1), pairs.max(axis=1), scores[kept])


def _sketches_agree(
    probes: Part, references: Part, places: NDArray[np.int64], scores: NDArray[np.float32], rule: Rule
) -> NDArray[np.bool_]:
    """Which pairs' sketches bring the evidence up to the gate, or are not asked: the faces alone are worth a look."""
    if rule.finger is None or not len(places):
        return np.zeros(len(places), np.bool_)
    kept: NDArray[np.bool_] = scores >= rule.unsketched
    first, second = probes.sketched[places[:, 0]], references.sketched[places[:, 1]]
    # Of faces so little alike that the best sketch could not bring them up, none is compared: a fifth, in a million.
    faces, best = rule.face.llr_of(scores), float(calibration().llr.max())
    hopeful = (first == second) & (first >= 0) & ~kept & (faces + best >= rule.gate)
    likeness = np.empty(int(hopeful.sum()), np.float32)
    alike_sketches(probes.sketches, references.sketches, places[hopeful], likeness)
    kept[hopeful] = faces[hopeful] + calibration().llr_of(likeness) >= rule.gate
    return kept


@kernel
def _score(
    probes: NDArray[np.uint16],
    references: NDArray[np.uint16],
    places: NDArray[np.int64],
    scores: NDArray[np.float32],
) -> None:
    """Inner products of pairs of rows (N, D) of half precision, seen as bits; how: `biometrics.gallery.exact`."""
    bits = np.empty((2, probes.shape[1]), np.uint32)
    numbers = bits.view(np.float32)
    for index in range(len(places)):
        for side in range(2):
            row = probes[places[index, 0]] if side == 0 else references[places[index, 1]]
            for one in range(len(row)):
                half = np.uint32(row[one])
                sign = (half & np.uint32(0x8000)) << np.uint32(16)
                bits[side, one] = sign | ((half & np.uint32(0x7FFF)) << np.uint32(13))
            # Before the products, which are made in any order: that of two numbers so small would be 0.
            for one in range(len(row)):
                numbers[side, one] *= _HALF_SCALE
        scores[index] = _product(numbers[0], numbers[1])


@loose_kernel
def _product(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    total = np.float32(0)
    for one in range(len(first)):
        total += first[one] * second[one]
    return float(total)


@kernel
def _reach(
    probes: NDArray[np.uint16],
    references: NDArray[np.uint16],
    places: NDArray[np.int64],
    scores: NDArray[np.float32],
    floors: NDArray[np.float32],
    keep: NDArray[np.bool_],
) -> None:
    """Which scores reach the floor of pairs with so many fingers of the same positions."""
    for index in range(len(places)):
        both = np.uint64(probes[places[index, 0]] & references[places[index, 1]])
        keep[index] = scores[index] >= floors[one_bits(both)]
