"""Searches share the lock, a change has it alone."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from biometrics.gallery import Gallery
from biometrics.gallery.lock import SharedLock
from tests.biometrics.gallery.people import directions

WAIT_S = 20


def test_two_share() -> None:
    lock, both = SharedLock(), threading.Barrier(2)

    def hold() -> None:
        with lock.shared():
            both.wait(WAIT_S)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(hold), pool.submit(hold)]:
            done.result(WAIT_S)


def test_a_change_waits_for_those_inside_and_keeps_newcomers_out() -> None:
    lock, order = SharedLock(), []
    inside, let_go = threading.Event(), threading.Event()

    def search(name: str) -> None:
        with lock.shared():
            order.append(name)
            if name == "first":
                inside.set()
                let_go.wait(WAIT_S)

    def change() -> None:
        with lock.alone():
            order.append("change")

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(search, "first")
        assert inside.wait(WAIT_S)
        changing = pool.submit(change)
        while not lock._waiting:
            pass
        second = pool.submit(search, "second")
        let_go.set()
        for done in (first, changing, second):
            done.result(WAIT_S)
    assert order == ["first", "change", "second"]


def test_an_error_inside_lets_go() -> None:
    lock = SharedLock()
    with pytest.raises(KeyError), lock.alone():
        raise KeyError
    with pytest.raises(KeyError), lock.shared():
        raise KeyError
    with lock.alone():
        pass


def test_searches_during_changes_see_whole_changes() -> None:
    """Every change moves one person from an old key to a new one: a search sees them once."""
    person = directions(1)
    gallery = Gallery.of("test-1", [0], person)
    done = threading.Event()

    def move() -> None:
        for key in range(1, 300):
            gallery.change(key, keys=[key], vectors=person, removed=[key - 1])
        done.set()

    def look() -> int:
        seen = 0
        while not done.is_set():
            hits = gallery.search(person, 2)
            assert hits.keys[0].tolist() == [hits.sequence, -1]
            seen += 1
        return seen

    with ThreadPoolExecutor(3) as pool:
        looks = [pool.submit(look), pool.submit(look)]
        pool.submit(move).result(60)
        assert np.sum([one.result(WAIT_S) for one in looks]) > 0
