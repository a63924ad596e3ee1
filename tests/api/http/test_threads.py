"""Threads of direct routes: few, in order, and nothing of a call stays with them."""

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from api.http.threads import Threads, at_once, on_thread

WAIT_S = 20.0


@pytest.fixture
def threads() -> Iterator[Threads]:
    made = Threads(2)
    yield made
    made.end()


def gone_within(what: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + WAIT_S
    while not what() and time.monotonic() < deadline:
        time.sleep(0.01)
    return what()


def test_a_call_gives_what_it_gives_on_another_thread(threads: Threads) -> None:
    def called(one: int, other: int) -> tuple[int, int]:
        return one - other, threading.get_ident()

    result, thread = asyncio.run(threads.run(called, 5, 3))
    assert result == 2
    assert thread != threading.get_ident()


@pytest.mark.parametrize("problem", [ValueError("no"), KeyboardInterrupt(), SystemExit(3)], ids=repr)
def test_a_call_raises_what_it_raises(threads: Threads, problem: BaseException) -> None:
    def called() -> None:
        raise problem

    async def run() -> None:
        # Of some kinds the loop itself would end.
        waiting = asyncio.gather(threads.run(called), return_exceptions=True)
        assert (await waiting)[0] is problem
        assert await threads.run(int) == 0

    if isinstance(problem, Exception):
        asyncio.run(run())
    else:
        with suppress(type(problem)):
            asyncio.run(run())
        assert asyncio.run(threads.run(int)) == 0


def test_an_end_of_an_iterator_is_an_error_too(threads: Threads) -> None:
    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(threads.run(next, iter(())))


def test_more_than_there_may_be_wait_in_their_order(threads: Threads) -> None:
    threads.allow(1)
    at_work, go_on, done = threading.Event(), threading.Event(), list[int]()

    def called(number: int) -> None:
        at_work.set()
        go_on.wait(WAIT_S)
        done.append(number)

    async def several() -> None:
        asked = [asyncio.ensure_future(threads.run(called, number)) for number in range(6)]
        await asyncio.to_thread(at_work.wait, WAIT_S)
        assert done == []
        go_on.set()
        await asyncio.gather(*asked)

    asyncio.run(several())
    assert done == list(range(6))


def test_more_may_be_allowed(threads: Threads) -> None:
    threads.allow(3)
    asyncio.run(several_at_once(threads, 3))


async def several_at_once(threads: Threads, count: int) -> None:
    """So many calls that wait for each other."""
    met = threading.Barrier(count)
    await asyncio.gather(*(threads.run(met.wait, WAIT_S) for _ in range(count)))


class Held:
    """What may be gone."""


def test_nothing_of_a_call_stays(threads: Threads) -> None:
    """It may be somebody's picture, and the thread may rest for long."""
    given, failed = Held(), Held()
    gone = [weakref.ref(given), weakref.ref(failed)]

    def fail(one: Held) -> None:
        raise ValueError(one)

    async def run(one: Held, other: Held) -> None:
        await threads.run(lambda held: held, one)
        with suppress(ValueError):
            await threads.run(fail, other)

    # At once, and not when somebody looks for garbage.
    gc.disable()
    try:
        asyncio.run(run(given, failed))
        del given, failed
        assert gone_within(lambda: all(one() is None for one in gone))
    finally:
        gc.enable()


def test_who_is_gone_is_told_nothing_and_the_thread_goes_on(threads: Threads) -> None:
    at_work, go_on, done = threading.Event(), threading.Event(), list[str]()

    def called() -> None:
        at_work.set()
        go_on.wait(WAIT_S)
        done.append("called")

    async def run() -> None:
        waiting = asyncio.ensure_future(threads.run(called))
        await asyncio.to_thread(at_work.wait, WAIT_S)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        go_on.set()
        assert await asyncio.to_thread(gone_within, lambda: done == ["called"])
        assert await threads.run(int) == 0

    asyncio.run(run())


def test_a_loop_that_is_over_ends_no_thread(threads: Threads) -> None:
    at_work, go_on = threading.Event(), threading.Event()

    def called() -> None:
        at_work.set()
        go_on.wait(WAIT_S)

    async def begin() -> None:
        waiting = asyncio.ensure_future(threads.run(called))
        await asyncio.to_thread(at_work.wait, WAIT_S)
        waiting.cancel()

    asyncio.run(begin())
    go_on.set()
    assert asyncio.run(threads.run(int)) == 0
    asyncio.run(several_at_once(threads, 2))


def test_the_end_waits_for_what_is_begun() -> None:
    threads, at_work, done = Threads(2), threading.Event(), list[str]()

    def called() -> None:
        at_work.set()
        time.sleep(0.2)
        done.append("called")

    async def begin() -> None:
        waiting = asyncio.ensure_future(threads.run(called))
        await asyncio.to_thread(at_work.wait, WAIT_S)
        waiting.cancel()

    asyncio.run(begin())
    threads.end()
    assert done == ["called"]


def test_what_waits_is_called_at_once_only_where_no_loop_is_held_up(threads: Threads) -> None:
    async def where() -> int:
        return await on_thread(threading.get_ident)

    assert asyncio.run(where()) != threading.get_ident()
    assert at_once(where()) == threading.get_ident()


def test_what_has_to_be_awaited_is_refused_without_a_loop() -> None:
    ended = []

    async def waits() -> None:
        try:
            await asyncio.sleep(0)
        finally:
            ended.append("here")

    with pytest.raises(RuntimeError, match="awaited"):
        at_once(waits())
    assert ended == ["here"]
