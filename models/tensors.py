"""Named arrays in one file, in the safetensors format (https://github.com/huggingface/safetensors, version 0.4).

Eight bytes of length, little-endian; so many bytes of JSON, which give each array's type, shape and place; the arrays,
little-endian. Written here with plain Python, since the same arrays have to give the same bytes for ever.
"""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LENGTH_BYTES = 8
_TYPE = np.dtype("<f4")


def dumps(arrays: Mapping[str, NDArray[np.float32]]) -> bytes:
    """The file for arrays of float32, in the order of their names."""
    header, parts, offset = {}, [], 0
    for name in sorted(arrays):
        data = np.ascontiguousarray(arrays[name], dtype=_TYPE).tobytes()
        shape = list(arrays[name].shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, offset + len(data)]}
        parts.append(data)
        offset += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _LENGTH_BYTES)
    return b"".join([len(text).to_bytes(_LENGTH_BYTES, "little"), text, *parts])


def loads(data: bytes) -> dict[str, NDArray[np.float32]]:
    """The arrays of such a file, read-only. Raises ValueError for anything else."""
    try:
        start = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "little")
        header = json.loads(data[_LENGTH_BYTES:start])
        return {name: _array(entry, data[start:]) for name, entry in header.items() if name != "__metadata__"}
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise ValueError("no file of float32 tensors") from error


def _array(entry: dict[str, Any], data: bytes) -> NDArray[np.float32]:
    first, last = entry["data_offsets"]
    shape = [operator.index(side) for side in entry["shape"]]
    count, rest = divmod(last - first, _TYPE.itemsize)
    if entry["dtype"] != "F32" or not 0 <= first <= last <= len(data) or rest or count != math.prod(shape):
        raise ValueError
    return np.frombuffer(data, _TYPE, count, first).reshape(shape)
