"""Conversion of small networks that have everything that the shipped ones have; the oracle is ONNX's own evaluator."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from models.conversion import convert, dequantize
from models.errors import ConversionFailed


def dequantised_one_by_one(
    q: NDArray[Any], scale: NDArray[Any], zero: NDArray[Any], axis: int, block: int
) -> NDArray[np.float64]:
    real = np.empty(q.shape)
    for position in np.ndindex(*q.shape):
        where = tuple(i // block if a == axis else i for a, i in enumerate(position))
        real[position] = (int(q[position]) - int(zero[where])) * float(scale[where])
    return real


@pytest.mark.parametrize(
    ("shape", "axis", "block"), [((4, 18), 1, 6), ((6, 5), 0, 2), ((3, 10), 1, 4), ((7,), 0, 3), ((2, 3, 8), 2, 8)]
)
@pytest.mark.parametrize("kind", [np.int8, np.uint8])
def test_every_weight_is_its_blocks_scale_times_its_distance_from_the_zero_point(
    shape: tuple[int, ...], axis: int, block: int, kind: type[Any]
) -> None:
    rng = np.random.default_rng(block)
    limits = np.iinfo(kind)
    blocks = tuple(-(-n // block) if a == axis else n for a, n in enumerate(shape))
    q = rng.integers(limits.min, limits.max + 1, shape).astype(kind)
    zero = rng.integers(limits.min, limits.max + 1, blocks).astype(kind)
    scale = rng.uniform(1e-4, 1.0, blocks).astype(np.float32)

    real = dequantize(q, scale, zero, axis, block)

    assert real.dtype == np.float32
    np.testing.assert_allclose(real, dequantised_one_by_one(q, scale, zero, axis, block), rtol=1.2e-7)


def test_one_scale_holds_for_the_whole_tensor() -> None:
    q = np.array([-128, 0, 127], dtype=np.int8)
    real = dequantize(q, np.array([0.5], dtype=np.float32), np.array([1], dtype=np.int8), axis=0, block=64)
    np.testing.assert_array_equal(real, [-64.5, -0.5, 63.0])


def test_without_a_zero_point_zero_stands_for_zero() -> None:
    q = np.array([[-2, 2]], dtype=np.int8)
    np.testing.assert_array_equal(dequantize(q, np.array([[0.25]], dtype=np.float32), None, 1, 2), [[-0.5, 0.5]])


def test_scales_that_do_not_fit_the_weights_are_refused() -> None:
    q, scales = np.zeros((4, 18), dtype=np.int8), np.ones((4, 2), dtype=np.float32)
    with pytest.raises(ConversionFailed, match="do not fit"):
        dequantize(q, scales, None, 1, 6)


def as_the_standard_reads_it(network: bytes, data: NDArray[np.float32]) -> NDArray[np.float32]:
    model = onnx.load_model_from_string(network)
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] == "b_quantized":
            # A single scale holds for the whole tensor, whatever the block size says; the evaluator wants it unsaid.
            del node.attribute[:]
    outputs = ReferenceEvaluator(model).run(None, {"data": data})
    assert isinstance(outputs, list)
    return np.asarray(outputs[0])


def test_the_converted_network_computes_what_the_quantised_one_stands_for(network: bytes) -> None:
    data = np.random.default_rng(1).normal(0, 3, (1, 2, 8, 8)).astype(np.float32)
    expected = as_the_standard_reads_it(network, data)
    session = onnxruntime.InferenceSession(convert("float", network))
    np.testing.assert_allclose(session.run(None, {"data": data})[0], expected, atol=1e-6)
    assert expected.std() > 0.05, "the test network says nothing"


def test_nothing_is_left_of_what_onnxruntime_cannot_run(network: bytes) -> None:
    graph = onnx.load_model_from_string(convert("float", network)).graph
    assert {node.op_type for node in graph.node} == {"Conv", "Relu", "Min", "Mul", "Add", "Max", "Sigmoid"}
    assert [value.name for value in graph.input] == ["data"]
    used = {name for node in graph.node for name in node.input}
    assert {weight.name for weight in graph.initializer} <= used
    assert {weight.data_type for weight in graph.initializer} == {onnx.TensorProto.FLOAT}


def test_the_same_source_gives_the_same_bytes(network: bytes) -> None:
    assert convert("float", network) == convert("float", network)


def test_keeping_changes_nothing() -> None:
    assert convert("keep", b"anything") == b"anything"


@pytest.mark.parametrize("damage", [b"", b"no network", b"\x00" * 64])
def test_what_is_no_network_is_a_clear_error(damage: bytes) -> None:
    with pytest.raises(ConversionFailed, match="renzheng models pull"):
        convert("float", damage)


def test_half_a_network_is_a_clear_error(network: bytes) -> None:
    with pytest.raises(ConversionFailed):
        convert("float", network[: len(network) // 2])


def test_an_unknown_recipe_is_a_clear_error(network: bytes) -> None:
    with pytest.raises(ConversionFailed, match="no conversion called 'sideways'"):
        convert("sideways", network)


@pytest.mark.parametrize(
    "slopes", [[0.25, 0.0, -0.7, 1.0], [0.1, 1.0, 1.5, -2.0], [3.0, 2.0, 1.5, 1.0001]], ids=["gentle", "mixed", "steep"]
)
def test_prelu_written_out_has_the_same_bits(slopes: list[float]) -> None:
    slope = np.array(slopes, dtype=np.float32).reshape(4, 1, 1)
    info = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1, 4, 64, 64]) for n in ("x", "y")]
    prelu = helper.make_node("PRelu", ["x", "slope"], ["y"])
    graph = helper.make_graph([prelu], "prelu", info[:1], info[1:], [numpy_helper.from_array(slope, "slope")])
    plain = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString()
    x = np.random.default_rng(2).normal(0, 5, (1, 4, 64, 64)).astype(np.float32)
    x[0, :, 0, :4] = [0.0, 1e-40, -1e-40, -3e38]

    written_out = convert("float", plain)

    assert "PRelu" not in {node.op_type for node in onnx.load_model_from_string(written_out).graph.node}
    before, after = (onnxruntime.InferenceSession(net).run(None, {"x": x})[0] for net in (plain, written_out))
    np.testing.assert_array_equal(before, after)


def test_a_freed_network_takes_other_sizes() -> None:
    weight = np.random.default_rng(3).normal(size=(1, 3, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["input", "w"], ["c"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[8, 8]),
        helper.make_node("Reshape", ["c", "shape"], ["cls_8"]),
    ]
    given = helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, [1, 3, 64, 64])
    wanted = helper.make_tensor_value_info("cls_8", onnx.TensorProto.FLOAT, [1, 64, 1])
    listed = [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(np.array([1, -1, 1]), "shape")]
    graph = helper.make_graph(nodes, "fixed", [given], [wanted], listed)
    fixed = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString()

    session = onnxruntime.InferenceSession(convert("float-free-size", fixed))

    assert session.get_inputs()[0].shape == [1, 3, "height", "width"]
    data = np.ones((1, 3, 96, 160), dtype=np.float32)
    assert session.run(None, {"input": data})[0].shape == (1, 12 * 20, 1)
