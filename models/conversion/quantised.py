"""Block-quantised networks as they ship, made into clean float graphs that onnxruntime runs.

What the shipped block-quantised files have that onnxruntime cannot run, or runs badly:

* weights behind `DequantizeLinear` with a `block_size` (ONNX operator set 21), in YuNet even with a per-tensor scale;
* weights that are listed as graph inputs too, some of them (in SFace) left over and bound to nothing;
* a fixed 640 x 640 input (YuNet), though the network is fully convolutional;
* `PRelu`, which onnxruntime computes slowly, where plain maxima and products give the same bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.errors import ConversionFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_ZERO = "zero"  # name of the constant that negative parts are cut off with


def to_float(model: Any) -> bytes:
    """The float network, serialised."""
    return _finished(model, _FLOAT)


def to_float_of_free_size(model: Any) -> bytes:
    """The float network for pictures of any size, serialised."""
    return _finished(model, (*_FLOAT, _free_size))


def _finished(model: Any, steps: tuple[Callable[[Any], None], ...]) -> bytes:
    import onnx

    for step in steps:
        step(model)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def dequantize(
    quantized: NDArray[Any], scale: NDArray[np.float32], zero_point: NDArray[Any] | None, axis: int, block: int
) -> NDArray[np.float32]:
    """Real numbers that quantised weights stand for: (q - zero point) * scale, float32, the shape of `quantized`.

    A scale with a single element holds for the whole tensor; else scale and zero point have the tensor's shape, but
    along `axis` one entry for `block` neighbours (the last block may be short). Source: ONNX DequantizeLinear-21.
    Raises ConversionFailed for shapes that do not fit.
    """

    def spread(blocks: NDArray[Any]) -> NDArray[Any]:
        if blocks.size == 1:
            return blocks.reshape(())
        length = quantized.shape[axis]
        if blocks.shape[axis] != -(-length // block):
            raise ConversionFailed(f"{blocks.shape[axis]} scales do not fit {length} weights in blocks of {block}.")
        return np.repeat(blocks, block, axis=axis).take(range(length), axis=axis)

    centred = quantized.astype(np.int32)
    if zero_point is not None:
        centred -= spread(zero_point).astype(np.int32)
    return np.asarray(centred.astype(np.float32) * spread(scale), dtype=np.float32)


def _fold_weights(model: Any) -> None:
    """Turns DequantizeLinear of constants, and the Reshape behind it, into plain float weights."""
    graph = model.graph
    values = constants(graph)
    kept = []
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in values:
            values[node.output[0]] = _dequantize_node(node, values)
        elif node.op_type == "Reshape" and all(name in values for name in node.input):
            values[node.output[0]] = values[node.input[0]].reshape(values[node.input[1]])
        else:
            kept.append(node)
    _replace(graph.node, kept)
    _set_constants(graph, values)


def _dequantize_node(node: Any, values: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
    attributes = {attribute.name: attribute.i for attribute in node.attribute}
    operands = [values[name] for name in node.input]
    zero_point = operands[2] if len(operands) > 2 else None
    return dequantize(operands[0], operands[1], zero_point, attributes.get("axis", 1), attributes.get("block_size", 1))


def _drop_training_nodes(model: Any) -> None:
    """Removes Dropout, which passes its input through when a network is used."""
    graph = model.graph
    passed = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Dropout"}
    kept = [node for node in graph.node if node.op_type != "Dropout"]
    for node in kept:
        _replace(node.input, [passed.get(name, name) for name in node.input])
    used = {name for node in kept for name in node.input}
    _replace(graph.node, [node for node in kept if node.op_type != "Constant" or node.output[0] in used])


def _spell_out_prelu(model: Any) -> None:
    """Writes PRelu as operators that onnxruntime computes faster, with the same bits.

    Slopes a <= 1: max(x, a*x), for x >= a*x where x >= 0 and x <= a*x where x < 0. Where a slope exceeds one (two
    layers of SFace) that would pick the wrong branch, so there it is max(x, 0) + a * min(x, 0), one of whose terms
    is always zero.
    """
    graph = model.graph
    values = constants(graph)
    nodes: list[Any] = []
    for node in graph.node:
        if node.op_type != "PRelu":
            nodes.append(node)
        elif float(values[node.input[1]].max()) <= 1.0:
            nodes.extend(_prelu_as_max(node.input[0], node.input[1], node.output[0]))
        else:
            nodes.extend(_prelu_as_sum(node.input[0], node.input[1], node.output[0]))
            values[_ZERO] = np.zeros((), dtype=np.float32)
    _replace(graph.node, nodes)
    _set_constants(graph, values)


def _prelu_as_max(value: str, slope: str, result: str) -> list[Any]:
    return [_node("Mul", [value, slope], f"{result}_scaled"), _node("Max", [value, f"{result}_scaled"], result)]


def _prelu_as_sum(value: str, slope: str, result: str) -> list[Any]:
    return [
        _node("Relu", [value], f"{result}_positive"),
        _node("Min", [value, _ZERO], f"{result}_negative"),
        _node("Mul", [f"{result}_negative", slope], f"{result}_scaled"),
        _node("Add", [f"{result}_positive", f"{result}_scaled"], result),
    ]


def _node(operator: str, inputs: list[str], output: str) -> Any:
    import onnx

    return onnx.helper.make_node(operator, inputs, [output], name=output)


def _tidy(model: Any) -> None:
    """Keeps only what the network computes with: weights in use, true inputs, no stale shapes, names or notes."""
    graph = model.graph
    used = {name for node in graph.node for name in node.input}
    weights = [weight for weight in graph.initializer if weight.name in used]
    constant = {weight.name for weight in weights}
    _replace(graph.initializer, sorted(weights, key=lambda weight: weight.name))
    _replace(graph.input, [value for value in graph.input if value.name in used - constant])
    for field in ("value_info", "doc_string", "metadata_props"):
        graph.ClearField(field)
    for field in ("doc_string", "metadata_props", "producer_name", "producer_version", "domain", "model_version"):
        model.ClearField(field)


def _free_size(model: Any) -> None:
    """Frees height and width of a fully convolutional network's input; its outputs follow."""
    shape = model.graph.input[0].type.tensor_type.shape
    shape.dim[2].dim_param, shape.dim[3].dim_param = "height", "width"
    for output in model.graph.output:
        output.type.tensor_type.shape.dim[1].dim_param = f"cells_{output.name.rsplit('_', 1)[-1]}"


def constants(graph: Any) -> dict[str, NDArray[Any]]:
    """The arrays that a graph comes with, by name."""
    import onnx

    return {weight.name: onnx.numpy_helper.to_array(weight) for weight in graph.initializer}


def _set_constants(graph: Any, values: dict[str, NDArray[Any]]) -> None:
    import onnx

    _replace(graph.initializer, [onnx.numpy_helper.from_array(value, name) for name, value in values.items()])


def _replace(field: Any, items: list[Any]) -> None:
    del field[:]
    field.extend(items)


WEIGHTS_ONLY: tuple[Callable[[Any], None], ...] = (_fold_weights, _drop_training_nodes)
"""What has to be done before the weights of such a network can be read."""

_FLOAT: tuple[Callable[[Any], None], ...] = (*WEIGHTS_ONLY, _spell_out_prelu, _tidy)
