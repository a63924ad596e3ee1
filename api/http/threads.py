"""The threads on which routes that are asked all the time answer: handed over with as little as it takes.

The general way (`anyio.to_thread`) goes through the event loop several times for a call, and through a queue and a
scope to cancel by on both sides. Here a call is put before a thread that waits, and its outcome is told to the loop.
"""

import asyncio
import atexit
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

from fastapi.concurrency import run_in_threadpool

from api.http.parameters import IDLE_S

Result = TypeVar("Result")
Given = ParamSpec("Given")


@dataclass(frozen=True, slots=True)
class _Call:
    """What is to be called, and where its outcome is waited for."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    loop: asyncio.AbstractEventLoop
    outcome: asyncio.Future[Any]


_Calls = SimpleQueue[_Call | None]
"""What a thread is to do next; None: end."""


class Threads:
    """As many threads as are at work, up to `most`; what comes then waits in its order. The one that was at work last
    is taken first: its memory is warm, and the others may end, which they do after a while."""

    def __init__(self, most: int, idle_s: float = IDLE_S) -> None:
        self._most, self._idle_s = most, idle_s
        self._lock = threading.Lock()
        self._threads: dict[_Calls, threading.Thread] = {}
        self._idle: deque[tuple[_Calls, float]] = deque()
        self._waiting: deque[_Call] = deque()
        self._ending = False
        # They hold up no interpreter that ends, but what they have begun is brought to its end.
        atexit.register(self.end)

    def allow(self, most: int) -> None:
        """So many from now on."""
        self._most = most

    @property
    def count(self) -> int:
        """Threads that are there, at work or idle."""
        return len(self._threads)

    async def run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """What the function gives, called on a thread. Raises what it raises. Who is cancelled meanwhile waits no
        more; the call goes on."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Result] = loop.create_future()
        call = _Call(function, arguments, loop, outcome)
        with self._lock:
            if self._idle:
                self._idle.pop()[0].put(call)
            elif len(self._threads) < self._most:
                self._begin(call)
            else:
                self._waiting.append(call)
        try:
            return await outcome
        finally:
            del call, outcome  # which would hold, by its traceback, what holds them

    def end(self) -> None:
        """End the idle ones, and the others when they are done; wait for that."""
        with self._lock:
            self._ending = True
            while self._idle:
                self._idle.pop()[0].put(None)
            threads = list(self._threads.values())
        for thread in threads:
            thread.join()

    def _begin(self, call: _Call) -> None:
        calls: _Calls = SimpleQueue()
        calls.put(call)
        thread = threading.Thread(target=self._work, args=(calls,), name=f"request-{len(self._threads)}", daemon=True)
        thread.start()
        self._threads[calls] = thread

    def _work(self, calls: _Calls) -> None:
        while self._answer(calls):
            pass
        with self._lock:
            del self._threads[calls]

    def _answer(self, calls: _Calls) -> bool:
        """Wait for a call and answer it; whether there may be another one. Nothing of it stays with the thread."""
        call = calls.get()
        if call is None:
            return False
        result, problem = None, None
        if not call.outcome.cancelled():
            try:
                result = call.function(*call.arguments)
            except BaseException as error:  # noqa: BLE001 - whoever waits for the outcome gets it
                problem = error
        # Before it is told: who was answered asks again, and is to find this thread.
        self._rest(calls)
        try:
            call.loop.call_soon_threadsafe(_tell, call.outcome, result, problem)
        except RuntimeError:
            if not call.loop.is_closed():
                raise
        finally:
            del call, result, problem  # its traceback leads here
        return True

    def _rest(self, calls: _Calls) -> None:
        with self._lock:
            if self._ending:
                calls.put(None)
            elif self._waiting:
                calls.put(self._waiting.popleft())
            else:
                now = time.monotonic()
                self._idle.append((calls, now))
                while self._idle[0][1] < now - self._idle_s:
                    self._idle.popleft()[0].put(None)


def _tell(outcome: asyncio.Future[Any], result: Any, problem: BaseException | None) -> None:
    if outcome.done():  # who waited has gone
        return
    if problem is None:
        outcome.set_result(result)
    elif isinstance(problem, StopIteration):  # which no future takes
        outcome.set_exception(RuntimeError("StopIteration on a thread"))
    else:
        outcome.set_exception(problem)


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
