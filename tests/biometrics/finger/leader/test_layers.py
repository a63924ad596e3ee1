"""The kernels' layers against plain numpy: products of bfloat16, depthwise convolutions, activations, peaks."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from biometrics.finger.leader import heads, layers, tiles
from biometrics.finger.leader.packing import taps
from biometrics.finger.leader.workspace import Workspace
from biometrics.kernels import lanes, packing
from biometrics.kernels.compiled import kernel
from biometrics.kernels.tiles import halves_tile

pytestmark = pytest.mark.skipif(not lanes.supported(), reason="NO AVX-512 BF16 HERE: the kernels cannot run")

Floats = NDArray[np.float32]
RNG = np.random.default_rng(3)


def normal(*shape: int) -> Floats:
    return RNG.standard_normal(shape).astype(np.float32)


def gelu(x: Floats) -> NDArray[np.float64]:
    wide = x.astype(np.float64)
    return np.asarray(0.5 * wide * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (wide + 0.044715 * wide**3))))


def widened(halves: NDArray[np.uint16]) -> Floats:
    """The numbers that bfloat16 bits stand for."""
    return (halves.astype(np.uint32) << 16).view(np.float32)


@kernel
def _to_halves(rows: Floats, data: NDArray[np.uint16]) -> None:
    halves_tile(rows.ctypes.data, rows.size // 16, data.ctypes.data)


@kernel
def _normed(rows: Floats, count: int, data: NDArray[np.uint16]) -> None:
    for row in range(len(rows)):
        tiles.norm_halves_tile(rows[row].ctypes.data, rows.shape[1] // 16, count, data[row].ctypes.data)


@kernel
def _logistic(numbers: Floats) -> None:
    tiles.sigmoid_tile(numbers.ctypes.data, len(numbers) // 16)


def test_gelu_and_the_logistic_function_hold_over_the_whole_range() -> None:
    far = np.array([-1e4, -300, 0, 0, 300, 1e4, -90, 90], np.float32)
    x = np.concatenate([np.linspace(-12, 12, 4000, dtype=np.float32), far])
    x = np.resize(x, -(-len(x) // 16) * 16)
    found = x.copy()
    heads.activate(found)
    np.testing.assert_allclose(found, gelu(x), atol=3e-4, rtol=3e-4)
    logistic = x.copy()
    _logistic(logistic)
    np.testing.assert_allclose(logistic, 0.5 * (1.0 + np.tanh(0.5 * x.astype(np.float64))), atol=1e-4)


def test_numbers_are_halved_to_the_nearest_as_the_processor_does() -> None:
    ties = (np.arange(64, dtype=np.uint32) << 15) + 0x3F800000  # every second one lies in the middle of two
    numbers = np.concatenate([normal(960) * np.float32(100.0), ties.view(np.float32)])
    data = np.empty(numbers.shape, np.uint16)
    _to_halves(numbers, data)
    np.testing.assert_array_equal(packing.halves(numbers), data)
    np.testing.assert_allclose(widened(data), numbers, rtol=2.0**-8)


@pytest.mark.parametrize(("outputs", "inputs", "panel"), [(32, 64, 2), (52, 52, 2), (4, 208, 1), (219, 21, 2)])
def test_a_product_is_that_of_the_rounded_numbers(outputs: int, inputs: int, panel: int) -> None:
    matrix, bias = normal(outputs, inputs), normal(outputs)
    rows = np.zeros((16, packing.padded(inputs)), np.float32)
    rows[:, :inputs] = normal(16, inputs) * np.float32(5.0)
    data = np.empty(rows.shape, np.uint16)
    _to_halves(rows, data)
    packed = packing.product(matrix, bias, panel=panel)
    out = np.empty((16, len(packed.bias)), np.float32)
    if panel == 2:
        layers.multiply(data, packed, packed.bias, 0, out, layers.PANEL_STEP)
    else:
        layers.multiply_narrow(data, packed, packed.bias, 0, out, layers.NARROW_PANEL_STEP)
    rounded = widened(packing.halves(matrix)).astype(np.float64)
    expected = widened(data)[:, :inputs].astype(np.float64) @ rounded.T + bias
    np.testing.assert_allclose(out[:, :outputs], expected, atol=1e-3)
    exact = rows[:, :inputs] @ matrix.T + bias
    assert np.std(out[:, :outputs] - exact) < 0.004 * np.std(exact)


def test_a_product_can_be_added_to_what_is_there() -> None:
    matrix, rows, there = normal(32, 16), normal(8, 16), normal(8, 32)
    data = np.empty(rows.shape, np.uint16)
    _to_halves(rows, data)
    packed, out = packing.product(matrix), there.copy()
    layers.multiply(data, packed, out, out.strides[0], out, layers.PANEL_STEP)
    alone = np.empty((8, 32), np.float32)
    layers.multiply(data, packed, packed.bias, 0, alone, layers.PANEL_STEP)
    np.testing.assert_allclose(out, there + alone, atol=1e-5)


def test_an_activated_product_comes_as_halves() -> None:
    matrix, rows = normal(64, 32), normal(8, 32)
    data, out = np.empty(rows.shape, np.uint16), np.empty((8, 64), np.uint16)
    _to_halves(rows, data)
    packed = packing.product(matrix)
    layers.multiply_gelu(data, packed, packed.bias, 0, out, layers.HALF_PANEL_STEP)
    expected = gelu(widened(data) @ widened(packing.halves(matrix)).T)
    np.testing.assert_allclose(widened(out), expected, rtol=2.0**-8, atol=3e-4)


def test_normalisation_leaves_the_surplus_lanes_out() -> None:
    rows = np.zeros((4, 64), np.float32)
    rows[:, :52] = normal(4, 52) * np.float32(3.0) + np.float32(20.0)
    data = np.empty(rows.shape, np.uint16)
    _normed(rows, 52, data)
    real = rows[:, :52].astype(float)
    centred = real - real.mean(axis=1, keepdims=True)
    expected = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(widened(data)[:, :52], expected, rtol=2.0**-7, atol=1e-4)
    np.testing.assert_array_equal(widened(data)[:, 52:], 0.0)


def test_a_pixel_without_any_signal_stays_without() -> None:
    data = np.full((2, 64), 7, np.uint16)
    _normed(np.zeros((2, 64), np.float32), 52, data)
    np.testing.assert_array_equal(widened(data), 0.0)


@pytest.mark.parametrize("size", [5, 7])
def test_a_depthwise_convolution_is_a_sum_over_its_window(size: int) -> None:
    height, width, channels = 4, 16, 20
    kernel = normal(channels, 1, size, size)
    source = Workspace().map("source", height, width, channels)
    source[3 : 3 + height, 3 : 3 + width, :channels] = normal(height, width, channels)
    out = np.empty((2, width, 32), np.float32)
    reach = size // 2
    for line in range(0, height, 2):
        if size == 7:
            layers.depthwise_7(source, line, 0, taps(kernel), out)
        else:
            layers.depthwise_5(source, line, taps(kernel), out)
        for lower in range(2):
            for pixel in range(width):
                y, x = line + lower + 3, pixel + 3
                window = source[y - reach : y + reach + 1, x - reach : x + reach + 1, :channels]
                expected = (window * kernel[:, 0].transpose(1, 2, 0)).sum(axis=(0, 1))
                np.testing.assert_allclose(out[lower, pixel, :channels], expected, atol=1e-4)
        np.testing.assert_array_equal(out[:, :, channels:], 0.0)


def test_repeated_pixels_are_convolved_as_if_they_were_written_out() -> None:
    cells, kernel = normal(4, 6, 7), normal(2, 4, 5, 5)
    whole = np.pad(cells.repeat(2, axis=1).repeat(2, axis=2), ((0, 0), (2, 2), (2, 2)))
    framed, kernels = np.pad(cells, ((0, 0), (1, 1), (1, 1))), heads.phases(kernel)
    for y in range(12):
        for x in range(14):
            expected = np.einsum("acij,cij->a", kernel, whole[:, y : y + 5, x : x + 5])
            part = framed[:, y // 2 : y // 2 + 3, x // 2 : x // 2 + 3]
            np.testing.assert_allclose(np.einsum("acij,cij->a", kernels[y % 2, x % 2], part), expected, atol=1e-4)


def test_peaks_are_the_largest_of_their_neighbourhood() -> None:
    picture = np.zeros((20, 30), np.float32)
    for line, column, value in ((0, 0, 0.9), (5, 5, 0.8), (5, 8, 0.7), (5, 9, 0.6), (19, 29, 0.5), (10, 20, 0.49)):
        picture[line, column] = value
    assert heads.peaks(picture, 0.5).tolist() == [[0, 0], [5, 5], [19, 29]]
    picture[5, 9] = 0.75
    assert heads.peaks(picture, 0.5).tolist() == [[0, 0], [5, 5], [5, 9], [19, 29]]


def test_a_plateau_of_any_size_ends() -> None:
    assert 0 < len(heads.peaks(np.ones((8, 8), np.float32), 0.5)) <= 64


def test_a_workspace_gives_clear_frames_again_after_another_size() -> None:
    space = Workspace()
    for height, width in ((8, 16), (4, 32), (8, 16)):
        found = space.map("any", height, width, 20)
        np.testing.assert_array_equal(found[:3], 0.0)
        np.testing.assert_array_equal(found[height + 3 :], 0.0)
        np.testing.assert_array_equal(found[:, :3], 0.0)
        np.testing.assert_array_equal(found[:, width + 3 :], 0.0)
        np.testing.assert_array_equal(found[:, :, 20:], 0.0)
        found[3 : height + 3, 3 : width + 3, :20] = 7.0
