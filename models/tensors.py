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
_METADATA = "__metadata__"


def dumps(arrays: Mapping[str, NDArray[np.float32]], metadata: Mapping[str, str] | None = None) -> bytes:
    """The file for arrays of float32, in the order of their names, with texts that say what they are."""
    header: dict[str, Any] = {_METADATA: dict(sorted(metadata.items()))} if metadata else {}
    parts, offset = [], 0
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
        header, arrays = _split(data)
        return {name: _array(entry, arrays) for name, entry in header.items() if name != _METADATA}
    except _DAMAGE as error:
        raise ValueError("no file of float32 tensors") from error


def metadata_of(data: bytes) -> dict[str, str]:
    """The texts that such a file was written with. Raises ValueError where it is none, or holds none."""
    try:
        header, _ = _split(data)
        return {str(name): str(text) for name, text in header[_METADATA].items()}
    except _DAMAGE as error:
        raise ValueError("no file of tensors with metadata") from error


_DAMAGE = (KeyError, TypeError, AttributeError, ValueError, OverflowError, RecursionError)


def _split(data: bytes) -> tuple[dict[str, Any], bytes]:
    """The header, and the bytes behind it. Raises one of _DAMAGE."""
    start = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "little")
    return json.loads(data[_LENGTH_BYTES:start]), data[start:]


def _array(entry: dict[str, Any], data: bytes) -> NDArray[np.float32]:
    first, last = entry["data_offsets"]
    shape = [operator.index(side) for side in entry["shape"]]
    count, rest = divmod(last - first, _TYPE.itemsize)
    if entry["dtype"] != "F32" or not 0 <= first <= last <= len(data) or rest or count != math.prod(shape):
        raise ValueError
    return np.frombuffer(data, _TYPE, count, first).reshape(shape)
