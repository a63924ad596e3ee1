"""kill -9 of the service and of its database in the middle of load: what was acknowledged is there, nothing is torn.

The kernel keeps what a killed process has written, so this proves the order of writes and their atomicity, not that the
disk has them: that is what `test_disk.py` is about.
"""

import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.faults.conftest import Town
from tests.faults.site import Site

TERMINALS = 3


def service_dies(site: Site, _: random.Random) -> None:
    """The database stays, with the killed service's transactions open."""
    site.kill_service()
    site.start()


def database_dies(site: Site, _: random.Random) -> None:
    """The service stays, and has to come back to answering by itself."""
    site.kill_database()
    site.await_ready()


def power_fails(site: Site, _: random.Random) -> None:
    """Both at once."""
    site.cut_power()
    site.start()


def power_fails_twice(site: Site, choice: random.Random) -> None:
    """Again while the database recovers."""
    site.cut_power()
    starting = site.start_unready()
    time.sleep(choice.uniform(0.2, 1.5))
    starting.kill()
    starting.wait()
    if site.database_alive:
        site.kill_database()
    site.start()


FAULTS: tuple[Callable[[Site, random.Random], None], ...] = (
    service_dies,
    database_dies,
    power_fails,
    power_fails_twice,
)


def endure(town: Town, fault: Callable[[Site, random.Random], None], choice: random.Random, load_s: float) -> list[str]:
    """Load, a fault somewhere in it, load again; gives the broken promises."""
    since = len(town.history.operations)
    stopping = threading.Event()

    def meanwhile() -> None:
        time.sleep(choice.uniform(0.3, 1.0) * load_s)
        await_every_kind(town)
        fault(town.site, choice)
        time.sleep(load_s / 2)

    town.crowd(choice.randrange(10**6), stopping).run(stopping, meanwhile)
    return town.broken_promises(since)


def await_every_kind(town: Town) -> None:
    """Until something of each kind was acknowledged, however slow the machine is."""
    deadline = time.monotonic() + 120
    while len({one.kind for one in town.history.operations if one.acknowledged}) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def tell(town: Town, capsys: pytest.CaptureFixture[str], what: str) -> None:
    operations = town.history.operations
    acknowledged = Counter(one.kind for one in operations if one.acknowledged)
    put_off = sum(len(one.put_off) for one in operations)
    cut = sum(one.cut for one in operations)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{what}: {len(operations)} operations, acknowledged {dict(acknowledged)}, "
            f"{put_off} tries put off, {cut} cut off; killed {town.site.kills}\n"
        )


@pytest.mark.long
def test_nothing_acknowledged_is_lost_in_a_power_cut(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    town.site.start()
    town.settle(TERMINALS)
    assert endure(town, power_fails, random.Random(1), load_s=1.0) == []
    kinds = {one.kind for one in town.history.operations if one.acknowledged}
    assert kinds == {"verification", "registration", "loss"}
    assert any(one.cut for one in town.history.operations), "nothing was in flight"
    tell(town, capsys, "power cut")


@pytest.mark.long
def test_without_its_database_the_service_says_try_again(town: Town, capsys: pytest.CaptureFixture[str]) -> None:
    town.site.start()
    town.settle(TERMINALS)
    assert endure(town, database_dies, random.Random(2), load_s=2.0) == []
    codes = {code for one in town.history.operations for code in one.put_off}
    assert "database_unavailable" in codes
    assert not any(one.cut for one in town.history.operations), "the service itself must go on answering"
    assert town.site.kills == {"service": 0, "database": 1}
    tell(town, capsys, "database gone")


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [11, 12])
def test_nothing_acknowledged_is_lost_whatever_is_killed(
    town: Town, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    choice = random.Random(seed)
    town.site.start()
    town.settle(TERMINALS)
    faults = [*FAULTS, *choice.choices(FAULTS, k=2)]
    choice.shuffle(faults)
    for fault in faults:
        assert endure(town, fault, choice, load_s=1.5) == [], f"seed {seed}: {fault.__name__}"
    assert town.broken_promises() == []
    assert any(one.cut for one in town.history.operations)
    assert any(one.put_off for one in town.history.operations)
    tell(town, capsys, f"seed {seed}, {', '.join(fault.__name__ for fault in faults)}")
