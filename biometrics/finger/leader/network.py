"""LEADER, the network that finds minutiae, in kernels of our own: the file that reads as the network does.

R. Cappelli, "No feature left behind: filling the gap in fingerprint minutiae extraction" (LEADER, 2025). A first
U-shaped part makes an attention map, which weighs its own features beside those of a second stem for a second U-shaped
part of ConvNeXt blocks (Liu et al., "A ConvNet for the 2020s", 2022); three heads answer for position, direction and
kind. What makes it fast here:

* all products with few outputs are taken together when the weights are prepared (`models.conversion`): what a block
  reduces its inner channels to is only ever reduced further, so that one product does both;
* products are of bfloat16 numbers, summed in float32: the rest of the network hides the rounding;
* a block's inner channels, four times as many as its outer ones, stay in the first-level cache;
* direction and kind are computed only where there is a minutia.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from biometrics.finger.leader import heads, layers, packing
from biometrics.finger.leader.layers import DILATIONS, Indices
from biometrics.finger.leader.packing import Weights
from biometrics.finger.leader.workspace import Workspace
from biometrics.kernels.packing import Floats, product
from biometrics.kernels.tiles import NARROW

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

LEVELS = 4
KEPT_BYTES = 100_000_000
"""A workspace larger than this (of a picture of some 800 x 800 pixels) is not kept for the next picture."""
_POSITION, _DIRECTION, _KIND = "head_0", "head_1", "head_2"
_MADE = "made"
"""Where every block makes its map: it is put elsewhere before the next block runs. With a place for each a workspace
was a quarter larger. (That the two parts share their other maps too would save as much again, and cost 1 to 3 % of the
time: their frames have to be cleared each time.)"""


@dataclass(frozen=True, eq=False)
class Findings:
    """Minutiae, n of them: `at` int64 (n, 2) line and column, `direction` float32 radians from the x axis *upwards*,
    `ending` and `quality` float32 0..1; and `position`, float32 (H, W) 0..1: how much each pixel is a minutia."""

    at: Indices
    direction: Floats
    ending: Floats
    quality: Floats
    position: Floats


class Network(Protocol):
    """What finds minutiae of a least quality in a picture, float32 (H, W) 0..255, sides multiples of 32."""

    def __call__(self, picture: Floats, threshold: float) -> Findings:
        """The minutiae, in no particular order."""


class KernelNetwork:
    """The network with its weights, in the kernels. Safe among threads; runs without the interpreter's lock."""

    def __init__(self, weights: Weights) -> None:
        self._stem = packing.stem(weights)
        self._first = {name: packing.separable(weights, name) for name in _blocks("0")}
        self._second = {name: packing.bottleneck(weights, name) for name in _blocks("1")}
        self._dilated = tuple(packing.dilated(weights, f"attention{number}", NARROW) for number in DILATIONS)
        self._gate = product(weights["gate.weight"], weights["gate.bias"])
        self._heads = {name: packing.head(weights, name, NARROW) for name in (_POSITION, _DIRECTION, _KIND)}
        self._kernels = {name: heads.phases(head.last) for name, head in self._heads.items()}
        self._free: list[Workspace] = []
        self._blur = np.ascontiguousarray(weights["blur"])

    def __call__(self, picture: Floats, threshold: float) -> Findings:
        """See Network."""
        space = self._free.pop() if self._free else Workspace()
        height, width = (side // 2 for side in picture.shape)
        start, joined = space.map("start", height, width, 16), space.map("joined", height, width, 64)
        layers.stems(np.pad(picture, 4), self._stem, start, joined, 32)
        seen = self._u_shape(space, start, height, width, "0")
        layers.attend(seen, height, width, self._dilated, self._gate, joined)
        features = self._u_shape(space, joined, height, width, "1")
        findings = self._answers(space, features, height, width, threshold)
        if space.size <= KEPT_BYTES:
            self._free.append(space)
        return findings

    def _u_shape(self, space: Workspace, source: Floats, height: int, width: int, part: str) -> Floats:
        """Four blocks downwards, each at half the size of the one before, and four upwards that see both."""
        maps: list[Floats] = []
        for level in range(LEVELS):
            size, half = (height >> level, width >> level), (height >> level + 1, width >> level + 1)
            made, count = self._block(space, f"enc{part}_{level}", source, *size)
            above = self._outputs(f"dec{part}_{level}")
            maps.append(space.map(f"joined{part}_{level}", *size, above + count))
            layers.place(made, count, maps[-1], *size, above)
            source = space.map(f"pooled{part}_{level}", *half, count)
            layers.pool(made, count, source, *size)
        for level in reversed(range(LEVELS)):
            size = height >> level + 1, width >> level + 1
            made, count = self._block(space, f"dec{part}_{level}", source, *size)
            source = maps[level]
            layers.place_twice(made, count, source, *size)
        return source

    def _block(self, space: Workspace, name: str, source: Floats, height: int, width: int) -> tuple[Floats, int]:
        """What a block makes of a map, and how many of its channels count."""
        if name in self._first:
            first = self._first[name]
            made = space.plain(_MADE, height, width, len(first.factors))
            layers.separable(source, first, made)
        else:
            second = self._second[name]
            made = space.plain(_MADE, height, width, len(second.hidden.bias))
            layers.bottleneck(source, second, False, made)
        return made, self._outputs(name)

    def _answers(self, space: Workspace, features: Floats, height: int, width: int, threshold: float) -> Findings:
        head = self._heads[_POSITION]
        made = space.plain(_MADE, height, width, len(head.block.hidden.bias))
        layers.bottleneck(features, head.block, True, made)
        position = heads.position(made, width, head, self._kernels[_POSITION])
        quality = heads.smooth(position, self._blur)
        at = heads.peaks(quality, threshold)
        direction, kind = (
            heads.answers_at(features, height, width, self._heads[name], self._kernels[name], at)
            for name in (_DIRECTION, _KIND)
        )
        return Findings(
            at,
            np.arctan2(direction[:, 1], direction[:, 0]),
            np.float32(1.0) / (np.float32(1.0) + np.exp(-kind[:, 0])),
            quality[at[:, 0], at[:, 1]],
            position,
        )

    def _outputs(self, name: str) -> int:
        return self._first[name].outputs if name in self._first else self._second[name].outputs


class SessionNetwork:
    """The network in float, as onnxruntime computes it: where the kernels cannot run. Safe among threads."""

    def __init__(self, session: InferenceSession) -> None:
        self._session = session

    def __call__(self, picture: Floats, threshold: float) -> Findings:
        """See Network."""
        (answers,) = self._session.run(None, {self._session.get_inputs()[0].name: picture[None, :, :, None]})
        position, direction, ending, quality = np.moveaxis(answers[0], -1, 0)
        at = np.argwhere(quality >= threshold)
        y, x = at.T
        return Findings(at, direction[y, x], ending[y, x], quality[y, x], position)


def _blocks(part: str) -> list[str]:
    return [f"{way}{part}_{level}" for way in ("enc", "dec") for level in range(LEVELS)]
