"""What computes SFace: every provider that is here gives the same answers, and one that is not is told."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from biometrics.face import FaceEngine
from biometrics.face.sface import open_network
from biometrics.kernels import lanes
from tests.biometrics.face.conftest import Group


@pytest.fixture(scope="module")
def expected(group: Group) -> np.ndarray:
    return scores(FaceEngine.open(provider="CPUExecutionProvider"), group)


def scores(engine: FaceEngine, group: Group) -> np.ndarray:
    """Of the photograph's six faces with one another."""
    made = [engine.extract_pixels(group.portrait(i)) for i in range(6)]
    return np.array([engine.compare(a, b) for a in made for b in made])


@pytest.mark.parametrize(("provider", "tolerance"), [("openvino", 1e-3), ("openvino-bf16", 0.01)])
def test_openvino_gives_the_same_answers(provider: str, tolerance: float, group: Group, expected: np.ndarray) -> None:
    pytest.importorskip("openvino", reason="OpenVINO is not installed: its provider is not tested")
    if provider == "openvino-bf16" and not lanes.supported():
        pytest.skip("this processor has no bfloat16: OpenVINO's is not tested")
    np.testing.assert_allclose(scores(FaceEngine.open(provider=provider), group), expected, atol=tolerance)


def test_the_kernels_give_the_same_answers(group: Group, expected: np.ndarray) -> None:
    """Or, on processors without bfloat16, what is taken in their place."""
    np.testing.assert_allclose(scores(FaceEngine.open(), group), expected, atol=0.01)


def test_a_provider_that_is_not_there_is_told() -> None:
    with pytest.raises(ValueError, match="has no TensorrtExecutionProvider"):
        open_network(provider="TensorrtExecutionProvider")


def test_without_the_package_openvino_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ValueError, match="renzheng"):
        open_network(provider="openvino")
