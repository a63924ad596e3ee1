"""In compiled code: which of 64 numbers in a row reach a bar, as 64 bits at once.

A loop with a branch for each number takes longer than making the scores; the compiler does not find this by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

LANES = 64
_WORD, _PLACE = ir.IntType(64), ir.IntType(32)


def _reached(_context: Any, numbers: Any, _first: Any, _bar: Any) -> tuple[Any, Callable[..., Any]]:
    bits = numbers.dtype.bitwidth
    lanes = ir.VectorType(ir.IntType(bits), LANES)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = builder.bitcast(builder.gep(array.data, [arguments[1]]), lanes.as_pointer())
        loaded = builder.load(pointer, align=bits // 8)
        bar = builder.insert_element(ir.Constant(lanes, ir.Undefined), arguments[2], _PLACE(0))
        bars = builder.shuffle_vector(bar, bar, ir.Constant(ir.VectorType(_PLACE, LANES), [0] * LANES))
        return builder.bitcast(builder.icmp_signed(">=", loaded, bars), _WORD)

    return types.uint64(numbers, types.intp, numbers.dtype), generate


reached = cast("Callable[[NDArray[np.int16] | NDArray[np.int32], int, int], np.uint64]", intrinsic(_reached))
"""Of whole numbers (n,), contiguous, from a place on of which `LANES` must be left: the lowest bit is the first."""
