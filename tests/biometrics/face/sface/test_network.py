"""The kernels against onnxruntime on the same weights, and against plain arithmetic."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from numpy.typing import NDArray

import models
from biometrics.face.alignment import align, placement
from biometrics.face.sface import KernelNetwork, SessionNetwork, open_network
from biometrics.face.sface import layers as kernels
from biometrics.kernels import lanes, packing
from tests.biometrics.face.conftest import Group

needs_kernels = pytest.mark.skipif(
    not lanes.supported(), reason="this processor has no AVX-512 BF16: the kernels are not tested, onnxruntime is used"
)
pytestmark = needs_kernels


@pytest.fixture(scope="module")
def kernel_network() -> KernelNetwork:
    return KernelNetwork(models.open_weights("sface", "sface_weights"))


@pytest.fixture(scope="module")
def session_network() -> SessionNetwork:
    return SessionNetwork(models.open_session("sface", "sface"))


def pictures(group: Group) -> list[NDArray[np.uint8]]:
    rng = np.random.default_rng(3)
    faces = [align(group.rgb, placement(face.points)) for face in group.faces]
    return [
        *faces,
        rng.integers(0, 256, (112, 112, 3), dtype=np.uint8),
        np.zeros((112, 112, 3), np.uint8),
        np.full((112, 112, 3), 255, np.uint8),
        (faces[0] * 0.1).astype(np.uint8),
    ]


def cosine(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    return float(first @ second / np.linalg.norm(first) / np.linalg.norm(second))


def test_embeddings_are_those_of_onnxruntime(
    group: Group, kernel_network: KernelNetwork, session_network: SessionNetwork
) -> None:
    crops = pictures(group)
    own, others = ([network(crop) for crop in crops] for network in (kernel_network, session_network))
    for number, (mine, theirs) in enumerate(zip(own, others, strict=True)):
        assert mine.shape == (128,)
        assert mine.dtype == np.float32
        # What is no face lies near the middle of all embeddings, where directions say little.
        assert cosine(mine, theirs) > (0.999 if number < 6 else 0.95)
        assert np.linalg.norm(mine) == pytest.approx(np.linalg.norm(theirs), rel=0.02)
    mine, theirs = (np.array([cosine(a, b) for a in side[:6] for b in side[:6]]) for side in (own, others))
    assert np.abs(mine - theirs).max() < 0.01, "the stated tolerance of comparison scores"


def test_the_same_face_gives_the_same_bytes_on_any_thread(group: Group, kernel_network: KernelNetwork) -> None:
    crops = pictures(group)[:6]
    expected = [kernel_network(crop).tobytes() for crop in crops]
    found: dict[int, bytes] = {}

    def work(index: int) -> None:
        for _ in range(3):
            found[index] = kernel_network(crops[index]).tobytes()

    threads = [threading.Thread(target=work, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[index] for index in range(6)] == expected


def test_what_lies_in_memory_does_not_matter(group: Group, kernel_network: KernelNetwork) -> None:
    """A crop that is a mirrored or strided view is read as what it shows."""
    crop = pictures(group)[0]
    mirrored = crop[:, ::-1]
    np.testing.assert_array_equal(kernel_network(mirrored), kernel_network(np.ascontiguousarray(mirrored)))


def rounded(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """To bfloat16 and back."""
    return (packing.halves(values).astype(np.uint32) << 16).view(np.float32).astype(np.float64)


@pytest.mark.parametrize(("side", "step", "channels", "outputs"), [(9, 1, 32, 64), (14, 2, 64, 32), (7, 1, 32, 32)])
def test_a_block_is_depthwise_prelu_product_prelu(side: int, step: int, channels: int, outputs: int) -> None:
    rng = np.random.default_rng(side)

    def normal(*shape: int) -> NDArray[np.float32]:
        return rng.normal(size=shape).astype(np.float32)

    taps, bias, slopes = normal(9, channels), normal(channels), normal(channels)
    matrix, last_bias, last_slopes = normal(outputs, channels), normal(outputs), normal(outputs)
    source = normal(side * side + 8, channels)
    across = -(-side // step)
    out = np.full((across * across + 8, outputs), np.nan, np.float32)
    block = kernels.Block(step, taps, bias, slopes, packing.product(matrix, last_bias, panel=2), last_slopes)
    kernels.separable(source, side, block, out)
    framed = np.zeros((side + 2, side + 2, channels))
    framed[1:-1, 1:-1] = source[: side * side].reshape(side, side, channels)
    inner = bias + sum(
        taps[3 * y + x] * framed[y : y + side : step, x : x + side : step] for y in range(3) for x in range(3)
    )
    inner = np.where(inner > 0, inner, inner * slopes).reshape(-1, channels)
    made = rounded(inner.astype(np.float32)) @ rounded(matrix).T + last_bias
    expected = np.where(made > 0, made, made * last_slopes)
    np.testing.assert_allclose(out[: across * across], expected, atol=0.05)


def test_the_faster_form_is_the_one_that_opens() -> None:
    assert isinstance(open_network(), KernelNetwork)


def test_a_provider_of_onnxruntime_can_be_asked_for() -> None:
    assert isinstance(open_network(provider="CPUExecutionProvider"), SessionNetwork)


def test_without_the_instructions_onnxruntime_is_used_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lanes, "supported", lambda: False)
    assert isinstance(open_network(), SessionNetwork)
    assert "AVX-512 BF16" in caplog.text
