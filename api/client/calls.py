"""One request, and the steps by which an operation goes on. Nothing here sends anything."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

import httpx

T = TypeVar("T")


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request and the type of its answer.

    `writes`: it bears an idempotency key, `key` or a fresh one. `vouched`: what the leaf of the answer's receipt has to
    say of this request, by the leaf's names, those inside of others after a slash. `amiss`: gives the names of what the
    answer itself says otherwise than this request asks for.
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
    amiss: Callable[[T], Iterable[str]] | None = None


def differing(**pairs: tuple[Any, Any]) -> Iterator[str]:
    """The names of pairs that differ: what an answer says, and what was asked. Identifiers may be texts."""
    for name, (said, wanted) in pairs.items():
        if (str(said) if isinstance(said, UUID) else said) != (str(wanted) if isinstance(wanted, UUID) else wanted):
            yield name


def unlike(wanted: Mapping[str, Any], **said: Any) -> Iterator[str]:
    """The names of what an item of a list says otherwise than was asked for; what was not asked for is free."""
    yield from differing(**{name: (one, wanted[name]) for name, one in said.items() if wanted[name] is not None})


def is_of(wanted: str) -> Callable[[Any], Iterator[str]]:
    """For answers that have to bear the `id` that was asked for."""
    return lambda answer: differing(id=(str(answer.id), wanted))


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
