"""All checks, in the order in which they are told."""

from collections.abc import Callable, Iterator
from types import ModuleType

from api.operations.doctor import clock, database, disk, keys, models, network, settings, subject, threads
from api.operations.doctor.findings import Finding, Outcome, found
from api.operations.doctor.subject import Subject
from api.settings import Settings

Check = Callable[[Subject], Iterator[Finding] | None]

ROOMS: tuple[ModuleType, ...] = (settings, network, models, keys, threads, disk, database, clock)
"""Each names its `CHECKS`."""


def examine(given: Settings) -> Iterator[Outcome]:
    """Every check's outcome, one after another. Raises nothing for whatever it meets."""
    with subject.opened(given) as examined:
        yield Outcome("database.reachable", examined.unreachable)
        for room in ROOMS:
            for check in room.CHECKS:
                name = f"{room.__name__.rpartition('.')[2]}.{check.__name__}"
                yield _outcome(name, check, examined)


def _outcome(name: str, check: Check, examined: Subject) -> Outcome:
    try:
        findings = check(examined)
        if findings is None:
            return Outcome(name, (), skipped=True)
        return Outcome(name, tuple(findings))
    except Exception as error:  # noqa: BLE001 - one check's trouble must not hide what the others find
        return Outcome(name, (found("check_failed", check=name, kind=type(error).__name__),))
