"""Inner products of many vectors with many others, in whole numbers: which faces of two tiles are alike, roughly.

onnxruntime multiplies bytes with the processor's own instructions for it (VNNI): 1.3 * 10^9 pairs of 128 dimensions a
second on one core, four times as many as BLAS does of floats. A compiled scan keeps the few that are alike.
"""

from __future__ import annotations

import threading
from functools import cache

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper

from biometrics.kernels.compiled import kernel

_ZERO = 128
_RUN = 128
_LOWEST = np.int32(np.iinfo(np.int32).min)
_local = threading.local()


def raised(probes: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Probes (n, D) as the product takes them: bytes without a sign, 128 more, of which the product is told."""
    return (probes.view(np.uint8) ^ np.uint8(_ZERO)).astype(np.uint8, copy=False)


def turned(references: NDArray[np.int8]) -> NDArray[np.int8]:
    """References (m, D) as the product takes them: (D, m), m filled up to a multiple of 128."""
    count, dimensions = references.shape
    columns = np.zeros((dimensions, -(-count // _RUN) * _RUN), np.int8)
    columns[:, :count] = references.T
    return columns


def alike(probes: NDArray[np.uint8], references: NDArray[np.int8], count: int, least: int) -> NDArray[np.int32]:
    """Rows and columns int32 (p, 2) of the pairs whose product is at least `least`, in the order of both.

    `probes` (n, D) were `raised`, `references` (D, m) `turned`, of which the first `count` are some. For threads, each
    of which has scratch memory of its own.
    """
    rows, columns = len(probes), references.shape[1]
    products = _scratch(rows * columns).reshape(rows, columns)
    bound = _session().io_binding()
    bound.bind_cpu_input("probes", probes)
    bound.bind_cpu_input("references", references)
    bound.bind_output("products", "cpu", 0, np.int32, products.shape, products.ctypes.data)
    _session().run_with_iobinding(bound)
    runs = products.reshape(-1, _RUN)
    found = np.empty((max(1_024, rows * columns // 256), 2), np.int32)
    total = _collect(runs, least, columns // _RUN, count, found)
    if total > len(found):
        found = np.empty((total, 2), np.int32)
        _collect(runs, least, columns // _RUN, count, found)
    return found[:total]


def _scratch(size: int) -> NDArray[np.int32]:
    room: NDArray[np.int32] | None = getattr(_local, "room", None)
    if room is None or len(room) < size:
        room = _local.room = np.empty(size, np.int32)
    return room[:size]


@cache
def _session() -> onnxruntime.InferenceSession:
    """The product of two matrices of bytes, on the thread that asks for it."""
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["probes", "references", "zero"], ["products"])],
        "products",
        [
            helper.make_tensor_value_info("probes", TensorProto.UINT8, ["n", "d"]),
            helper.make_tensor_value_info("references", TensorProto.INT8, ["d", "m"]),
        ],
        [helper.make_tensor_value_info("products", TensorProto.INT32, ["n", "m"])],
        [helper.make_tensor("zero", TensorProto.UINT8, [], bytes([_ZERO]), raw=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


@kernel
def _highest(run: NDArray[np.int32]) -> int:
    # Alone, so that the loop is made of vector instructions: ten times as fast as one with a way out.
    highest = _LOWEST
    for place in range(len(run)):
        highest = max(highest, run[place])
    return int(highest)


@kernel
def _collect(runs: NDArray[np.int32], least: int, in_row: int, columns: int, found: NDArray[np.int32]) -> int:
    """Write rows and columns of products of at least `least` while there is room; returns how many there are."""
    count = 0
    for number in range(len(runs)):
        if _highest(runs[number]) < least:
            continue
        row, first = number // in_row, number % in_row * _RUN
        for place in range(_RUN):
            if runs[number, place] >= least and first + place < columns:
                if count < len(found):
                    found[count, 0], found[count, 1] = row, first + place
                count += 1
    return count
