"""The kernels against the same network in float, as onnxruntime computes it, on synthetic prints."""

from __future__ import annotations

import logging
import threading

import llvmlite.binding
import numba
import numpy as np
import pytest
from numpy.typing import NDArray

import models
from biometrics.finger.leader.network import Findings, KernelNetwork, SessionNetwork
from biometrics.finger.minutiae import open_network, pad
from biometrics.finger.synthesis import generate
from biometrics.kernels import lanes

kernels_only = pytest.mark.skipif(not lanes.supported(), reason="NO AVX-512 BF16 HERE: the kernels cannot run")
THRESHOLD = 0.5


@pytest.fixture(scope="module")
def kernels() -> KernelNetwork:
    return KernelNetwork(models.open_weights("leader", "weights"))


@pytest.fixture(scope="module")
def in_float() -> SessionNetwork:
    return SessionNetwork(models.open_session("leader", "leader"))


@pytest.fixture(scope="module")
def pictures() -> list[NDArray[np.float32]]:
    return [pad(generate(finger, 0))[0] for finger in range(1, 5)]


def nearest(findings: Findings, at: NDArray[np.int64]) -> tuple[int, float]:
    distances = np.hypot(*(findings.at - at).T)
    return int(np.argmin(distances)), float(distances.min())


@kernels_only
def test_kernels_find_what_the_network_in_float_finds(
    kernels: KernelNetwork, in_float: SessionNetwork, pictures: list[NDArray[np.float32]]
) -> None:
    moved, turned, changed, otherwise, count = [], [], [], 0, 0
    for picture in pictures:
        # Near the threshold one may see what the other just does not: so the sure ones of one in all of the other.
        expected, found = in_float(picture, THRESHOLD + 0.1), kernels(picture, THRESHOLD)
        count += len(expected.at)
        for number, at in enumerate(expected.at):
            other, distance = nearest(found, at)
            moved.append(distance)
            turned.append(1.0 - np.cos(found.direction[other] - expected.direction[number]))
            changed.append(abs(found.quality[other] - expected.quality[number]))
            otherwise += (found.ending[other] >= 0.5) != (expected.ending[number] >= 0.5)
    assert count > 60
    assert np.mean(np.array(moved) <= 1.0) == 1.0
    assert np.mean(np.array(moved) == 0.0) > 0.95
    assert np.max(turned) < 0.002
    assert np.max(changed) < 0.03
    assert np.median(changed) < 0.003
    assert otherwise <= 0.02 * count


@kernels_only
def test_kernels_find_nothing_that_the_network_in_float_does_not(
    kernels: KernelNetwork, in_float: SessionNetwork, pictures: list[NDArray[np.float32]]
) -> None:
    for picture in pictures:
        found, expected = kernels(picture, THRESHOLD + 0.1), in_float(picture, THRESHOLD)
        assert max(nearest(expected, at)[1] for at in found.at) <= 1.0


@kernels_only
def test_the_position_map_is_that_of_the_network_in_float(
    kernels: KernelNetwork, in_float: SessionNetwork, pictures: list[NDArray[np.float32]]
) -> None:
    found, expected = kernels(pictures[0], THRESHOLD).position, in_float(pictures[0], THRESHOLD).position
    assert found.shape == expected.shape == pictures[0].shape
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.999
    assert np.mean(np.abs(found - expected)) < 1e-3


@kernels_only
@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 352), (352, 96), (96, 160)])
def test_sizes_of_all_kinds_are_taken(
    kernels: KernelNetwork, in_float: SessionNetwork, pictures: list[NDArray[np.float32]], height: int, width: int
) -> None:
    picture = np.ascontiguousarray(np.tile(pictures[1][64:-64, 64:-64], (2, 2))[:height, :width])
    found, expected = kernels(picture, THRESHOLD), in_float(picture, THRESHOLD + 0.1)
    assert found.position.shape == (height, width)
    assert np.mean(np.abs(found.position - expected.position)) < 2e-3
    assert all(nearest(found, at)[1] <= 1.0 for at in expected.at)


@kernels_only
def test_nothing_of_a_picture_is_left_in_the_next(kernels: KernelNetwork, pictures: list[NDArray[np.float32]]) -> None:
    fresh = KernelNetwork(models.open_weights("leader", "weights"))
    for picture in (pictures[0], pictures[1][:128, :256].copy(), np.zeros((64, 64), np.float32), pictures[0]):
        again, first = kernels(picture, 0.1), fresh(picture, 0.1)
        for name in ("at", "direction", "ending", "quality", "position"):
            np.testing.assert_array_equal(getattr(again, name), getattr(first, name), err_msg=name)
        fresh = KernelNetwork(models.open_weights("leader", "weights"))


@kernels_only
def test_threads_compute_at_the_same_time_what_one_does(
    kernels: KernelNetwork, pictures: list[NDArray[np.float32]]
) -> None:
    expected = [kernels(picture, THRESHOLD).quality for picture in pictures]
    found: list[list[NDArray[np.float32]]] = []

    def work() -> None:
        found.append([kernels(picture, THRESHOLD).quality for picture in pictures])

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    for answers in found:
        for one, other in zip(answers, expected, strict=True):
            np.testing.assert_array_equal(one, other)


@kernels_only
def test_the_kernels_are_taken_where_they_can_run() -> None:
    assert isinstance(open_network(), KernelNetwork)


def test_elsewhere_the_network_in_float_is_taken_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lanes, "supported", lambda: False)
    with caplog.at_level(logging.WARNING):
        assert isinstance(open_network(), SessionNetwork)
    assert "AVX-512 BF16" in caplog.text


@pytest.mark.parametrize("missing", lanes.NEEDED)
def test_every_needed_feature_is_looked_at(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    features = dict.fromkeys(lanes.NEEDED, True)
    monkeypatch.setattr(llvmlite.binding, "get_host_cpu_features", lambda: features)
    monkeypatch.setattr(numba.config, "CPU_NAME", None)
    assert lanes.supported()
    features[missing] = False
    assert not lanes.supported()
