"""A queue that gives back what has the lowest key first: a binary heap in plain arrays, for compiled code."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from biometrics.kernels.compiled import kernel

FIELDS = 4


class Queue(NamedTuple):
    """`keys` float32 (capacity,) and `values` int32 (capacity, 4); `size` int64 (1,) says how many are in it."""

    keys: NDArray[np.float32]
    values: NDArray[np.int32]
    size: NDArray[np.int64]


@kernel
def new_queue(capacity: int) -> tuple[NDArray[np.float32], NDArray[np.int32], NDArray[np.int64]]:
    """The fields of an empty `Queue`; the caller must never put in more than `capacity`."""
    return np.empty(capacity, np.float32), np.empty((capacity, FIELDS), np.int32), np.zeros(1, np.int64)


@kernel
def put(queue: Queue, key: float, first: int, second: int, third: int, fourth: int) -> None:
    """Put four numbers in."""
    place = queue.size[0]
    queue.size[0] += 1
    while place > 0 and queue.keys[(place - 1) // 2] > key:
        _move(queue, (place - 1) // 2, place)
        place = (place - 1) // 2
    queue.keys[place] = key
    row = queue.values[place]
    row[0], row[1], row[2], row[3] = first, second, third, fourth


@kernel
def drop_first(queue: Queue) -> None:
    """Take out the first, which was at index 0; the queue must not be empty."""
    queue.size[0] -= 1
    size = queue.size[0]
    key = queue.keys[size]
    place = 0
    while 2 * place + 1 < size:
        child = 2 * place + 1
        if child + 1 < size and queue.keys[child + 1] < queue.keys[child]:
            child += 1
        if key <= queue.keys[child]:
            break
        _move(queue, child, place)
        place = child
    _move(queue, size, place)


@kernel
def _move(queue: Queue, source: int, target: int) -> None:
    queue.keys[target] = queue.keys[source]
    for field in range(FIELDS):
        queue.values[target, field] = queue.values[source, field]
