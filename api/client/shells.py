"""The thin part: sends the requests of operations with httpx, waits, and calls, in a thread or on asyncio's loop."""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import closing
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

import httpx

from .calls import Pause, Send, Step, Steps
from .core import Core
from .listing import Listing

P = ParamSpec("P")
R = TypeVar("R")


class Shell:
    """One key of one service, with connections."""

    def __init__(self, core: Core) -> None:
        self.core = core

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self.core.url}>"


class SyncShell(Shell):
    """Carries operations out in the thread that calls. May be shared by threads."""

    def __init__(self, core: Core, http: httpx.Client, sleep: Callable[[float], None] = time.sleep) -> None:
        super().__init__(core)
        self._http, self._sleep = http, sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def run(self, steps: Steps[R]) -> R:
        """An operation to its end."""
        with closing(steps):
            try:
                step = next(steps)
                while True:
                    try:
                        outcome = self._carry_out(step)
                    except Exception as error:  # noqa: BLE001 - the operation judges it
                        step = steps.throw(error)
                    else:
                        step = steps.send(outcome)
            except StopIteration as end:
                result: R = end.value
                return result

    def walk(self, listing: Listing[R, Any]) -> Iterator[R]:
        """All of a list, page by page."""
        while not listing.ended:
            yield from self.run(listing.further(self.core))

    def _carry_out(self, step: Step) -> Any:
        if isinstance(step, Send):
            return self._http.send(step.request)
        if isinstance(step, Pause):
            return self._sleep(step.seconds)
        return step.what()


class AsyncShell(Shell):
    """Carries operations out on the running loop."""

    def __init__(
        self,
        core: Core,
        http: httpx.AsyncClient,
        sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep,
    ) -> None:
        super().__init__(core)
        self._http, self._sleep = http, sleep

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def run(self, steps: Steps[R]) -> R:
        """An operation to its end."""
        with closing(steps):
            try:
                step = next(steps)
                while True:
                    try:
                        outcome = await self._carry_out(step)
                    except Exception as error:  # noqa: BLE001 - the operation judges it
                        step = steps.throw(error)
                    else:
                        step = steps.send(outcome)
            except StopIteration as end:
                result: R = end.value
                return result

    async def walk(self, listing: Listing[R, Any]) -> AsyncIterator[R]:
        """All of a list, page by page."""
        while not listing.ended:
            for one in await self.run(listing.further(self.core)):
                yield one

    async def _carry_out(self, step: Step) -> Any:
        if isinstance(step, Send):
            return await self._http.send(step.request)
        if isinstance(step, Pause):
            return await self._sleep(step.seconds)
        outcome = step.what()
        return await outcome if inspect.isawaitable(outcome) else outcome


class Operation(Generic[P, R]):
    """A method of both clients, written once: the synchronous one returns, the asynchronous one is awaited."""

    def __init__(self, steps: Callable[Concatenate[Core, P], Steps[R]]) -> None:
        self._steps = steps
        self.__doc__ = steps.__doc__

    @overload
    def __get__(self, shell: SyncShell, owner: type) -> Callable[P, R]: ...
    @overload
    def __get__(self, shell: AsyncShell, owner: type) -> Callable[P, Coroutine[Any, Any, R]]: ...
    @overload
    def __get__(self, shell: None, owner: type) -> Self: ...
    def __get__(self, shell: SyncShell | AsyncShell | None, owner: type) -> Any:
        """The method of a client."""
        if shell is None:
            return self

        def method(*arguments: P.args, **named: P.kwargs) -> Any:
            return shell.run(self._steps(shell.core, *arguments, **named))

        method.__doc__ = self.__doc__
        return method


class Walk(Generic[P, R]):
    """A method that goes through a list: `for` with the synchronous client, `async for` with the other."""

    def __init__(self, listing: Callable[P, Listing[R, Any]]) -> None:
        self._listing = listing
        self.__doc__ = listing.__doc__

    @overload
    def __get__(self, shell: SyncShell, owner: type) -> Callable[P, Iterator[R]]: ...
    @overload
    def __get__(self, shell: AsyncShell, owner: type) -> Callable[P, AsyncIterator[R]]: ...
    @overload
    def __get__(self, shell: None, owner: type) -> Self: ...
    def __get__(self, shell: SyncShell | AsyncShell | None, owner: type) -> Any:
        """The method of a client."""
        if shell is None:
            return self

        def method(*arguments: P.args, **named: P.kwargs) -> Any:
            return shell.walk(self._listing(*arguments, **named))

        method.__doc__ = self.__doc__
        return method
