"""Reading ahead in compiled code: the processor begins to bring a place of memory near and goes on meanwhile.

Looks at rows here and there each wait for memory, some 100 ns; begun ahead of their use, ten or more wait together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

LINE = 64
"""Bytes that the processor brings at a time."""
_BYTE, _INT = ir.IntType(8), ir.IntType(32)
# To be read, and often again; data, no code.
_HOW = tuple(ir.Constant(_INT, value) for value in (0, 3, 1))


def _bring(_context: Any, table: Any, _row: Any, _offset: Any) -> tuple[Any, Callable[..., Any]]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        stride = cgutils.unpack_tuple(builder, array.strides)[0]  # type: ignore[no-untyped-call]
        start = builder.bitcast(array.data, _BYTE.as_pointer())
        place = builder.gep(start, [builder.add(builder.mul(arguments[1], stride), arguments[2])])
        kind = ir.FunctionType(ir.VoidType(), [place.type, _INT, _INT, _INT])
        name = f"llvm.prefetch.{place.type.intrinsic_name}"
        builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [place, *_HOW])  # type: ignore[no-untyped-call]
        return context.get_dummy_value()

    return types.void(table, types.intp, types.intp), generate


bring = cast("Callable[[NDArray[np.generic], int, int], None]", intrinsic(_bring))
"""In compiled code: begin to bring the line in which a byte of a table's row lies: the table, the row, the byte.
Harmless where there is no such row."""
