"""The fingerprint generator: repeatable, varied, built like skin, and read by the engine as real prints are."""

import itertools
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from biometrics.finger import FingerEngine, FingerTemplate
from biometrics.finger.synthesis import Quality, generate, master, write_set
from biometrics.finger.synthesis.fields import generator, smooth_field
from biometrics.finger.synthesis.impression import draw_touch
from biometrics.finger.synthesis.orientation import Pattern, draw_pattern, orientation_field
from biometrics.finger.synthesis.parameters import CLASS_FREQUENCIES
from biometrics.finger.synthesis.period import period_map

SINGULAR_POINTS = {"arch": 0, "tented_arch": 1, "left_loop": 1, "right_loop": 1, "whorl": 2}


def test_prints_are_grey_pictures_of_the_asked_size() -> None:
    default = generate(1, 0)
    assert default.dtype == np.uint8
    assert default.shape == (374, 388)
    assert generate(1, 0, height=300, width=256).shape == (300, 256)


def test_ridges_are_dark_on_light_ground() -> None:
    for seed in range(1, 5):
        pixels = generate(seed, 0)
        corners = np.concatenate([pixels[:12, :12], pixels[:12, -12:], pixels[-12:, :12], pixels[-12:, -12:]])
        assert np.median(corners) > 200
        assert np.percentile(pixels[120:250, 130:260], 5) < 110


def test_the_same_seeds_give_the_same_print() -> None:
    first = generate(2, 1)
    master.cache_clear()
    np.testing.assert_array_equal(first, generate(2, 1))


def test_a_print_does_not_depend_on_what_was_made_before() -> None:
    alone = generate(3, 2)
    generate(3, 0), generate(9, 2)
    np.testing.assert_array_equal(alone, generate(3, 2))


def correlation(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def test_other_seeds_are_other_fingers() -> None:
    ridges = [master(seed).ridges for seed in range(3, 7)]
    assert max(abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) for a, b in itertools.combinations(ridges, 2)) < 0.1


def test_impressions_show_one_finger_under_different_touches() -> None:
    still = Quality(
        rotation=0, shift=0, roll=0, partial=0, distortion=0, moisture=0, noise=0, scratches=0,
        contact_width=(125, 125), contact_height=(180, 180),
    )  # fmt: skip
    assert correlation(generate(3, 0, quality=still), generate(3, 1, quality=still)) > 0.85
    assert correlation(generate(3, 0), generate(3, 1)) < 0.7


def test_harder_prints_are_further_from_the_clean_one() -> None:
    placed = Quality(rotation=0, shift=0, roll=0, partial=0, contact_width=(125, 125), contact_height=(180, 180))
    clean = generate(4, 0, quality=placed.harder(0))
    likeness = [correlation(clean, generate(4, 0, quality=placed.harder(factor))) for factor in (0.5, 1.0, 2.0)]
    assert likeness == sorted(likeness, reverse=True)


def test_rotation_keeps_to_its_limit_and_uses_it() -> None:
    rng = generator(1)
    turns = np.rad2deg([draw_touch(rng, Quality(rotation=12.0)).turn for _ in range(500)])
    assert np.abs(turns).max() == pytest.approx(20.0)
    assert 9.0 < np.std(turns) < 13.0


def test_classes_come_with_their_natural_frequencies() -> None:
    counts = Counter(draw_pattern(generator(seed)).kind for seed in range(2000))
    assert set(counts) == set(CLASS_FREQUENCIES)
    for kind, frequency in CLASS_FREQUENCIES.items():
        assert counts[kind] / 2000 == pytest.approx(frequency, abs=0.035)


def first_of(kind: str) -> tuple[Pattern, np.random.Generator]:
    for seed in range(1000):
        rng = generator(seed)
        pattern = draw_pattern(rng)
        if pattern.kind == kind:
            return pattern, rng
    raise AssertionError(kind)


