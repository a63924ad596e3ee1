"""How everything here compiles: numba machine code without the interpreter's lock, kept on disk between runs.

numba looks only at the file of the function itself when it decides whether kept machine code is still good; a kernel
that takes a constant from another file or calls a kernel of one would go on with the old one. So the kept code of a
folder is dropped, once in a process, when its first kernel is defined, as soon as any source of the folder or of this
room is newer than any of it. Kernels must take nothing else: constants and kernels of their own folder, and this room.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import numba

Arguments = ParamSpec("Arguments")
Value = TypeVar("Value")

SHARED = Path(__file__).parent


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
    _drop_stale_once(Path(function.__code__.co_filename).parent)
    try:
        compiled = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath=loosely)(function)
    except RuntimeError:  # numba found no place to keep it
        compiled = numba.njit(nogil=True, error_model="numpy", fastmath=loosely)(function)
    return cast("Callable[Arguments, Value]", compiled)


def drop_stale(room: Path) -> int:
    """Delete the machine code kept for the folder `room` where a source is newer than any of it; returns how many files
    went."""
    kept = [*room.glob("__pycache__/*.nbi"), *room.glob("__pycache__/*.nbc")]
    with suppress(OSError):  # another process may be deleting the same files, and a read-only installation never ages
        newest_source = max(path.stat().st_mtime_ns for path in [*room.glob("*.py"), *SHARED.glob("*.py")])
        if kept and min(path.stat().st_mtime_ns for path in kept) < newest_source:
            for path in kept:
                path.unlink(missing_ok=True)
            return len(kept)
    return 0


_drop_stale_once = cache(drop_stale)
