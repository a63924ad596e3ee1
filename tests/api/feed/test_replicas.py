"""The feed of two replicas, `renzheng serve` each, on one database: through lost connections, a kill and an end."""

import contextlib
import time
from collections.abc import Iterator

import httpx
import pytest

from api.institutions.roles import Role
from benchmarks.service.plain_postgres import PlainPostgres
from benchmarks.service.process import LOG
from tests.api.bodies import Json, register, report
from tests.api.feed.streams import Ended, following
from tests.api.test_replicas import Town
from tests.folders import open_to_all


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    server = PlainPostgres(open_to_all(tmp_path_factory.mktemp("external")) / "data").initialise().start()
    made = Town(open_to_all(tmp_path_factory.mktemp("home")), server, server.new_database())
    made.replicas = [made.start(), made.start()]
    yield made
    made.clients.close()
    for replica in made.replicas:
        if replica.alive:
            replica.kill()
    server.remove()


def change(client: httpx.Client, times: int) -> None:
    card_id, _ = register(client)
    for turn in range(times):
        report(client, card_id, "found" if turn % 2 else "reported_lost")


def head(town: Town) -> int:
    found = town.ask("SELECT seq FROM feed_head")
    assert isinstance(found, int)
    return found


def numbers(events: list[Json]) -> list[int]:
    return [one["seq"] for one in events]


def test_what_one_commits_the_other_tells_at_once(town: Town) -> None:
    here, _ = town.both(Role.AUTHORITY)
    before = head(town)
    with following(town.replicas[1].url, town.new_key(Role.TERMINAL), after=before) as follower:
        change(here, 3)
        assert numbers(follower.events(3)) == [before + 1, before + 2, before + 3]


def test_a_replica_whose_connections_are_cut_goes_on(town: Town) -> None:
    """As a proxy or a restart of the server cuts them, also the one that is notified; nothing is left out."""
    here, _ = town.both(Role.AUTHORITY)
    before = head(town)
    with following(town.replicas[1].url, town.new_key(Role.TERMINAL), after=before) as follower:
        change(here, 1)
        assert numbers(follower.events(1)) == [before + 1]
        cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database()"
        done = town.ask(f"{cut} AND pid <> pg_backend_pid()")
        assert isinstance(done, int)
        assert done >= 2
        # The service answers for a moment that its database does not; then it does.
        for _ in range(100):
            if httpx.get(f"{town.replicas[0].url}/readyz", timeout=60).status_code == 200:
                break
            time.sleep(0.1)
        change(here, 2)
        assert numbers(follower.events(2)) == [before + 2, before + 3]


def test_through_a_kill_nothing_is_lost_and_nothing_told_twice(town: Town) -> None:
    _, there = town.both(Role.AUTHORITY)
    key, before = town.new_key(Role.TERMINAL), head(town)
    seen: list[int] = []
    with following(town.replicas[0].url, key, after=before) as follower:
        change(there, 3)
        seen += numbers(follower.events(2))
        town.replicas[0].kill()
        with contextlib.suppress(httpx.TransportError, Ended):
            while True:
                seen.append(follower.event()["seq"])
    change(there, 4)
    with following(town.replicas[1].url, key, after=before, last_event_id=seen[-1]) as follower:
        seen += numbers(follower.events(before + 7 - seen[-1]))
        change(there, 1)
        seen += numbers(follower.events(1))
    assert seen == list(range(before + 1, before + 9))


def test_a_replica_that_ends_ends_its_streams_in_order(town: Town) -> None:
    """A stream would else hold the end up for as long as requests under way are waited for (20 s), and be cut off."""
    with following(town.replicas[1].url, town.new_key(Role.TERMINAL), after=head(town)) as follower:
        town.replicas[1].process.terminate()
        with pytest.raises(Ended):
            follower.event()
        assert town.replicas[1].process.wait(60) == 0
    assert "graceful shutdown exceeded" not in (town.home / LOG).read_text(encoding="utf-8", errors="replace")
