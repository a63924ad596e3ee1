"""When a request is sent again, and after what pause."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from .errors import AnswerUnusable, Refused, RenzhengError, Unreachable
from .parameters import FIRST_PAUSE_S, GIVE_UP_AFTER_S, LONGEST_PAUSE_S, TRIES

# What passes by itself: the service, or what stands in front of it, cannot answer now.
PASSING = frozenset({429, 500, 502, 503, 504})
# The request was cut off on its way; it is whole when it is sent again.
_CUT_OFF = "body_incomplete"


@dataclass(frozen=True)
class Retrying:
    """`tries` in all, none begun later than `give_up_after_s` after the first.

    Pauses are drawn evenly below a limit that doubles (full jitter), so that terminals that were cut off at once do not
    come back at once. What the service asks for by `Retry-After` is waited for besides.
    """

    tries: int = TRIES
    give_up_after_s: float = GIVE_UP_AFTER_S
    first_pause_s: float = FIRST_PAUSE_S
    longest_pause_s: float = LONGEST_PAUSE_S
    draw: Callable[[float, float], float] = field(default=random.uniform, repr=False)

    def pause_s(self, problem: RenzhengError, attempt: int, gone_s: float) -> float | None:
        """How long to wait after the nth attempt; None: there is no further one."""
        if attempt >= self.tries or not is_passing(problem):
            return None
        asked_s = problem.retry_after_s or 0.0 if isinstance(problem, Refused) else 0.0
        limit_s = min(self.longest_pause_s, self.first_pause_s * 2.0 ** (attempt - 1))
        pause_s = asked_s + self.draw(0.0, limit_s)
        return pause_s if gone_s + pause_s <= self.give_up_after_s else None


NEVER = Retrying(tries=1)


def is_passing(problem: RenzhengError) -> bool:
    """Whether the very same request may succeed a moment later. Not all that is `retryable`: a bad capture is too, but
    only taken anew."""
    if isinstance(problem, Refused):
        return problem.retryable and (problem.http in PASSING or problem.code == _CUT_OFF)
    return isinstance(problem, Unreachable | AnswerUnusable) and problem.retryable


def asked_to_wait_s(retry_after: str | None, date: str | None) -> float | None:
    """`Retry-After` in seconds: a number, or a time, held against the answer's own `Date`. None: there is none."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 7:
        return float(retry_after)
    until, now = http_date(retry_after), http_date(date)
    return None if until is None else max(0.0, (until - (now or datetime.now(UTC))).total_seconds())


def http_date(text: str | None) -> datetime | None:
    """A time as headers write it, aware; None where there is none."""
    try:
        when = None if text is None else parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return when if when is None or when.tzinfo is not None else when.replace(tzinfo=UTC)
