"""A progress line on the error stream: a bar on a terminal, elsewhere a plain line now and then."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rich.console import Console
from rich.progress import track

Item = TypeVar("Item")

_FIRST_LINE_S = 1.0
_LINE_EVERY_S = 10.0


def tracked(items: Iterable[Item], description: str, total: int) -> Iterator[Item]:
    """Yield `items` and say how far it is."""
    console = Console(stderr=True, highlight=False)
    if console.is_terminal:
        yield from track(items, description, total=total, console=console)
        return
    due = time.monotonic() + _FIRST_LINE_S
    for done, item in enumerate(items, start=1):
        yield item
        if time.monotonic() >= due:
            console.print(f"{description}: {done} of {total}")
            due = time.monotonic() + _LINE_EVERY_S
