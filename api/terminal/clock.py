"""Times that a wrong clock does not spoil.

How old a terminal's knowledge is, is counted with the machine's ticks since its start, from the moment at which the
service told its own time. Neither the calendar clock nor whoever sets it changes that. After a restart of the machine
the ticks begin anew: then the calendar clock counts, unless it is found to lie, and then the age is unknown.
"""

import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import Any, Protocol

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
        if self.boot == clock.boot():
            return self.now + timedelta(seconds=max(0.0, clock.ticks() - self.ticks))
        wall = clock.wall()
        return None if wall < self.wall or wall < self.now else wall

    def as_json(self) -> dict[str, Any]:
        """To be read by `from_json`."""
        return {name: one.isoformat() if isinstance(one, datetime) else one for name, one in asdict(self).items()}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> "Standing":
        """Raises KeyError, TypeError or ValueError for what is no standing."""
        times = {name: datetime.fromisoformat(told[name]) for name in ("as_of", "now", "wall")}
        if any(one.tzinfo is None for one in times.values()):
            raise ValueError("a time without its zone")
        return cls(seq=int(told["seq"]), boot=str(told["boot"]), ticks=float(told["ticks"]), **times)


def told(clock: Clock, seq: int, as_of: datetime, asked: float, before: Standing | None) -> Standing:
    """The service said `as_of` of `seq`; `asked` are the ticks from which on it may have said so.

    What was known before holds: a word that was long on its way does not make the present younger.
    """
    now = as_of
    boot = clock.boot()
    if before is not None and before.boot == boot:
        now = max(now, before.now + timedelta(seconds=max(0.0, asked - before.ticks)))
    return Standing(seq, as_of, now, boot, asked, clock.wall())
