"""How this room compiles: numba machine code without the interpreter's lock, kept on disk between runs.

numba looks only at the file of the function itself when it decides whether kept machine code is still good; a kernel
that takes a constant from `parameters` or calls a kernel of another file would go on with the old one. So the kept code
of the whole room is dropped, once when the room is imported, as soon as any of its sources is newer than any of it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import numba

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")

ROOM = Path(__file__).parent


def kernel(function: Callable[Arguments, Value]) -> Callable[Arguments, Value]:
    """Compile `function` with numba; it runs without the lock, so that threads scale, and its machine code is kept.

    Where no folder can be written (a sealed container), it is compiled anew in each process; NUMBA_CACHE_DIR can name
    a folder that can.
    """
    return _compiled(function, False)


def loose_kernel(function: Callable[Arguments, Value]) -> Callable[Arguments, Value]:
    """As `kernel`, for sums whose order does not matter, so that they can be taken many numbers at a time.

    Not-a-number and infinity keep their meaning.
    """
    return _compiled(function, {"reassoc", "contract", "nsz", "arcp"})


def _compiled(function: Callable[Arguments, Value], loosely: bool | set[str]) -> Callable[Arguments, Value]:
    try:
        compiled = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=loosely)(function)
    except RuntimeError:  # numba found no place to keep it
        compiled = numba.njit(nogil=True, error_model="numpy", fastmath=loosely)(function)
    return cast("Callable[Arguments, Value]", compiled)


def drop_stale(room: Path = ROOM) -> int:
    """Delete the machine code kept for `room` where a source is newer than any of it; returns how many files went."""
    kept = [*room.glob("__pycache__/*.nbi"), *room.glob("__pycache__/*.nbc")]
    with suppress(OSError):  # another process may be deleting the same files, and a read-only installation never ages
        newest_source = max(path.stat().st_mtime_ns for path in room.glob("*.py"))
        if kept and min(path.stat().st_mtime_ns for path in kept) < newest_source:
            for path in kept:
                path.unlink(missing_ok=True)
            return len(kept)
    return 0


drop_stale()
