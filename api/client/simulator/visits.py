"""What customers show at a counter, what became of it, and what that says of many."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..answers import Nonce
from ..given import Captures, Card


@dataclass(frozen=True)
class Shown:
    """A card and what is captured of whoever shows it: `take` is called for every verification anew."""

    card: Card
    take: Callable[[Nonce], Captures] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Visit:
    """One verification: when it began and was answered (a monotonic clock, s), and the decision or the error's code."""

    began_s: float
    ended_s: float
    decision: str | None
    error: str | None = None

    @property
    def seconds(self) -> float:
        """How long the customer waited: nonce, captures, repetitions and all."""
        return self.ended_s - self.began_s


@dataclass(frozen=True)
class Summary:
    """Visits in figures. `median_s`, `p99_s`, `longest_s`: of those that were decided, None where none was."""

    visits: int
    decisions: dict[str, int]
    errors: dict[str, int]
    seconds: float
    decided_per_s: float
    median_s: float | None
    p99_s: float | None
    longest_s: float | None


def summarise(visits: Sequence[Visit], seconds: float) -> Summary:
    """The visits of so many seconds."""
    decided = sorted(one.seconds for one in visits if one.error is None)
    return Summary(
        len(visits),
        dict(Counter(one.decision for one in visits if one.decision is not None)),
        dict(Counter(one.error for one in visits if one.error is not None)),
        seconds,
        len(decided) / seconds if seconds > 0 else 0.0,
        _quantile(decided, 0.5),
        _quantile(decided, 0.99),
        decided[-1] if decided else None,
    )


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that so large a share does not exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None