def poincare_index(theta: NDArray[np.float32], x: float, y: float, radius: float) -> float:
    """Turns of the orientation along a circle walked counter-clockwise as seen: 1/2 at a core, -1/2 at a delta."""
    around = np.linspace(0, 2 * np.pi, 400)
    rows, columns = np.rint(y - radius * np.sin(around)).astype(int), np.rint(x + radius * np.cos(around)).astype(int)
    steps = np.diff(theta[rows, columns].astype(np.float64))
    return float(((steps + np.pi / 2) % np.pi - np.pi / 2).sum() / (2 * np.pi))


@pytest.mark.parametrize("kind", sorted(CLASS_FREQUENCIES))
def test_the_flow_has_the_singular_points_of_its_class(kind: str) -> None:
    pattern, rng = first_of(kind)
    theta = orientation_field(rng, pattern)
    assert len(pattern.cores) == len(pattern.deltas) == SINGULAR_POINTS[kind]
    for x, y in pattern.cores:
        assert poincare_index(theta, x, y, 6) == pytest.approx(0.5, abs=0.01)
    for x, y in pattern.deltas:
        assert poincare_index(theta, x, y, 6) == pytest.approx(-0.5, abs=0.01)
    assert poincare_index(theta, 200, 272, 195) == pytest.approx(0.0, abs=0.01)


def test_periods_are_those_of_skin() -> None:
    means = []
    for seed in range(30):
        rng = generator(seed)
        pattern = draw_pattern(rng)
        period = period_map(rng, pattern, orientation_field(rng, pattern))
        assert period.min() >= 6.5
        assert period.max() <= 11.5
        means.append(float(period.mean()))
    assert 8.2 < np.mean(means) < 9.6
    assert np.std(means) > 0.3


def test_ridges_widen_where_they_fan_out() -> None:
    """Ridges that all come from a point above the print must be further apart the further they get."""
    pattern, _ = first_of("arch")
    y, x = np.mgrid[0:544, 0:400].astype(np.float32)
    fan = np.arctan2(-(y + 150), x - 200) % np.float32(np.pi)
    straight = np.full_like(fan, np.pi / 2)
    fanned, even = (period_map(generator(5), pattern, theta)[40:500:10, 100:300] for theta in (fan, straight))
    growth = np.log(fanned / even).mean(axis=1)
    assert growth[-1] - growth[0] > 0.1
    assert (np.diff(growth) > 0).mean() > 0.9


def test_ridges_follow_the_flow() -> None:
    """The structure tensor of the ridges agrees with the orientation that they were grown from."""
    finger = master(5)
    gradient = np.gradient(finger.ridges.astype(np.float64))
    gy, gx = np.asarray(gradient[0]), np.asarray(gradient[1])
    tensors = [blocks(gx * gx), blocks(gy * gy), blocks(gx * gy)]
    # The gradient is across the ridge, and y points down: hence the half turn and the sign.
    measured = 0.5 * np.arctan2(-2 * tensors[2], tensors[0] - tensors[1]) + np.pi / 2
    difference = np.abs((measured - finger.orientation[8::16, 8::16] + np.pi / 2) % np.pi - np.pi / 2)
    assert np.rad2deg(np.median(difference)) < 3.0


