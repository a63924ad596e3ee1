"""The engine on pictures: synthetic prints, what is no print, other resolutions; and real prints where they are."""

from __future__ import annotations

import io
import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from biometrics.errors import IncompatibleTemplates, InvalidImage, NotAssessable
from biometrics.finger import FingerEngine, FingerTemplate, MinutiaKind
from biometrics.finger.blocks import blocks_of
from biometrics.finger.leader.network import Findings
from biometrics.finger.minutiae import pad, read_minutiae
from biometrics.finger.parameters import MAX_AREA
from biometrics.finger.presence import foreground_box, is_empty
from biometrics.finger.resampling import choose_dpi, resample
from biometrics.finger.ridge_period import has_implausible_ridges, is_implausible, ridge_period
from biometrics.finger.synthesis import generate
from biometrics.images import decode
from biometrics.scoring.rates import Curve

ROOT = Path(__file__).parents[3]
REAL = ROOT.parent / "shared" / "data" / "fingerprints" / "fvc2002_db1_b"
FINGERS, IMPRESSIONS = (1, 2, 3), (0, 1)


def encoded(grey: NDArray[np.uint8], kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, kind, **options)
    return buffer.getvalue()


def scaled(grey: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    size = round(grey.shape[1] * factor), round(grey.shape[0] * factor)
    return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BICUBIC))


@pytest.fixture(scope="module")
def engine() -> FingerEngine:
    opened = FingerEngine.open()
    opened.warm_up()
    return opened


@pytest.fixture(scope="module")
def prints() -> dict[tuple[int, int], NDArray[np.uint8]]:
    return {key: generate(*key) for key in itertools.product(FINGERS, IMPRESSIONS)}


@pytest.fixture(scope="module")
def templates(
    engine: FingerEngine, prints: dict[tuple[int, int], NDArray[np.uint8]]
) -> dict[tuple[int, int], FingerTemplate]:
    return {key: engine.extract(encoded(grey)) for key, grey in prints.items()}


def test_a_template_says_what_was_seen(templates: dict[tuple[int, int], FingerTemplate]) -> None:
    for template in templates.values():
        assert template.engine == FingerEngine.engine
        assert (template.width, template.height) == (388, 374)
        assert 10 <= len(template) <= 100
        assert 20 <= template.quality <= 100
        assert np.all((template.x < template.width) & (template.y < template.height))
        assert set(template.kind.tolist()) == {MinutiaKind.ENDING, MinutiaKind.BIFURCATION}
        assert template.minutia_quality.min() >= 50


def test_impressions_of_a_finger_score_far_above_others(
    engine: FingerEngine, templates: dict[tuple[int, int], FingerTemplate]
) -> None:
    mated = [engine.compare(templates[f, 1], templates[f, 0]) for f in FINGERS]
    others = [
        engine.compare(templates[f, i], templates[g, j])
        for f, g in itertools.combinations(FINGERS, 2)
        for i, j in itertools.product(IMPRESSIONS, repeat=2)
    ]
    assert min(mated) > 1.5 * max(others)
    assert max(others) < 30


def test_preparing_and_storing_change_no_score(
    engine: FingerEngine, templates: dict[tuple[int, int], FingerTemplate]
) -> None:
    probe, reference = templates[1, 0], templates[1, 1]
    score = engine.compare(probe, reference)
    assert engine.compare(engine.prepare(probe), engine.prepare(reference)) == score
    assert engine.compare(probe, engine.prepare(FingerTemplate.from_bytes(reference.to_bytes()))) == score
    assert engine.explain(probe, reference).score == score


def test_threads_extract_what_one_alone_does(
    engine: FingerEngine,
    prints: dict[tuple[int, int], NDArray[np.uint8]],
    templates: dict[tuple[int, int], FingerTemplate],
) -> None:
    with ThreadPoolExecutor(3) as pool:
        again = list(pool.map(engine.extract_pixels, prints.values()))
    assert [t.to_bytes() for t in again] == [t.to_bytes() for t in templates.values()]


