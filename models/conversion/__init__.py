"""The one-time conversion of networks as they ship into what this project runs, when their pack is installed.

`onnx` is imported in this package only, and only then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.conversion import leader, quantised, sface
from models.conversion.quantised import dequantize
from models.errors import ConversionFailed

__all__ = ["CONVERTER_VERSION", "RECIPES", "convert", "dequantize"]

CONVERTER_VERSION = 1
"""Raised whenever a recipe that is there already would write other bytes; all packs are then converted anew."""

RECIPES: dict[str, Callable[[Any], bytes]] = {
    "float": quantised.to_float,
    "float-free-size": quantised.to_float_of_free_size,
    "leader-float": leader.to_float,
    "leader-weights": leader.to_weights,
    "sface-weights": sface.to_weights,
}


def convert(recipe: str, source: bytes) -> bytes:
    """The file to install for a source file.

    `recipe` is the catalogue's name of the conversion: "keep" (unchanged) or one of RECIPES: "float" (SFace),
    "float-free-size" (YuNet), "sface-weights" (SFace without
    the network), "leader-float" and "leader-weights" (LEADER). The same source gives the same bytes,
    whatever the machine. Raises ConversionFailed.
    """
    if recipe == "keep":
        return source
    if recipe not in RECIPES:
        raise ConversionFailed(f"There is no conversion called '{recipe}'; the catalogue is damaged.")
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        return RECIPES[recipe](onnx.load_model_from_string(source))
    except (DecodeError, onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ConversionFailed(
            f"The network cannot be converted ({type(error).__name__}). Fetch the pack again: renzheng models pull"
        ) from error
