"""Times that a wrong clock does not spoil.

How old a terminal's knowledge is, is counted with the machine's ticks since its start, from the moment at which the
service told its own time. Setting the calendar clock back does not make it younger. The ticks of a virtual machine that
was saved and resumed stood still, and its calendar clock was set right: the larger of the two counts. After a restart
of the machine the ticks begin anew: then the calendar clock counts, unless it is found to lie, and then the age is
unknown.
"""

import math
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import Any, Protocol

from .parameters import AHEAD_S, EARLIEST, LATEST, LONGEST_RUN_S

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_THIS_PROCESS = token_hex(16)


class Clock(Protocol):
    """What tells the time."""

    def wall(self) -> datetime:
        """The calendar clock, aware, UTC."""

    def ticks(self) -> float:
        """Seconds that only grow, the time that the machine sleeps included."""

    def boot(self) -> str:
        """While it is the same, ticks can be compared."""


class SystemClock:
    """The machine's."""

    def wall(self) -> datetime:
        """The calendar clock."""
        return datetime.now(UTC)

    def ticks(self) -> float:
        """Since the machine started."""
        # Linux stops its usual counter while the machine sleeps.
        return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()

    def boot(self) -> str:
        """The machine's start; this process's, where the system does not tell."""
        return _started()


@cache
def _started() -> str:
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return _THIS_PROCESS


@dataclass(frozen=True)
class Standing:
    """The service's word: everything up to the number `seq` was all there was at `as_of`, by the service's clock.

    When `ticks` was counted after the start `boot`, and `wall` read, the service's clock stood at `now` or before it.
    """

    seq: int
    as_of: datetime
    now: datetime
    boot: str
    ticks: float
    wall: datetime

    def service_time(self, clock: Clock) -> datetime | None:
        """What the service's clock shows at most; None where that cannot be known."""
        wall = clock.wall()
        if self.boot == clock.boot():
            passed = clock.ticks() - self.ticks
            # Ticks do not go back: these were counted elsewhere, or were written by somebody.
            if passed < 0:
                return None
            return self.now + timedelta(seconds=min(max(passed, (wall - self.wall).total_seconds()), LONGEST_RUN_S))
        return None if wall < self.wall or wall < self.now else wall

    def is_outrun(self, clock: Clock) -> bool:
        """Whether the calendar clock went further than the ticks: it was set, or the machine was saved and resumed."""
        passed = clock.ticks() - self.ticks
        return self.boot == clock.boot() and (clock.wall() - self.wall).total_seconds() > passed + AHEAD_S

    def as_json(self) -> dict[str, Any]:
        """To be read by `from_json`."""
        return {name: one.isoformat() if isinstance(one, datetime) else one for name, one in asdict(self).items()}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> "Standing":
        """Raises KeyError, TypeError or ValueError for what is no standing."""
        as_of, now = sound_time(told["as_of"]), sound_time(told["now"])
        wall, seq, ticks = datetime.fromisoformat(told["wall"]), told["seq"], float(told["ticks"])
        if wall.tzinfo is None or wall >= LATEST or type(seq) is not int or not 0 <= ticks <= LONGEST_RUN_S:
            raise ValueError("out of bounds")
        return cls(seq, as_of, now, str(told["boot"]), ticks, wall)


def told(
    clock: Clock, seq: int, as_of: datetime, asked: float, wall: datetime | None, before: Standing | None
) -> Standing:
    """The service said `as_of` of `seq`; `asked` are the ticks from which on it may have said so.

    With `wall`, the calendar clock then, it is the answer to a question put at that moment. Else it came by itself, and
    what was known before holds: a word that was long on its way does not make the present younger.
    """
    now, boot = as_of, clock.boot()
    if wall is None and before is not None and before.boot == boot:
        now = max(now, before.now + timedelta(seconds=max(0.0, asked - before.ticks)))
    return Standing(seq, as_of, now, boot, asked, wall or clock.wall())


def sound_time(text: str) -> datetime:
    """A time of the service, aware. Raises TypeError, and ValueError for what is none, or outside the bounds."""
    when = datetime.fromisoformat(text)
    if when.tzinfo is None or not EARLIEST <= when < LATEST:
        raise ValueError("no time of the service")
    return when


def is_ahead(when: datetime, now: datetime | None) -> bool:
    """Whether a time of the service is not past yet, which says that a clock was wrong."""
    return now is not None and when > now + timedelta(seconds=AHEAD_S)


def age_s(as_of: datetime | None, now: datetime | None) -> float | None:
    """Seconds since `as_of`; None where that is unknown: nothing is held, or a clock lies, the service's included."""
    if as_of is None or now is None or is_ahead(as_of, now):
        return None
    return max(0.0, (now - as_of).total_seconds())


def is_stale(age: float | None, stale_after_s: float) -> bool:
    """Whether an age is above the limit, or unknown."""
    return age is None or not age <= stale_after_s


def sound_limit(stale_after_s: float) -> float:
    """The limit, where it is one: seconds, finite, not negative. Raises ValueError."""
    if not (math.isfinite(stale_after_s) and stale_after_s >= 0):
        raise ValueError("the age from which a list is stale is a number of seconds")
    return stale_after_s