@pytest.mark.parametrize("angle", [90, 180])
def test_a_turned_picture_is_the_same_finger(
    engine: FingerEngine,
    prints: dict[tuple[int, int], NDArray[np.uint8]],
    templates: dict[tuple[int, int], FingerTemplate],
    angle: int,
) -> None:
    turned = engine.extract_pixels(np.ascontiguousarray(np.rot90(prints[1, 0], angle // 90)))
    same = engine.explain(turned, templates[1, 0])
    assert len(same.tree) > 0.7 * len(templates[1, 0])
    # np.rot90 turns to the left on the screen, so directions, which grow clockwise, fall.
    change = turned.direction[same.tree[:, 0]] - templates[1, 0].direction[same.tree[:, 1]]
    assert np.median(np.cos(change + np.radians(angle))) > 0.99


def test_directions_run_along_the_ridges(
    prints: dict[tuple[int, int], NDArray[np.uint8]], templates: dict[tuple[int, int], FingerTemplate]
) -> None:
    """An ending's direction points onto its ridge, which is dark; a bifurcation's into the valley between branches."""
    ahead: dict[int, list[float]] = {MinutiaKind.ENDING: [], MinutiaKind.BIFURCATION: []}
    for key, grey in prints.items():
        template = templates[key]
        for x, y, direction, kind in zip(template.x, template.y, template.direction, template.kind, strict=True):
            shades = []
            for side in (1, -1):
                xs = np.rint(x + side * np.arange(4, 9) * np.cos(direction)).astype(int).clip(0, grey.shape[1] - 1)
                ys = np.rint(y + side * np.arange(4, 9) * np.sin(direction)).astype(int).clip(0, grey.shape[0] - 1)
                shades.append(float(grey[ys, xs].mean()))
            ahead[int(kind)].append(shades[0] - shades[1])
    assert np.mean(ahead[MinutiaKind.ENDING]) < -20
    assert np.mean(ahead[MinutiaKind.BIFURCATION]) > 20


@pytest.mark.parametrize("dpi", [400, 1000])
def test_other_resolutions_give_the_same_finger(
    engine: FingerEngine,
    prints: dict[tuple[int, int], NDArray[np.uint8]],
    templates: dict[tuple[int, int], FingerTemplate],
    dpi: int,
) -> None:
    picture = scaled(prints[2, 0], dpi / 500)
    for template in (
        engine.extract(encoded(picture, dpi=(dpi, dpi))),
        engine.extract(encoded(picture, dpi=(72, 72)), dpi=dpi),
    ):
        assert abs(template.width - 388) <= 1
        compared = engine.explain(template, templates[2, 0])
        assert len(compared.tree) > 0.6 * len(templates[2, 0])
        assert compared.evidence["displacement"] < 3


@pytest.mark.parametrize("stated", [0.0, -500.0, 50.0, 1e6, float("nan"), float("inf")])
def test_a_resolution_that_no_scanner_has_is_refused(engine: FingerEngine, stated: float) -> None:
    with pytest.raises(NotAssessable) as raised:
        engine.extract(encoded(generate(1, 0)), dpi=stated)
    assert raised.value.reason == "wrong_dpi"


def test_ridges_tell_a_resolution_that_is_wrong_by_half(
    engine: FingerEngine, prints: dict[tuple[int, int], NDArray[np.uint8]]
) -> None:
    noticed, measured = 0, 0
    for grey in prints.values():
        period = ridge_period(grey)
        if period is not None:
            measured += 1
            assert 6 < period < 11
        for factor in (0.5, 2.0):
            try:
                engine.extract_pixels(scaled(grey, factor))
            except NotAssessable as error:
                noticed += error.reason == "wrong_dpi"
    assert measured >= 0.8 * len(prints)
    assert noticed >= 0.75 * 2 * len(prints)


def test_the_period_of_parallel_lines_is_found() -> None:
    y, x = np.mgrid[:256, :256]
    for period, angle in itertools.product((4.5, 8.0, 15.5), (0.0, 0.7, 2.0)):
        lines = 128 + 100 * np.sin(2 * np.pi * (np.cos(angle) * x + np.sin(angle) * y) / period)
        assert ridge_period(lines.astype(np.uint8)) == pytest.approx(period, rel=0.1)
        assert is_implausible(period) == (period != 8.0)
    assert ridge_period(np.full((256, 256), 200, np.uint8)) is None
    assert ridge_period(np.zeros((40, 300), np.uint8)) is None


def test_a_quick_look_comes_to_what_a_close_one_does(prints: dict[tuple[int, int], NDArray[np.uint8]]) -> None:
    verdicts = []
    for grey in prints.values():
        for factor in (0.5, 0.7, 1.0, 1.2, 1.7, 2.0):
            picture = scaled(grey, factor)
            period = ridge_period(picture)
            verdicts.append(period is not None and is_implausible(period))
            assert has_implausible_ridges(picture) == verdicts[-1]
    assert 0.2 < np.mean(verdicts) < 0.8, "both kinds were seen"


@pytest.mark.shared_data
def test_real_prints_have_plausible_ridges_and_halved_or_doubled_ones_do_not() -> None:
    folders = [REAL.parent / name for name in ("fvc2002_db1_b", "fvc2002_db3_b", "fvc2004_db2_b")]
    if not all(folder.is_dir() for folder in folders):
        pytest.skip("NO REAL FINGERPRINTS: the sets of ../shared/data/fingerprints are missing")
    pictures = [decode(path.read_bytes()).grey for folder in folders for path in sorted(folder.iterdir())[::16]]
    noticed = {}
    for stated in (250.0, 500.0, 1000.0):
        noticed[stated] = np.mean([has_implausible_ridges(resample(picture, stated)) for picture in pictures])
    assert noticed[500.0] == 0.0
    assert noticed[250.0] >= 0.6
    assert noticed[1000.0] >= 0.6


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((300, 300), np.uint16),
        np.zeros((300, 300), np.float32),
        np.zeros((300, 300, 3), np.uint8),
        np.zeros(300, np.uint8),
    ],
    ids=["16 bits", "float", "colours", "a line"],
)
def test_pixels_of_another_kind_are_no_empty_scanner(engine: FingerEngine, pixels: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="of 2 of uint8"):
        engine.extract_pixels(pixels)


def test_stated_before_file_before_500() -> None:
    assert choose_dpi(1000.0, 500.0) == 1000.0
    assert choose_dpi(None, 569.0) == 569.0
    assert choose_dpi(None, 72.0) == 500.0
    assert choose_dpi(None, None) == 500.0


def test_resampling_keeps_the_mean_and_near_500_the_pixels() -> None:
    grey = generate(1, 0)
    assert resample(grey, 505.0) is grey
    for dpi in (250.0, 1000.0):
        assert resample(grey, dpi).mean() == pytest.approx(grey.mean(), rel=0.01)
    # One-pixel stripes become even grey, not stripes of another width.
    stripes = np.tile(np.array([0, 255], np.uint8), (200, 100))
    assert resample(stripes, 1000.0)[:, 5:-5].std() < 10


def test_nothing_larger_than_a_finger_is_searched(engine: FingerEngine) -> None:
    with pytest.raises(InvalidImage) as raised:
        engine.extract_pixels(np.zeros((1000, MAX_AREA // 1000 + 1), np.uint8))
    assert raised.value.code == "image_larger_than_finger"


def scanner_noise() -> NDArray[np.uint8]:
    return np.random.default_rng(0).normal(230, 3, (374, 388)).clip(0, 255).astype(np.uint8)


def static() -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (374, 388), dtype=np.uint8)


@pytest.mark.parametrize(
    "grey",
    [
        np.full((374, 388), 240, np.uint8),
        np.zeros((374, 388), np.uint8),
        scanner_noise(),
        static(),
        np.zeros((5, 7), np.uint8),
    ],
    ids=["white", "black", "noise", "static", "tiny"],
)
def test_an_empty_scanner_shows_no_finger(engine: FingerEngine, grey: NDArray[np.uint8]) -> None:
    with pytest.raises(NotAssessable) as raised:
        engine.extract_pixels(grey)
    assert raised.value.reason == "no_finger"


def test_presence_needs_an_area_with_contrast() -> None:
    grey = np.full((374, 388), 240, np.uint8)
    print_ = generate(1, 0)
    assert is_empty(blocks_of(grey))
    assert not is_empty(blocks_of(print_))
    grey[150:190, 150:190] = print_[150:190, 150:190]
    assert is_empty(blocks_of(grey))


def test_a_scrap_of_a_print_is_low_quality(
    engine: FingerEngine, prints: dict[tuple[int, int], NDArray[np.uint8]]
) -> None:
    reasons = set()
    for grey in prints.values():
        for left in (130, 170, 210):
            scrap = np.full((128, 128), 235, np.uint8)
            scrap[32:96, 32:96] = grey[150:214, left : left + 64]
            try:
                engine.extract_pixels(scrap)
            except NotAssessable as error:
                reasons.add(error.reason)
    assert "low_quality" in reasons
    assert reasons <= {"low_quality", "no_finger"}


@pytest.mark.parametrize("data", [b"", b"no picture", encoded(generate(1, 0))[:2000]], ids=["empty", "text", "cut"])
def test_bytes_that_are_no_picture_are_refused(engine: FingerEngine, data: bytes) -> None:
    with pytest.raises(InvalidImage):
        engine.extract(data)


def test_templates_of_another_engine_do_not_compare(
    engine: FingerEngine, templates: dict[tuple[int, int], FingerTemplate]
) -> None:
    data = templates[1, 0].to_bytes().replace(b"leader-edges-2", b"leader-edges-0")
    other = FingerTemplate.from_bytes(data)
    for pair in ((other, templates[1, 0]), (templates[1, 0], other)):
        with pytest.raises(IncompatibleTemplates):
            engine.compare(*pair)


def test_a_trace_sees_every_stage(engine: FingerEngine, prints: dict[tuple[int, int], NDArray[np.uint8]]) -> None:
    seen: dict[str, tuple[int, ...]] = {}
    engine.extract_pixels(prints[1, 0], trace=lambda stage, result: seen.update({stage: result.shape}))
    assert seen == {"resampled": (374, 388), "position": (374, 388)}


def test_the_foreground_is_a_box_around_what_has_contrast() -> None:
    grey = np.full((400, 300), 240, np.uint8)
    whole = slice(0, 400), slice(0, 300)

    def box() -> tuple[slice, slice]:
        return foreground_box(blocks_of(grey), 400, 300)

    assert box() == whole, "without any contrast the whole"
    grey[64:160, 96:146] = generate(1, 0)[150:246, 150:200]
    grey[370:374, 20:24] = 0  # a speck of dust
    assert box() == (slice(32, 192), slice(64, 192))
    grey[:32, 128:160] = np.tile(np.array([[0, 255]], np.uint8), (32, 16))
    assert box() == (slice(0, 192), slice(64, 192))
    grey[:, 128:160] = np.tile(np.array([[0, 255]], np.uint8), (400, 16))
    assert box() == (slice(0, 400), slice(64, 192))
    grey[:, 256:] = np.tile(np.array([[0, 255]], np.uint8), (400, 22))
    assert box() == whole, "where it is most of the picture the whole"


def test_a_finger_on_a_large_scanner_is_the_same_finger(
    engine: FingerEngine,
    prints: dict[tuple[int, int], NDArray[np.uint8]],
    templates: dict[tuple[int, int], FingerTemplate],
) -> None:
    ground = int(np.median(prints[3, 0][0]))
    large = np.full((864, 992), ground, np.uint8)
    # As far from the corner as in its own picture's frame (5 and 14 pixels), in whole steps of the network's grid.
    large[5 + 384 : 5 + 384 + 374, 14 + 320 : 14 + 320 + 388] = prints[3, 0]
    seen: dict[str, NDArray[np.float32]] = {}
    found = engine.extract_pixels(large, trace=lambda stage, result: seen.update({stage: result}))
    own = templates[3, 0]
    assert abs(len(found) - len(own)) <= 2
    distances = np.hypot(found.x[:, None] - 334 - own.x, found.y[:, None] - 389 - own.y).min(axis=0)
    assert np.mean(distances <= 1.0) > 0.9
    assert seen["position"].shape == large.shape
    assert not seen["position"][:256].any(), "what can be no finger is not computed"


def test_padding_is_a_frame_of_the_ground() -> None:
    grey = np.full((100, 77), 200, np.uint8)
    grey[40:60, 30:50] = 10
    grey[0, 0] = 0
    padded, top, left = pad(grey)
    assert padded.shape == (128, 96)
    assert padded.dtype == np.float32
    np.testing.assert_array_equal(padded[top : top + 100, left : left + 77], grey)
    assert np.all(padded[:top] == 200)
    assert np.all(padded[:, :left] == 200)


def test_findings_are_read_with_y_downwards_and_without_the_frame() -> None:
    found = Findings(
        at=np.array([[5, 5], [3, 7], [8, 2], [1, 7], [8, 30]]),
        direction=np.array([0.5, 1.0, -2.0, 0.0, 0.0], np.float32),
        ending=np.array([0.7, 0.9, 0.1, 0.9, 0.9], np.float32),
        quality=np.array([0.7, 0.7, 1.01, 0.9, 0.9], np.float32),
        position=np.zeros((12, 40), np.float32),
    )
    minutiae = read_minutiae(found, 2, 1, (10, 20))
    assert minutiae.x.tolist() == [1, 6, 4]
    assert minutiae.y.tolist() == [6, 1, 3]
    assert minutiae.direction.tolist() == [2.0, -1.0, -0.5]
    assert minutiae.kind.tolist() == [MinutiaKind.BIFURCATION, MinutiaKind.ENDING, MinutiaKind.ENDING]
    np.testing.assert_allclose(minutiae.quality, [1.0, 0.7, 0.7])


@pytest.fixture
def real_set() -> Path:
    if not REAL.is_dir():
        pytest.skip("NO REAL FINGERPRINTS: ../shared/data/fingerprints/fvc2002_db1_b is missing")
    return REAL


@pytest.mark.shared_data
def test_real_fingers_are_told_apart(engine: FingerEngine, real_set: Path) -> None:
    """Four fingers, three impressions each; the whole sets: see RESULTS.md."""
    fingers = (101, 102, 103, 104)
    templates = {
        (finger, number): engine.prepare(engine.extract((real_set / f"{finger}_{number}.png").read_bytes()))
        for finger, number in itertools.product(fingers, (1, 4, 7))
    }
    mated: list[float] = []
    others: list[float] = []
    for (first, one), (second, two) in itertools.combinations(templates.items(), 2):
        (mated if first[0] == second[0] else others).append(engine.compare(two, one))
    assert len(mated) == 12
    assert len(others) == 54
    assert Curve.of(mated, others).eer() <= 0.02
    assert np.median(mated) > 3 * max(others)
