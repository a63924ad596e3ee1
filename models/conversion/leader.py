"""LEADER, as TensorFlow exported it, reduced to its weights, and these to fewer.

The exported file has 1,337 nodes: layer normalisations and GELUs written out, dilations as rearrangements, shapes
computed on the way. Only its convolutions, normalisations and their names are read here, and taken together where
nothing lies between, in exact arithmetic:

* a normalisation's factors and terms go into the product behind it (in the blocks of the second part and the heads);
* a block's reduction of its inner channels, the residual sum and the adjustment behind them become two products, of
  the inner channels and of the block's input; in the heads the next layer as well. 7.2 billion multiplications for a
  picture of 384 x 384 become 5.4.

`leader_graph` writes the network down again with these weights, and the result is held against the original.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models import tensors
from models.conversion import leader_graph
from models.errors import ConversionFailed

Floats: TypeAlias = NDArray[np.float32]
Doubles: TypeAlias = NDArray[np.float64]

LEVELS = 4
TOLERANCE = 1e-3
"""Largest difference of an answer (0..1, or radians) from the original network's."""
_SURE = 0.1
"""Quality from which the answers for a pixel are compared: below it is noise, above it a maximum among neighbours."""
_PREFIX = "functional_1/"
_POSITION, _DIRECTION, _KIND = "head_0", "head_1", "head_2"
_LAST = {_POSITION: "Conv__3172", _DIRECTION: "head_conv_dir_1/BiasAdd", _KIND: "Conv__3000"}


def to_float(model: Any) -> bytes:
    """The network with fewer and larger nodes, in the same terms as the original, serialised; checked against it."""
    converted = leader_graph.network(weights(model))
    _compare(bytes(model.SerializeToString()), converted)
    return converted


def to_weights(model: Any) -> bytes:
    """The weights alone, as safetensors."""
    return tensors.dumps(weights(model))


def weights(model: Any) -> dict[str, Floats]:
    """The weights of the network by name. Raises ConversionFailed when it is not LEADER."""
    try:
        return _weights(_Exported(model.graph))
    except KeyError as error:
        raise ConversionFailed(f"The network has no {error}; it is not the LEADER that is known here.") from None


class _Exported:
    """The constants of the exported graph by the layer that uses them."""

    def __init__(self, graph: Any) -> None:
        import onnx

        self._constants = {weight.name: onnx.numpy_helper.to_array(weight) for weight in graph.initializer}
        self._nodes = {node.output[0].removeprefix(_PREFIX).removesuffix(":0"): node for node in graph.node}

    def kernel(self, layer: str) -> Floats:
        """Weights of a convolution."""
        return np.asarray(self._constants[self._nodes[layer].input[1]])

    def bias(self, layer: str) -> Floats:
        """Its bias: the convolution's own, or the constant of the sum that its output is an operand of."""
        node = self._nodes[layer]
        return np.asarray(self._constants[node.input[2]]).ravel() if node.op_type == "Conv" else self.constant(layer)

    def constant(self, layer: str) -> Floats:
        """The constant operand of a product or sum."""
        (name,) = [name for name in self._nodes[layer].input if name in self._constants]
        return np.asarray(self._constants[name]).ravel()

    def matrix(self, layer: str) -> tuple[Doubles, Doubles]:
        """A 1 x 1 convolution as a matrix (outputs, inputs), and its bias."""
        return self.kernel(layer)[:, :, 0, 0].astype(np.float64), self.bias(layer).astype(np.float64)

    def norm(self, layer: str) -> tuple[Floats, Floats]:
        """Factors and terms of a normalisation."""
        return self.constant(f"{layer}/mul"), self.constant(f"{layer}/add_1")


def _weights(exported: _Exported) -> dict[str, Floats]:
    found: dict[str, Floats | Doubles] = {}
    for stem in ("stem0", "stem1"):
        _plain(found, f"{stem}.near", exported, f"{stem}_conv_1/BiasAdd")
        _dilated(found, f"{stem}.far", exported, f"{stem}_dilated_conv_1")
        found[f"{stem}.norm.factor"], found[f"{stem}.norm.term"] = exported.norm(f"{stem}_ln_1")
    for way in ("enc", "dec"):
        for level in range(LEVELS):
            _separable(found, exported, f"{way}0_{level}")
            _bottleneck(found, exported, f"{way}1_{level}", f"{way}1_{level}")
    _plain(found, "attention1", exported, "attention_conv_d1_1/BiasAdd")
    for dilation in (3, 6):
        _dilated(found, f"attention{dilation}", exported, f"attention_conv_d{dilation}_1")
    found["gate.weight"], found["gate.bias"] = exported.matrix("attention_s_1/BiasAdd")
    for head, last in _LAST.items():
        _bottleneck(found, exported, f"{head}_ibc", head, then=exported.matrix(f"{head}_conv1_1/BiasAdd"))
        found[f"{head}.norm.factor"], found[f"{head}.norm.term"] = exported.norm(f"{head}_ln_1")
        found[f"{head}.mix.weight"], found[f"{head}.mix.bias"] = exported.matrix(f"{head}_conv2_1/BiasAdd")
        _plain(found, f"{head}.last", exported, last)
    found["blur"] = exported.kernel("nms_Gaussian_blur_1/convolution")[0, 0]
    return {name: np.ascontiguousarray(value, dtype=np.float32) for name, value in found.items()}


