"""The terminal's clock beside the service's.

Stamps are judged by the service's clock. A terminal's may be off by minutes, and nobody notices until every capture is
`capture_stale`: so the client learns the difference from what the service says of its own time.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from .parameters import SANE_YEARS


def _now() -> datetime:
    return datetime.now(UTC)


class Clock:
    """`wall` gives the calendar's time, aware; `ticks` seconds that only grow."""

    def __init__(self, wall: Callable[[], datetime] = _now, ticks: Callable[[], float] = time.monotonic) -> None:
        self.wall, self.ticks = wall, ticks
        self.behind = timedelta(0)

    def heard(self, at: datetime) -> timedelta:
        """The service said a moment ago that it was `at`; gives how far the terminal's clock is behind the service's.

        The way of the answer counts as if the clock were ahead: a corrected time is never one to come. Raises
        ValueError for a time that no service has: it would lead out of the calendar.
        """
        if at.year not in SANE_YEARS:
            raise ValueError("no time of a service")
        self.behind = at - self.wall()
        return self.behind

    def service_time(self) -> datetime:
        """What the service's clock shows, as far as is known."""
        return self.wall() + self.behind
