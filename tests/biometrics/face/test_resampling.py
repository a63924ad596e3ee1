"""The detector's input, against its definition number by number."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from biometrics.face.resampling import network_input

STRIDE = 32
SIDES = st.tuples(st.integers(1, 90), st.integers(1, 90))


def defined(size: int, wanted: int) -> list[list[tuple[int, np.float32]]]:
    """For each of `wanted` places in a line of `size` pixels the pixels that count, with their weights, in float32."""
    reach, scale = max(size / wanted, 1.0), size / wanted
    found = []
    for place in range(wanted):
        middle = (place + 0.5) * scale
        first, last = max(0, int(middle - reach + 0.5)), min(size, int(middle + reach + 0.5))
        weights = [max(0.0, 1.0 - abs((pixel + 0.5 - middle) / reach)) for pixel in range(first, last)]
        rounded = [np.float32(float(np.float32(weight)) / sum(weights)) for weight in weights]
        found.append([(first + number, weight) for number, weight in enumerate(rounded)])
    return found


def expected(
    rgb: NDArray[np.uint8], left: int, top: int, size: tuple[int, int], wanted: tuple[int, int]
) -> NDArray[np.float32]:
    """Float32 sums in the stated order, rows first; what lies outside the picture adds nothing."""
    height, width = rgb.shape[:2]
    out = np.zeros((1, 3, -(-wanted[1] // STRIDE) * STRIDE, -(-wanted[0] // STRIDE) * STRIDE), np.float32)
    across = defined(size[0], wanted[0])
    for j, rows in enumerate(defined(size[1], wanted[1])):
        line = np.zeros((width, 3), np.float32)
        for y, weight in rows:
            if weight > 0 and 0 <= top + y < height:
                line += weight * rgb[top + y].astype(np.float32)
        for i, columns in enumerate(across):
            total = np.zeros(3, np.float32)
            for x, weight in columns:
                if 0 <= left + x < width:
                    total += weight * line[left + x]
            out[0, :, j, i] = total[::-1]
    return out


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), SIDES, st.integers(-90, 90), st.integers(-90, 90), SIDES, SIDES)
def test_it_is_its_definition_to_the_bit(
    seed: int, picture: tuple[int, int], left: int, top: int, size: tuple[int, int], wanted: tuple[int, int]
) -> None:
    rgb = np.random.default_rng(seed).integers(0, 256, (*picture, 3), np.uint8)
    made = network_input(rgb, left, top, size, wanted, STRIDE)
    np.testing.assert_array_equal(made, expected(rgb, left, top, size, wanted))


@pytest.mark.parametrize("wanted", [(221, 256), (160, 160), (7, 3)])
def test_one_colour_stays_itself_and_what_is_added_is_black(wanted: tuple[int, int]) -> None:
    rgb = np.broadcast_to(np.array([10, 20, 30], np.uint8), (556, 480, 3))
    made = network_input(rgb, 0, 0, (480, 556), wanted, STRIDE)
    inside = made[0, :, : wanted[1], : wanted[0]]
    np.testing.assert_allclose(inside, np.broadcast_to(np.array([30, 20, 10])[:, None, None], inside.shape), atol=1e-4)
    assert not made[0, :, wanted[1] :].any()
    assert not made[0, :, :, wanted[0] :].any()
