"""Lists that come in pages."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from .answers import Page
from .calls import Call, Pause, Steps, T, differing
from .parameters import PAGE_ITEMS

C = TypeVar("C")
A = TypeVar("A")


class Asking(Protocol):
    """Asks: a `Core`."""

    def ask(self, call: Call[A]) -> Steps[A]:
        """The answer to a call."""


class Listing(Generic[T, C]):
    """Where one is in a list.

    `page` asks for what follows a cursor. `read` gives of its answer the items, the next cursor (None: as before), and
    whether there is more. With `every_s` the list has no end: at its end it is asked again after that time.
    """

    def __init__(
        self,
        page: Callable[[C | None], Call[Any]],
        read: Callable[[Any], tuple[list[T], C | None, bool]],
        after: C | None = None,
        every_s: float | None = None,
    ) -> None:
        self._page, self._read, self._after, self._every_s = page, read, after, every_s
        self._pausing = self.ended = False

    def further(self, core: Asking) -> Steps[list[T]]:
        """The next page's items."""
        if self._pausing and self._every_s is not None:
            yield Pause(self._every_s)
        items, after, more = self._read((yield from core.ask(self._page(self._after))))
        self._after = self._after if after is None else after
        self._pausing = not more
        self.ended = not more and self._every_s is None
        return items


def pages(
    path: str,
    item: type[T],
    wanted: Mapping[str, Any] | None = None,
    amiss: Callable[[T], Iterable[str]] | None = None,
) -> Listing[T, UUID]:
    """A list in the service's usual form: `items`, and `next` to be sent as `after`. `amiss`: as of a `Call`, for each
    item."""
    page: Any = Page[item]  # type: ignore[valid-type]

    def asked(after: UUID | None) -> Call[Any]:
        def amiss_of_page(answer: Any) -> Iterator[str]:
            if amiss is not None:
                for one in answer.items:
                    yield from amiss(one)
            # A page that leads to itself would be asked for without an end.
            yield from differing(next=(after is not None and answer.next == after, False))

        query = {**(wanted or {}), "after": after, "limit": PAGE_ITEMS}
        return Call("GET", path, page, query=query, amiss=amiss_of_page)

    def told(answer: Any) -> tuple[list[T], UUID | None, bool]:
        return answer.items, answer.next, answer.next is not None

    return Listing(asked, told)
