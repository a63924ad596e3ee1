"""What nobody would scan: patterns, made-up templates, other processes."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray

from biometrics.errors import NotAssessable
from biometrics.finger import FingerEngine, FingerTemplate, PreparedFinger, consolidation, matcher
from biometrics.finger.parameters import ENGINE, MAX_MINUTIAE, MIN_CONSOLIDATION_SCORE
from biometrics.finger.search import Gallery
from biometrics.finger.synthesis import generate
from tests.biometrics.finger.points import random_finger

SIDE = 384
DOWN, ACROSS = np.mgrid[:SIDE, :SIDE]
RNG = np.random.default_rng(7)


@pytest.fixture(scope="module")
def engine() -> FingerEngine:
    return FingerEngine.open()


def grey(wave: NDArray[np.float64]) -> NDArray[np.uint8]:
    return (128 + 100 * wave).clip(0, 255).astype(np.uint8)


def ridge_like_noise() -> NDArray[np.uint8]:
    """Noise with the wavelengths of ridges and no direction."""
    waves = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE)))
    noise = np.fft.ifft2(np.fft.fft2(RNG.standard_normal((SIDE, SIDE))) * np.exp(-(((waves - 1 / 9) / 0.02) ** 2))).real
    return grey(0.6 * noise / noise.std())


PATTERNS = {
    "stripes": grey(np.sin(2 * np.pi * ACROSS / 9)),
    "stripes in noise": grey(np.sin(2 * np.pi * ACROSS / 9) + RNG.normal(0, 0.6, (SIDE, SIDE))),
    "rings": grey(np.sin(2 * np.pi * np.hypot(DOWN - 192, ACROSS - 192) / 9)),
    "squares": grey(np.where((DOWN // 8 + ACROSS // 8) % 2, 1.0, -1.0)),
    "two halves": grey(np.where(ACROSS < 192, 1.0, -1.0)),
    "ridge-like noise": ridge_like_noise(),
    "faint noise": grey(RNG.normal(0, 0.15, (SIDE, SIDE))),
    "a line of pixels": RNG.integers(0, 256, (1, 500), dtype=np.uint8),
    "a pixel": np.zeros((1, 1), np.uint8),
    "nothing": np.zeros((0, 0), np.uint8),
}


@pytest.mark.parametrize("name", PATTERNS)
def test_patterns_are_no_finger(engine: FingerEngine, name: str) -> None:
    with pytest.raises(NotAssessable) as raised:
        engine.extract_pixels(PATTERNS[name])
    assert raised.value.reason == "no_finger"


@pytest.mark.parametrize("side", [2, 15, 16, 17, 31, 33, 63, 64, 65, 97])
def test_small_pictures_of_any_size_are_taken(engine: FingerEngine, side: int) -> None:
    for height, width in ((side, side), (side, 200), (200, side)):
        cut = np.ascontiguousarray(generate(1, 0)[120 : 120 + height, 100 : 100 + width])
        reason = "a template"
        try:
            engine.extract_pixels(cut)
        except NotAssessable as error:
            reason = error.reason
        assert reason in {"a template", "no_finger", "low_quality", "wrong_dpi"}


def test_a_view_of_any_layout_gives_the_same_template(engine: FingerEngine) -> None:
    print_ = generate(2, 0)
    expected = engine.extract_pixels(print_).to_bytes()
    inside = np.zeros((2 * print_.shape[0], 3 * print_.shape[1]), np.uint8)
    inside[::2, ::3] = print_
    for view in (np.asfortranarray(print_), inside[::2, ::3], print_[::-1, ::-1].copy()[::-1, ::-1]):
        assert engine.extract_pixels(view).to_bytes() == expected


def test_a_picture_and_its_parts_are_one_finger(engine: FingerEngine) -> None:
    print_ = generate(3, 0)
    whole, other = engine.extract_pixels(print_), engine.extract_pixels(generate(4, 0))
    rows, columns = print_.shape[0] // 2, print_.shape[1] // 2
    for part in (print_[:rows], print_[rows:], print_[:, :columns], np.roll(print_, (40, -30), (0, 1))):
        scrap = engine.extract_pixels(np.ascontiguousarray(part))
        assert engine.compare(scrap, whole) > MIN_CONSOLIDATION_SCORE > engine.compare(scrap, other) + 10
    mirrored = engine.extract_pixels(np.ascontiguousarray(print_[:, ::-1]))
    assert engine.compare(mirrored, whole) < MIN_CONSOLIDATION_SCORE


def template(x: object, y: object, direction: object) -> FingerTemplate:
    count = len(np.asarray(x))
    return FingerTemplate.of(
        ENGINE, 500, 500, x=np.asarray(x), y=np.asarray(y), direction=np.asarray(direction),
        kind=np.ones(count, np.uint8), minutia_quality=np.full(count, 100), quality=100,
    )  # fmt: skip


def lattice(step: float) -> FingerTemplate:
    x, y = (step * axis.ravel() for axis in np.meshgrid(np.arange(10), np.arange(10)))
    return template(x, y, np.zeros(100))


TURNS = 2 * np.pi * np.arange(100) / 100
MADE_UP = {
    "a wide lattice": lattice(40),
    "a narrow lattice": lattice(5),
    "a ring": template(250 + 200 * np.cos(TURNS), 250 + 200 * np.sin(TURNS), TURNS),
    "a line": template(4 * np.arange(100), np.full(100, 50), np.zeros(100)),
    "one spot": template(np.full(100, 99), np.full(100, 99), np.zeros(100)),
    "one spot, all directions": template(np.full(100, 99), np.full(100, 99), TURNS),
    "a crowd": template(RNG.uniform(200, 260, 100), RNG.uniform(200, 260, 100), RNG.uniform(0, 6.2, 100)),
    "nothing": template([], [], []),
    "five": random_finger(5, 5),
}


@pytest.mark.parametrize("name", MADE_UP)
def test_made_up_minutiae_are_nobodys_finger(name: str) -> None:
    """As many as a template holds, laid so that many edges agree: they reach no score that would identify anybody."""
    wolf = PreparedFinger.of(MADE_UP[name])
    fingers = [PreparedFinger.of(random_finger(seed, count)) for seed, count in ((1, 12), (2, 30), (3, 60), (4, 100))]
    for finger in (*fingers, *(PreparedFinger.of(one) for key, one in MADE_UP.items() if key == "nothing")):
        for score in (matcher.score(wolf, finger), matcher.score(finger, wolf)):
            assert 0 <= score < MIN_CONSOLIDATION_SCORE
    itself = matcher.score(wolf, wolf)
    assert np.isfinite(itself)
    assert FingerTemplate.from_bytes(wolf.template.to_bytes()).to_bytes() == wolf.template.to_bytes()


def test_made_up_minutiae_are_searched_and_consolidated() -> None:
    gallery = Gallery.of(MADE_UP.values())
    for one in MADE_UP.values():
        found = gallery.search(PreparedFinger.of(one), 5)
        assert len(found) == 5
        assert all(np.isfinite(candidate.score) for candidate in found)
    for names in (
        ("a wide lattice", "a wide lattice"),
        ("a ring", "one spot"),
        ("nothing", "a line"),
        ("five", "nothing"),
    ):
        made = consolidation.consolidate([MADE_UP[name] for name in names]).template
        assert len(made) <= MAX_MINUTIAE


ELSEWHERE = """
import hashlib
from biometrics.finger import FingerEngine, matcher, PreparedFinger
from biometrics.finger.synthesis import generate
engine = FingerEngine.open()
made = [engine.extract_pixels(generate(5, impression)) for impression in (0, 1)]
print(hashlib.sha256(made[0].to_bytes() + made[1].to_bytes()).hexdigest(), engine.compare(made[0], made[1]).hex())
"""


def test_another_process_makes_the_same_template_and_score(engine: FingerEngine) -> None:
    made = [engine.extract_pixels(generate(5, impression)) for impression in (0, 1)]
    here = hashlib.sha256(made[0].to_bytes() + made[1].to_bytes()).hexdigest(), engine.compare(*made).hex()
    done = subprocess.run([sys.executable, "-c", ELSEWHERE], capture_output=True, text=True, check=True)
    assert tuple(done.stdout.split()) == here
