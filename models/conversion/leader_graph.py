"""LEADER as an ONNX graph of few large nodes, from its weights: what runs where the project's own kernels cannot.

Products and normalisations see channels last, as onnxruntime's kernels want them, and convolutions channels first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Weights: TypeAlias = Mapping[str, NDArray[np.float32]]

INPUT, OUTPUT = "input", "answer"
LEVELS = 4
_EPSILON = 1e-3
_OWN = "com.microsoft"  # onnxruntime's operators: its GELU in the tanh form is one node, and adds a bias


def network(weights: Weights) -> bytes:
    """The network, serialised: pictures (1, height, width, 1) to answers (1, height, width, 4)."""
    import onnx

    graph = _Graph(weights)
    picture = graph.node("Transpose", INPUT, perm=[0, 3, 1, 2])
    features = graph.features(picture)
    position = graph.node("Sigmoid", graph.head("head_0", features))
    direction = graph.angle(graph.head("head_1", features))
    kind = graph.node("Sigmoid", graph.head("head_2", features))
    answer = graph.node("Concat", position, direction, kind, graph.peaks(position), axis=1)
    graph.node("Transpose", answer, perm=[0, 2, 3, 1], output=OUTPUT)
    kind_of = onnx.TensorProto.FLOAT
    sizes: list[int | str | None] = [1, "height", "width"]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            graph.nodes,
            "leader",
            [onnx.helper.make_tensor_value_info(INPUT, kind_of, [*sizes, 1])],
            [onnx.helper.make_tensor_value_info(OUTPUT, kind_of, [*sizes, 4])],
            [onnx.numpy_helper.from_array(value, name) for name, value in sorted(graph.constants.items())],
        ),
        opset_imports=[onnx.helper.make_opsetid("", 20), onnx.helper.make_opsetid(_OWN, 1)],
        ir_version=9,
    )
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


class _Graph:
    """The graph that is being written. Values are the names of their tensors, channels first between the methods."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self.nodes: list[Any] = []
        self.constants: dict[str, NDArray[Any]] = {}

    def node(self, operator: str, *inputs: str, domain: str = "", output: str | None = None, **settings: Any) -> str:
        """Adds a node with one output and gives its name."""
        import onnx

        name = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(operator, list(inputs), [name], name, domain=domain, **settings))
        return name

    def constant(self, name: str, value: NDArray[Any] | None = None) -> str:
        """A constant, or the weight of that name."""
        self.constants[name] = np.ascontiguousarray(self._weights[name] if value is None else value)
        return name

    def features(self, picture: str) -> str:
        """The map that the heads read, at half the picture's size."""
        first = self.node("MaxPool", self.stem("stem0", picture), kernel_shape=[2, 2], strides=[2, 2])
        seen = self.u_shape("0", first)
        views = [self.gelu(self.convolution(f"attention{d}", seen, dilation=d)) for d in (1, 3, 6)]
        gate = self.channels_first(self.product("gate", self.channels_last(self.node("Concat", *views, axis=1))))
        weighed = self.node("Mul", seen, self.node("Sigmoid", gate))
        second = self.node("AveragePool", self.stem("stem1", picture), kernel_shape=[2, 2], strides=[2, 2])
        return self.u_shape("1", self.node("Concat", weighed, second, axis=1))

    def u_shape(self, part: str, value: str) -> str:
        """Four blocks downwards, each at half the size of the one before, and four upwards that see both."""
        block = self.separable if part == "0" else self.bottleneck
        seen = []
        for level in range(LEVELS):
            value = block(f"enc{part}_{level}", value)
            seen.append(value)
            value = self.pool(value, self._outputs(f"enc{part}_{level}"))
        for level in reversed(range(LEVELS)):
            value = self.node("Concat", self.twice(block(f"dec{part}_{level}", value)), seen[level], axis=1)
        return value

    def stem(self, name: str, picture: str) -> str:
        """Two convolutions of the picture, one of them dilated."""
        near, far = self.convolution(f"{name}.near", picture), self.convolution(f"{name}.far", picture, dilation=2)
        both = self.channels_last(self.node("Concat", near, far, axis=1))
        return self.channels_first(self.gelu(self.norm(name, both)))

    def separable(self, name: str, value: str) -> str:
        """A depthwise separable block."""
        inner = self.channels_last(self.depthwise(f"{name}.depthwise", value))
        return self.channels_first(self.gelu(self.norm(name, self.product(f"{name}.pointwise", inner))))

    def bottleneck(self, name: str, value: str) -> str:
        """An inverted bottleneck block."""
        inner = self.channels_last(self.depthwise(f"{name}.depthwise", value))
        inner = self.times(f"{name}.expand.weight", self.normed(inner, len(self._weights[f"{name}.depthwise"])))
        inner = self.node("FastGelu", inner, self.constant(f"{name}.expand.bias"), domain=_OWN)
        direct = self.times(f"{name}.direct.weight", self.channels_last(value))
        both = self.node("Add", self.times(f"{name}.hidden.weight", inner), direct)
        return self.channels_first(self.node("Add", both, self.constant(f"{name}.bias")))

    def head(self, name: str, features: str) -> str:
        """A head's answers at the picture's size, before any activation."""
        value = self.norm(name, self.channels_last(self.bottleneck(name, features)))
        value = self.twice(self.channels_first(self.gelu(self.product(f"{name}.mix", value))))
        return self.convolution(f"{name}.last", value)

    def angle(self, value: str) -> str:
        """The angle, in radians from -pi to pi, of a vector in two channels.

        ONNX has no arctangent of two numbers; this is 2 atan(y / (x + r)), r being the vector's length.
        """
        across, up = (self.node("Gather", value, self.constant(f"channel_{i}", np.array([i])), axis=1) for i in (0, 1))
        length = self.node("ReduceL2", value, self.constant("channels", np.array([1])), keepdims=1)
        tiny = self.constant("tiny", np.array(1e-12, np.float32))
        half = self.node("Div", up, self.node("Max", self.node("Add", across, length), tiny))
        return self.node("Mul", self.node("Atan", half), self.constant("two", np.array(2.0, np.float32)))

    def peaks(self, position: str) -> str:
        """The smoothed position where it is the largest of 7 x 7 pixels, else 0."""
        blur = self.constant("blur", self._weights["blur"][None, None])
        smooth = self.node("Conv", position, blur, kernel_shape=[5, 5], pads=[2] * 4)
        most = self.node("MaxPool", smooth, kernel_shape=[7, 7], pads=[3] * 4, strides=[1, 1])
        return self.node("Mul", most, self.node("Cast", self.node("Equal", smooth, most), to=1))

    def convolution(self, name: str, value: str, *, dilation: int = 1) -> str:
        """A convolution with bias that keeps the size."""
        return self._convolution(value, f"{name}.weight", f"{name}.bias", dilation=dilation)

    def depthwise(self, name: str, value: str) -> str:
        """A convolution of each channel by itself that keeps the size."""
        return self._convolution(value, name, group=len(self._weights[name]))

    def _convolution(self, value: str, *names: str, dilation: int = 1, group: int = 1) -> str:
        size = self._weights[names[0]].shape[2]
        return self.node(
            "Conv", value, *map(self.constant, names), kernel_shape=[size, size], group=group,
            dilations=[dilation] * 2, pads=[dilation * (size // 2)] * 4,
        )  # fmt: skip

    def times(self, name: str, value: str) -> str:
        """A matrix (outputs, inputs) times channels last."""
        return self.node("MatMul", value, self.constant(name, self._weights[name].T))

    def product(self, name: str, value: str) -> str:
        """The same with bias."""
        return self.node("Add", self.times(f"{name}.weight", value), self.constant(f"{name}.bias"))

    def norm(self, name: str, value: str) -> str:
        """Layer normalisation of channels last, with its factors and terms."""
        names = self.constant(f"{name}.norm.factor"), self.constant(f"{name}.norm.term")
        return self.node("LayerNormalization", value, *names, axis=-1, epsilon=_EPSILON)

    def normed(self, value: str, channels: int) -> str:
        """The same without."""
        ones = self.constant(f"ones_{channels}", np.ones(channels, np.float32))
        return self.node("LayerNormalization", value, ones, axis=-1, epsilon=_EPSILON)

    def gelu(self, value: str) -> str:
        """GELU in its tanh form."""
        return self.node("FastGelu", value, domain=_OWN)

    def twice(self, value: str) -> str:
        """Each pixel four times."""
        scales = self.constant("scales", np.array([1, 1, 2, 2], np.float32))
        return self.node(
            "Resize", value, "", scales, mode="nearest", coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )  # fmt: skip

    def pool(self, value: str, channels: int) -> str:
        """Half the channels by the largest of 2 x 2 pixels, the others by the mean."""
        import onnx

        halves = [f"{value}_first", f"{value}_second"]
        sizes = self.constant(f"halves_{channels}", np.array([channels // 2] * 2))
        self.nodes.append(onnx.helper.make_node("Split", [value, sizes], halves, f"{value}_split", axis=1))
        pools = [
            self.node(kind, half, kernel_shape=[2, 2], strides=[2, 2])
            for kind, half in zip(("MaxPool", "AveragePool"), halves, strict=True)
        ]
        return self.node("Concat", *pools, axis=1)

    def channels_last(self, value: str) -> str:
        """Channels first to channels last."""
        return self.node("Transpose", value, perm=[0, 2, 3, 1])

    def channels_first(self, value: str) -> str:
        """Channels last to channels first."""
        return self.node("Transpose", value, perm=[0, 3, 1, 2])

    def _outputs(self, name: str) -> int:
        bias = f"{name}.bias" if f"{name}.bias" in self._weights else f"{name}.pointwise.bias"
        return len(self._weights[bias])