def _plain(found: dict[str, Floats | Doubles], name: str, exported: _Exported, layer: str) -> None:
    found[f"{name}.weight"], found[f"{name}.bias"] = exported.kernel(layer), exported.bias(layer)


def _dilated(found: dict[str, Floats | Doubles], name: str, exported: _Exported, layer: str) -> None:
    """A dilated convolution, which the export computes on rearranged pixels: its bias is added when they are back."""
    found[f"{name}.weight"] = exported.kernel(f"{layer}/convolution")
    found[f"{name}.bias"] = exported.bias(f"{layer}/BiasAdd")


def _separable(found: dict[str, Floats | Doubles], exported: _Exported, name: str) -> None:
    found[f"{name}.depthwise"] = exported.kernel(f"{name}_conv_1/separable_conv2d/depthwise")
    found[f"{name}.pointwise.weight"], found[f"{name}.pointwise.bias"] = exported.matrix(f"{name}_conv_1/BiasAdd")
    found[f"{name}.norm.factor"], found[f"{name}.norm.term"] = exported.norm(f"{name}_ln_1")


def _bottleneck(
    found: dict[str, Floats | Doubles],
    exported: _Exported,
    layer: str,
    name: str,
    then: tuple[Doubles, Doubles] | None = None,
) -> None:
    """A block; `then` is a matrix and bias that follow it with nothing between."""
    found[f"{name}.depthwise"] = exported.kernel(f"{layer}_depthwise_conv_1/depthwise")
    factor, term = (values.astype(np.float64) for values in exported.norm(f"{layer}_ln_1"))
    expand, expand_bias = exported.matrix(f"{layer}_conv_exp_1/BiasAdd")
    reduce, reduce_bias = exported.matrix(f"{layer}_conv_red_1/BiasAdd")
    adjust, adjust_bias = exported.matrix(f"{layer}_conv_adj_1/BiasAdd")
    if then is not None:
        adjust, adjust_bias = product(then[0], adjust), product(then[0], adjust_bias[:, None])[:, 0] + then[1]
    found[f"{name}.expand.weight"] = expand * factor
    found[f"{name}.expand.bias"] = product(expand, term[:, None])[:, 0] + expand_bias
    found[f"{name}.hidden.weight"] = product(adjust, reduce)
    found[f"{name}.direct.weight"] = adjust
    found[f"{name}.bias"] = product(adjust, reduce_bias[:, None])[:, 0] + adjust_bias


def product(left: Doubles, right: Doubles) -> Doubles:
    """left @ right, summed in one order on every machine: what is installed is pinned by its hash."""
    total = np.zeros((len(left), right.shape[1]))
    for column, row in zip(left.T, right, strict=True):
        total += column[:, None] * row
    return total


def _compare(original: bytes, converted: bytes) -> None:
    """Raises ConversionFailed when the networks answer differently to a picture of ridges with minutiae among them."""
    import onnxruntime

    from models.sessions import session_options

    picture = ridges()[None, :, :, None]
    expected, found = (
        onnxruntime.InferenceSession(network, session_options(), providers=["CPUExecutionProvider"]).run(
            None, {leader_graph.INPUT: picture}
        )[0][0]
        for network in (original, converted)
    )
    sure = expected[..., 3] >= _SURE
    differences: dict[str, Callable[[], Floats]] = {
        "position": lambda: found[..., 0] - expected[..., 0],
        "direction": lambda: np.angle(np.exp(1j * (found[..., 1] - expected[..., 1])))[sure],
        "kind": lambda: found[..., 2] - expected[..., 2],
        "quality": lambda: (found[..., 3] - expected[..., 3])[sure],
    }
    if not sure.any():
        raise ConversionFailed("The original network finds no minutia where there are some.")
    for answer, difference in differences.items():
        if not np.abs(difference()).max() <= TOLERANCE:
            raise ConversionFailed(f"The converted network gives another {answer} than the original.")


def ridges(height: int = 128, width: int = 160) -> Floats:
    """Parallel ridges, float32 (H, W) 0..255, with four places where one begins: turns of their phase."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    phase = 2 * np.pi * (x + 0.4 * y) / 9.0
    for turn, (line, column) in zip((1, -1, 1, -1), ((40, 50), (44, 110), (88, 60), (84, 118)), strict=True):
        phase += turn * np.arctan2(y - line - 0.5, x - column - 0.5)
    return np.asarray(127.0 - 100.0 * np.cos(phase), dtype=np.float32)
