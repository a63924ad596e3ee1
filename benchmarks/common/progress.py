"""A progress line on the error stream: a bar on a terminal, a plain line now and then elsewhere (a log, a pipe)."""

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from rich.console import Console
from rich.progress import track as rich_track

Item = TypeVar("Item")

FIRST_LINE_S = 1.0
LINE_EVERY_S = 10.0


def track(items: Iterable[Item], description: str, *, total: int | None = None) -> Iterator[Item]:
    """Yield `items` and say how far it is; `total` where `items` has no length."""
    count = total if total is not None else _length(items)
    if sys.stderr.isatty():
        yield from rich_track(items, description=description, total=count, console=Console(stderr=True))
    else:
        yield from _plain(items, description, count)


def say(message: str) -> None:
    """One line of progress for a step that has no countable parts."""
    sys.stderr.write(message + "\n")
    sys.stderr.flush()


def _length(items: Iterable[object]) -> int | None:
    return len(items) if isinstance(items, Sized) else None


def _plain(items: Iterable[Item], description: str, total: int | None) -> Iterator[Item]:
    due = time.monotonic() + FIRST_LINE_S
    spoke = False
    done = 0
    for done, item in enumerate(items, start=1):
        yield item
        if time.monotonic() >= due:
            say(f"{description}: {done}" + (f" of {total}" if total else ""))
            due = time.monotonic() + LINE_EVERY_S
            spoke = True
    if spoke:
        say(f"{description}: done, {done}")
