"""Sketches of fingers."""

import numpy as np

from benchmarks.search.drawn_fingers import drawn, seen_again
from biometrics.duplicates.sketch import calibration
from biometrics.finger import FingerTemplate
from biometrics.finger.sketch import MINUTIAE, Sketches, alike, sketch


def rows(fingers: list[FingerTemplate]) -> Sketches:
    made = [sketch(one) for one in fingers]
    return Sketches(np.stack([codes for codes, _ in made]), np.stack([places for _, places in made]))


def likeness(first: Sketches, second: Sketches, pairs: list[tuple[int, int]]) -> list[float]:
    found = np.empty(len(pairs), np.float32)
    alike(first, second, np.array(pairs, np.int64), found)
    return found.tolist()


def test_another_touch_is_told_from_another_finger() -> None:
    draw = np.random.default_rng(1)
    fingers = [drawn(number) for number in range(40)]
    seen, others = rows([seen_again(one, draw) for one in fingers]), rows(fingers)
    mated = likeness(seen, others, [(number, number) for number in range(40)])
    strangers = likeness(seen, others, [(a, b) for a in range(40) for b in range(40) if a != b])
    assert min(mated) > max(strangers)
    meant = calibration()
    assert meant.llr_of(min(mated)) > 4 > -2 > meant.llr_of(np.median(strangers))
    assert (meant.llr_of(strangers) > 0).mean() < 0.02


def test_a_finger_with_few_minutiae() -> None:
    whole = drawn(3)
    few = FingerTemplate.of(
        whole.engine, whole.width, whole.height, x=whole.x[:8], y=whole.y[:8], direction=whole.direction[:8],
        kind=whole.kind[:8], minutia_quality=whole.minutia_quality[:8], quality=whole.quality,
    )  # fmt: skip
    codes, places = sketch(few)
    assert codes.shape == (7, MINUTIAE)
    assert not codes[:, 8:].any()
    assert not places[:, 8:].any()
    made = rows([few, drawn(4)])
    assert likeness(made, made, [(0, 0)])[0] > 0.2 > likeness(made, made, [(0, 1)])[0]


def test_a_record_without_a_finger_is_like_nothing() -> None:
    nothing = Sketches(np.zeros((1, 7, MINUTIAE), np.uint64), np.zeros((1, 4, MINUTIAE), np.float32))
    assert likeness(nothing, nothing, [(0, 0)]) == [0.0]
    assert likeness(nothing, rows([drawn(1)]), [(0, 0)]) == [0.0]


def test_drawn_fingers_stay_as_they_are() -> None:
    assert drawn(9).to_bytes() == drawn(9).to_bytes() != drawn(10).to_bytes()
