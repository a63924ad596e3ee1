"""A small register of which everything is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from benchmarks.search.drawn_fingers import drawn, seen_again
from biometrics.duplicates import Entries, Fingers, Register, Rule, register, search
from biometrics.finger import FingerTemplate
from biometrics.scoring import Calibration
from tests.biometrics.gallery.people import directions, near

FACE, FINGER = Calibration.load("sface-2"), Calibration.load("leader-edges-2")
BLOCK = 64


@dataclass(frozen=True)
class Made:
    """The register, and the fingers of each key."""

    register: Register
    fingers: dict[int, dict[str, FingerTemplate]]

    def fetch(self, keys: Sequence[int]) -> dict[int, Fingers]:
        return {key: self.fingers[key] for key in keys}

    def rule(self, **other: float) -> Rule:
        return Rule(len(self.register), FACE, FINGER, **other)


def small_blocks(patch: pytest.MonkeyPatch, size: int = BLOCK) -> None:
    """Blocks of so few records, so that a small register has several."""
    patch.setattr(register, "BLOCK", size)
    patch.setattr(search, "BLOCK", size)


def made(folder: Path) -> Made:
    """300 records under every third number. By position: 0 and 299 are one person with two fingers in both records; 1
    and 298 are twins; 2 and 297 are one person without fingers; 3 and 296 one person with a bad capture of one finger.
    """
    draw = np.random.default_rng(5)
    vectors = directions(300)
    for first, second in ((0, 299), (1, 298), (2, 297), (3, 296)):
        vectors[second] = near(vectors[first : first + 1], 0.8 if first else 0.45, seed=second)[0]
    keys = 3 * np.arange(300)
    fingers = {key: _two(7 * key) for key in keys.tolist()}
    fingers[3 * 2] = fingers[3 * 297] = {}
    fingers[3 * 299] = {at: seen_again(one, draw) for at, one in fingers[0].items()}
    fingers[3 * 296] = {**_two(1_000_000), "right_thumb": seen_again(fingers[9]["right_thumb"], draw)}
    blocks = [Entries(keys[i : i + 70], vectors[i : i + 70], [fingers[key] for key in keys[i : i + 70].tolist()])
              for i in range(0, 300, 70)]  # fmt: skip
    return Made(Register.build(folder, FACE.engine, blocks, threads=2), fingers)


def _two(number: int) -> dict[str, FingerTemplate]:
    return {"right_thumb": drawn(number), "left_thumb": drawn(number + 1)}
