"""One request, and the steps by which an operation goes on. Nothing here sends anything."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import httpx

T = TypeVar("T")


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request and the type of its answer.

    `writes`: it bears an idempotency key, `key` or a fresh one. `vouched`: what the leaf of the answer's receipt has to
    say of this request, by the leaf's names.
    """

    method: str
    path: str
    answer: type[T]
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    query: Mapping[str, Any] = field(default_factory=dict)
    writes: bool = False
    key: str | None = None
    operator_key: str | None = field(default=None, repr=False)
    vouched: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Send:
    """Send the request; the step is answered with the response, or with what httpx raised."""

    request: httpx.Request


@dataclass(frozen=True)
class Pause:
    """Wait for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Take:
    """Call this; the step is answered with what it gives. An asynchronous client awaits it where it can be awaited."""

    what: Callable[[], Any]


Step = Send | Pause | Take
Steps = Generator[Step, Any, T]
"""An operation: it yields steps, is sent their outcomes, and returns its result."""
