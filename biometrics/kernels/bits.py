"""Counting bits in compiled code: one machine instruction, which numba has no name for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numba import types
from numba.extending import intrinsic


def _one_bits(_context: Any, _word: Any) -> tuple[Any, Callable[..., Any]]:
    def generate(_context: Any, builder: Any, _signature: Any, words: Any) -> Any:
        return builder.ctpop(words[0])

    return types.uint64(types.uint64), generate


one_bits = cast("Callable[[np.uint64], int]", intrinsic(_one_bits))
"""In compiled code: how many bits of an uint64 are 1. Several at once where the processor has AVX-512 VPOPCNTDQ."""
