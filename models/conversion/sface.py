"""SFace reduced to its weights, with every normalisation taken into the convolution before it, in exact arithmetic.

A chain of 27 convolutions with PReLU (MobileNet V1: Howard et al., 2017), a normalisation, a product and another
normalisation. `layer.00` to `layer.26` are the convolutions, `last` the product, whose inputs are turned from channel,
line, column into line, column, channel.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models import tensors
from models.conversion import quantised
from models.errors import ConversionFailed

Doubles: TypeAlias = NDArray[np.float64]

LAYERS, LAST_SIDE = 27, 7
_CHAIN = ["Sub", "Mul", *["Conv", "BatchNormalization", "PRelu"] * LAYERS]
_END = ["BatchNormalization", "Flatten", "Gemm", "BatchNormalization"]


def to_weights(model: Any) -> bytes:
    """The weights alone, as safetensors: `*.weight` (outputs, inputs, 3 or 1, 3 or 1), `*.bias` and `*.slope`.

    Raises ConversionFailed when the network is not SFace.
    """
    for step in quantised.WEIGHTS_ONLY:
        step(model)
    nodes, values = list(model.graph.node), quantised.constants(model.graph)
    if [node.op_type for node in nodes] != [*_CHAIN, *_END]:
        raise ConversionFailed("The network's layers are not those of the SFace that is known here.")
    arrays: dict[str, Doubles] = {}
    for number in range(LAYERS):
        convolution, norm, activation = nodes[2 + 3 * number : 5 + 3 * number]
        factor, term = _norm(norm, values)
        weight, bias = _operands(convolution, values)
        arrays[f"layer.{number:02}.weight"] = weight * factor[:, None, None, None]
        arrays[f"layer.{number:02}.bias"] = bias * factor + term
        arrays[f"layer.{number:02}.slope"] = values[activation.input[1]].reshape(-1).astype(np.float64)
    before, _, product, after = nodes[-4:]
    (factor, term), (scale, shift) = _norm(before, values), _norm(after, values)
    weight, bias = _operands(product, values)
    spread = weight.reshape(len(weight), len(factor), LAST_SIDE, LAST_SIDE).transpose(0, 2, 3, 1)
    arrays["last.weight"] = (spread * factor).reshape(len(weight), -1) * scale[:, None]
    arrays["last.bias"] = ((spread * term).sum(axis=(1, 2, 3)) + bias) * scale + shift
    return tensors.dumps({name: array.astype(np.float32) for name, array in arrays.items()})


def _operands(node: Any, values: dict[str, NDArray[Any]]) -> tuple[Doubles, Doubles]:
    weight = values[node.input[1]].astype(np.float64)
    bias = values[node.input[2]].astype(np.float64) if len(node.input) > 2 else np.zeros(len(weight))
    return weight, bias


def _norm(node: Any, values: dict[str, NDArray[Any]]) -> tuple[Doubles, Doubles]:
    """What a batch normalisation multiplies each channel with and adds to it."""
    epsilon = next((field.f for field in node.attribute if field.name == "epsilon"), 1e-5)
    factor, term, mean, variance = (values[name].astype(np.float64) for name in node.input[1:5])
    scale = factor / np.sqrt(variance + epsilon)
    return scale, term - mean * scale