def blocks(image: NDArray[np.float64]) -> NDArray[np.float64]:
    height, width = image.shape
    sums: NDArray[np.float64] = image.reshape(height // 16, 16, width // 16, 16).sum(axis=(1, 3))
    return sums


def test_smooth_fields_have_unit_deviation_at_every_scale() -> None:
    for grid in (2.0, 20.0):
        field = smooth_field(generator(7), 600, 600, grid)
        assert abs(field.mean()) < 0.15
        assert 0.85 < field.std() < 1.15


def test_without_blur_the_picture_is_sharper() -> None:
    def steepness(pixels: NDArray[np.uint8]) -> float:
        return float(np.abs(np.diff(pixels.astype(np.int16))).mean())

    assert steepness(generate(3, 0, quality=Quality(blur=0))) > 1.1 * steepness(generate(3, 0, quality=Quality(blur=1)))


@pytest.mark.parametrize(("seed", "impression"), [(-1, 0), (1, -1)])
def test_negative_seeds_are_refused(seed: int, impression: int) -> None:
    with pytest.raises(ValueError, match="negative"):
        generate(seed, impression)


def test_tiny_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 32"):
        generate(1, 0, height=31, width=388)


def main_period(pixels: NDArray[np.uint8]) -> float:
    """The wave length (pixels) that holds most of the power of the ridges."""
    window = np.hanning(pixels.shape[0])[:, None] * np.hanning(pixels.shape[1])
    power = np.abs(np.fft.fft2((pixels - pixels.mean()) * window)) ** 2
    frequency = np.hypot(np.fft.fftfreq(pixels.shape[0])[:, None], np.fft.fftfreq(pixels.shape[1]))
    rings = np.arange(1 / 20, 1 / 4, 1 / 200)
    energy = [power[(frequency >= ring) & (frequency < ring + 1 / 200)].sum() for ring in rings]
    return float(1 / (rings[int(np.argmax(energy))] + 1 / 400))


@pytest.mark.parametrize("seed", range(3, 9))
def test_ridges_are_as_far_apart_as_at_500_dpi(seed: int) -> None:
    assert 6.5 <= main_period(generate(seed, 0)) <= 12.0


def test_a_set_is_written_as_benchmarks_read_it(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    paths = write_set(tmp_path, 2, 2, lambda done, total: seen.append((done, total)), first_seed=5)
    assert [path.name for path in paths] == ["1_1.png", "1_2.png", "2_1.png", "2_2.png"]
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    with Image.open(paths[2]) as picture:
        assert picture.mode == "L"
        assert picture.info["dpi"] == pytest.approx((500, 500), abs=0.1)
        np.testing.assert_array_equal(np.asarray(picture), generate(6, 0))


@pytest.fixture(scope="module")
def engine() -> FingerEngine:
    return FingerEngine.open()


Templates = dict[tuple[int, int], FingerTemplate]


@pytest.fixture(scope="module")
def read(engine: FingerEngine) -> Callable[[int, int], Templates]:
    """Templates of fingers whose seeds, from 1001 on, had no part in setting the generator's parameters."""

    def read(fingers: int, impressions: int) -> Templates:
        pairs = itertools.product(range(1001, 1001 + fingers), range(impressions))
        return {(finger, i): engine.extract_pixels(generate(finger, i)) for finger, i in pairs}

    return read


def scores(engine: FingerEngine, templates: Templates) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mated and non-mated scores of every pair."""
    prepared = {key: engine.prepare(template) for key, template in templates.items()}
    mated: list[float] = []
    other: list[float] = []
    for first, second in itertools.combinations(prepared, 2):
        score = engine.compare(prepared[first], prepared[second])
        (mated if first[0] == second[0] else other).append(score)
    return np.array(mated), np.array(other)


def test_the_engine_reads_and_tells_apart_synthetic_fingers(
    engine: FingerEngine, read: Callable[[int, int], Templates]
) -> None:
    templates = read(6, 2)
    counts = np.array([len(template.x) for template in templates.values()])
    assert ((counts >= 20) & (counts <= 80)).sum() >= 11
    mated, other = scores(engine, templates)
    assert (mated > other.max()).sum() >= 5
    assert np.median(mated) > 2 * other.max()


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_a_set_is_as_hard_as_real_ones(engine: FingerEngine, read: Callable[[int, int], Templates]) -> None:
    """50 fingers x 4: nearly all with 20 to 80 minutiae, and an equal error rate within the range of real sets."""
    templates = read(50, 4)
    counts = np.array([len(template.x) for template in templates.values()])
    assert ((counts >= 20) & (counts <= 80)).mean() > 0.93
    mated, other = scores(engine, templates)
    assert (len(mated), len(other)) == (300, 19_600)
    thresholds = np.unique(np.concatenate([mated, other]))
    fnmr = np.array([(mated < threshold).mean() for threshold in thresholds])
    fmr = np.array([(other >= threshold).mean() for threshold in thresholds])
    at = int(np.argmin(np.abs(fnmr - fmr)))
    assert 0.002 < (fnmr[at] + fmr[at]) / 2 < 0.05
