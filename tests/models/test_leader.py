"""LEADER's conversion, held against the network as it ships; and what is not LEADER."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

import models
from models import tensors
from models.conversion import convert, leader, leader_graph
from models.errors import ConversionFailed
from models.sessions import session_options

Shipped = Callable[[str, str], bytes]


@pytest.fixture(scope="module")
def network(shipped: Shipped) -> bytes:
    return shipped("leader", "leader")


@pytest.fixture(scope="module")
def original(network: bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(network, session_options())


@pytest.mark.parametrize(("height", "width"), [(64, 96), (160, 128)])
def test_the_converted_network_answers_as_the_original(
    original: onnxruntime.InferenceSession, height: int, width: int
) -> None:
    picture = leader.ridges(height, width)[None, :, :, None]
    expected = original.run(None, {"input": picture})[0]
    found = models.open_session("leader", "leader").run(None, {"input": picture})[0]
    assert found.shape == expected.shape == (1, height, width, 4)
    sure = expected[..., 3] >= 0.3
    assert sure.any()
    np.testing.assert_allclose(found[..., (0, 2)], expected[..., (0, 2)], atol=1e-4)
    np.testing.assert_allclose(found[sure], expected[sure], atol=1e-4)


def test_angles_in_all_quarters_are_those_of_the_original(original: onnxruntime.InferenceSession) -> None:
    quarters = set()
    for turn in range(4):
        picture = np.rot90(leader.ridges(128, 128), turn)[None, :, :, None]
        expected = original.run(None, {"input": np.ascontiguousarray(picture)})[0]
        found = models.open_session("leader", "leader").run(None, {"input": np.ascontiguousarray(picture)})[0]
        sure = expected[..., 3] >= 0.3
        quarters |= set((expected[sure][:, 1] // (np.pi / 2)).tolist())
        np.testing.assert_allclose(np.cos(found[sure][:, 1] - expected[sure][:, 1]), 1.0, atol=1e-6)
    assert quarters == {-2, -1, 0, 1}


def test_what_is_installed_is_what_the_conversion_makes(network: bytes) -> None:
    installed = models.open_weights("leader", "weights")
    made = tensors.loads(convert("leader-weights", network))
    assert installed.keys() == made.keys()
    for name, value in made.items():
        np.testing.assert_array_equal(installed[name], value)
        assert value.dtype == np.float32
        assert np.isfinite(value).all()


def changed(network: bytes, change: Callable[[onnx.ModelProto], None]) -> bytes:
    model = onnx.load_model_from_string(network)
    change(model)
    return bytes(model.SerializeToString())


def test_a_network_that_is_read_wrongly_is_not_installed(network: bytes) -> None:
    """Every weight matters to the check: a change of any that the reading does not see is noticed."""

    def double_a_constant_of_gelu(model: onnx.ModelProto) -> None:
        (one,) = [w for w in model.graph.initializer if w.name.endswith("stem0_activation_1/Gelu/Cast/x:0")] or [
            w for w in model.graph.initializer if w.name.endswith("Gelu/Cast/x:0")
        ]
        one.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(one) * np.float32(2.0), one.name))

    with pytest.raises(ConversionFailed, match="gives another"):
        convert("leader-float", changed(network, double_a_constant_of_gelu))


def test_another_network_is_not_taken_for_it(shipped: Shipped) -> None:
    for recipe in ("leader-float", "leader-weights"):
        with pytest.raises(ConversionFailed, match="it is not the LEADER that is known"):
            convert(recipe, shipped("sface", "yunet"))


def test_products_are_summed_in_one_order() -> None:
    rng = np.random.default_rng(1)
    left, right = rng.standard_normal((7, 40)), rng.standard_normal((40, 5))
    found = leader.product(left, right)
    np.testing.assert_allclose(found, left @ right, rtol=1e-12)
    in_order = np.zeros(())
    for k in range(40):
        in_order = in_order + left[3, k] * right[k, 2]
    assert found[3, 2] == in_order


def test_the_graph_has_few_nodes(network: bytes) -> None:
    before = onnx.load_model_from_string(network).graph.node
    after = onnx.load_model_from_string(leader_graph.network(models.open_weights("leader", "weights"))).graph.node
    assert len(after) < len(before) / 4
