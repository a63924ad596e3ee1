"""Clocks: only the database's counts, but receipts and signatures are compared with others."""

import ctypes
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import Connection, exc, text

from api.operations.doctor.findings import Finding, found
from api.operations.doctor.parameters import CLOCK_JUMP_S, CLOCK_WARNING_S, CLOCK_WATCH_S
from api.operations.doctor.subject import Subject
from api.personal.retention import runs
from api.personal.retention.parameters import GRACE_H

# struct timex of adjtimex(2) on 64-bit Linux: `modes` at 0, `status` behind four longs; 208 bytes in all.
_TIMEX_BYTES, _STATUS_AT = 208, 40
_UNSYNCHRONISED = 0x40


def against_database(examined: Subject) -> Iterator[Finding] | None:
    """This machine's clock and the database's."""
    if examined.data is None:
        return None
    sent = time.time()
    there = float(examined.data.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
    answered = time.time()
    # It was read at some moment in between: only what lies outside is an error of a clock.
    off = max(there - answered, sent - there, 0.0)
    return iter([found("clock_off", seconds=f"{off:.1f}")] if off > CLOCK_WARNING_S else [])


def monotonic(_: Subject) -> Iterator[Finding]:
    """The wall clock goes as the monotonic one does: who sets it by jumps makes durations wrong."""
    wall, steady = time.time(), time.monotonic()
    time.sleep(CLOCK_WATCH_S)
    jump = (time.time() - wall) - (time.monotonic() - steady)
    if abs(jump) > CLOCK_JUMP_S:
        yield found("clock_jumps", seconds=f"{jump:.3f}")


def synchronised(_: Subject) -> Iterator[Finding]:
    """What the kernel knows of NTP."""
    status = _kernel_status()
    if status is None:
        yield found("clock_synchronisation_unknown")
    elif status & _UNSYNCHRONISED:
        yield found("clock_not_synchronised")


def _kernel_status() -> int | None:
    """The flags of adjtimex(2), which is asked and changes nothing; None where it is refused."""
    if ctypes.sizeof(ctypes.c_long) != 8:
        return None
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
    try:
        if ctypes.CDLL(None, use_errno=True).adjtimex(buffer) < 0:
            return None
    except (OSError, AttributeError):
        return None
    return int.from_bytes(buffer.raw[_STATUS_AT : _STATUS_AT + 4], "little", signed=True)


def retention(examined: Subject) -> Iterator[Finding] | None:
    """Retention trusts the database's clock, and a run came to its end lately."""
    return None if examined.data is None else _retention(examined.data)


def _retention(data: Connection) -> Iterator[Finding]:
    try:
        standing = runs.standing(data, datetime.now(UTC))
    except exc.ProgrammingError:
        return  # a database without tables: told by `database.schema`
    if standing.clock_doubted:
        yield found("retention_clock")
    elif standing.late_h > GRACE_H:
        yield found("retention_late", hours=round(standing.late_h))


CHECKS = (against_database, monotonic, synchronised, retention)
