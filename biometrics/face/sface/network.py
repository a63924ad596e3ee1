"""SFace: an aligned face to an embedding, by kernels of our own or by onnxruntime.

Zhong, Deng, Hu, Zhao, Wen: "SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face Recognition", TIP 30, 2021. The
network is MobileNet V1 with PReLU. The kernels take products of bfloat16 numbers, summed in float32; all else is
float32. Embeddings differ from onnxruntime's by a cosine of less than 0.001, comparison scores by less than 0.01.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

import models
from biometrics.kernels import lanes, packing
from biometrics.kernels.tiles import ROWS

from . import layers
from .openvino import PROVIDERS, OpenVinoNetwork

if TYPE_CHECKING:
    from pathlib import Path

    from onnxruntime import InferenceSession

_log = logging.getLogger(__name__)
Floats = NDArray[np.float32]
SIDE, EMBEDDING = 112, 128
_STEPS = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
_MIDDLE, _SCALE = 127.5, 0.0078125
"""What the network subtracts from a grey value, and multiplies the rest with."""


class Network(Protocol):
    """What makes an embedding, float32 (128,), of an aligned face, uint8 (112, 112, 3), RGB."""

    def __call__(self, crop: NDArray[np.uint8]) -> Floats:
        """The embedding."""


class SessionNetwork:
    """The network in onnxruntime, in float32."""

    def __init__(self, session: InferenceSession) -> None:
        self._session = session

    def __call__(self, crop: NDArray[np.uint8]) -> Floats:
        """See `Network`."""
        blob = np.ascontiguousarray(crop.transpose(2, 0, 1)[None], np.float32)
        (embedding,) = self._session.run(None, {"data": blob})
        return np.asarray(embedding, np.float32).reshape(-1)


class KernelNetwork:
    """The network with its weights, in the kernels. Safe among threads; runs without the interpreter's lock."""

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        self._stem, self._stem_slopes = _stem(weights)
        self._blocks = [_block(weights, number, step) for number, step in enumerate(_STEPS)]
        self._last = packing.product(weights["last.weight"], weights["last.bias"])
        self._ones = np.ones(EMBEDDING, np.float32)
        self._sizes = _sizes([len(self._stem.bias), *(len(block.product.bias) for block in self._blocks)])
        self._kept = threading.local()

    def __call__(self, crop: NDArray[np.uint8]) -> Floats:
        """See `Network`."""
        # 127.5 around the picture, which is what 0 is to the network behind its subtraction; bfloat16 holds it exactly.
        framed = np.full((SIDE + 2, SIDE + 2 + ROWS, 4), _HALF_GREY, np.uint16)
        framed[1:-1, 1 : SIDE + 1, :3] = _GREYS[crop]
        seen, side = self._map(0, SIDE, len(self._stem.bias)), SIDE
        layers.stem(framed, side, self._stem, self._stem_slopes, seen)
        for number, block in enumerate(self._blocks):
            after = -(-side // block.step)
            made = self._map(1 - number % 2, after, len(block.product.bias))
            layers.separable(seen, side, block, made)
            seen, side = made, after
        return np.asarray(layers.last(seen, self._last, self._ones)[:EMBEDDING], np.float32)

    def _map(self, number: int, side: int, channels: int) -> Floats:
        """One of the thread's two places for maps, as a map of this size; kept, as the system charges for new pages."""
        if not hasattr(self._kept, "places"):
            self._kept.places = [np.empty(size, np.float32) for size in self._sizes]
        place: Floats = self._kept.places[number]
        return place[: (side * side + ROWS) * channels].reshape(-1, channels)


def open_network(home: Path | None = None, *, threads: int = 1, provider: str | None = None) -> Network:
    """The network of the installed pack under `home`, in the fastest form that this processor can compute.

    `threads` is for onnxruntime; the kernels use one. With a `provider` that computes it: `openvino` or `openvino-bf16`
    (see `openvino.py`), or one of onnxruntime's, such as CUDAExecutionProvider. Raises ValueError for one that is not
    there, models.errors.PackMissing or PackDamaged.
    """
    if provider in PROVIDERS:
        return OpenVinoNetwork.open(provider, home, threads=threads)
    if provider is not None:
        return SessionNetwork(models.open_session("sface", "sface", threads=threads, home=home, provider=provider))
    if lanes.supported():
        return KernelNetwork(models.open_weights("sface", "sface_weights", home=home))
    _log.warning("no AVX-512 BF16 on this processor: faces are embedded in float, which takes about twice the time")
    return SessionNetwork(models.open_session("sface", "sface", threads=threads, home=home))


def _sizes(channels: list[int]) -> tuple[int, int]:
    """How many numbers the largest maps have of those that take turns in two places."""
    side, sizes = SIDE, [0, 0]
    for number, (step, count) in enumerate(zip((1, *_STEPS), channels, strict=True)):
        side = -(-side // step)
        sizes[number % 2] = max(sizes[number % 2], (side * side + ROWS) * count)
    return sizes[0], sizes[1]


def _stem(weights: Mapping[str, Floats]) -> tuple[packing.Product, Floats]:
    """The first layer for grey values 0..255; its fourth input is the frame's grey everywhere and weighs nothing."""
    taps = weights["layer.00.weight"].transpose(0, 2, 3, 1) * np.float32(_SCALE)
    four = np.zeros((*taps.shape[:3], 4), np.float32)
    four[..., :3] = taps
    rounded = (packing.halves(four).astype(np.uint32) << 16).view(np.float32)
    bias = weights["layer.00.bias"] - np.float32(_MIDDLE) * rounded.sum(axis=(1, 2, 3), dtype=np.float64)
    product = packing.product(four.reshape(len(four), -1), bias.astype(np.float32))
    return product, weights["layer.00.slope"]


def _block(weights: Mapping[str, Floats], number: int, step: int) -> layers.Block:
    first, second = f"layer.{2 * number + 1:02}", f"layer.{2 * number + 2:02}"
    taps, matrix = weights[f"{first}.weight"], weights[f"{second}.weight"]
    return layers.Block(
        step,
        np.ascontiguousarray(taps.reshape(len(taps), 9).T),
        np.array(weights[f"{first}.bias"]),
        np.array(weights[f"{first}.slope"]),
        packing.product(matrix.reshape(matrix.shape[:2]), weights[f"{second}.bias"]),
        np.array(weights[f"{second}.slope"]),
    )


_GREYS = packing.halves(np.arange(256, dtype=np.float32))
_HALF_GREY = int(packing.halves(np.array([_MIDDLE], np.float32))[0])
