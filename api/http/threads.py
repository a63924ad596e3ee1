"""The threads on which routes that are asked all the time answer, a request on one of them from its key to its answer.

The general way (`anyio.to_thread`) goes through the event loop several times for a call; the loop's own, to a pool of
the standard library's, once.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from fastapi.concurrency import run_in_threadpool

Result = TypeVar("Result")
Given = ParamSpec("Given")


class Threads:
    """As many threads as are at work at once, up to `most`; what comes then waits in its order."""

    def __init__(self, most: int) -> None:
        self._pool = _pool(most)

    def allow(self, most: int) -> None:
        """So many from now on. What was begun goes on, on threads that then end."""
        self._pool = _pool(most)

    async def run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """What the function gives, called on a thread. Raises what it raises. Who is cancelled meanwhile waits no
        more; the call goes on."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, _called, function, *arguments)

    def end(self) -> None:
        """Wait for what is begun."""
        self._pool.shutdown()


def _pool(most: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(most, thread_name_prefix="request")


def _called(function: Callable[..., Result], *arguments: Any) -> Result:
    try:
        return function(*arguments)
    except StopIteration as error:
        # No future takes it, and whoever waits would wait for ever.
        raise RuntimeError("StopIteration on a thread") from error


THREADS = Threads(40)
"""Those of the direct routes (`direct.py`); the application says how many it allows."""


async def on_thread(function: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Result:
    """What a function that waits gives: called on a thread, and at once where no event loop would be held up."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return function(*given, **named)
    return await run_in_threadpool(function, *given, **named)


def at_once(steps: Coroutine[Any, Any, Result]) -> Result:
    """What a coroutine gives that waits for nothing, or by `on_thread` alone; not to be called in an event loop's
    thread. Raises RuntimeError where it waits for something else."""
    try:
        steps.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    steps.close()
    raise RuntimeError("on this thread nothing can be awaited")
