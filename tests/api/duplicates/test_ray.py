"""The engine of a cluster: a small one on this machine, with two workers."""

import builtins
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from api.duplicates.ray import ClusterLost, Ray, RayMissing
from biometrics.duplicates import Entries, Local, Register, Rule, Suspects
from biometrics.duplicates.parameters import BLOCK
from biometrics.scoring import Calibration
from tests.biometrics.gallery.people import directions, near

RECORDS = 3 * BLOCK + 100


@pytest.fixture
def register(tmp_path: Path) -> Register:
    """Four blocks of faces, 40 of them a second time, far from the first."""
    vectors = directions(RECORDS)
    vectors[-40:] = near(vectors[:40], 0.7)
    return Register.build(tmp_path / "register", "sface-2", [Entries(np.arange(RECORDS), vectors, [()] * RECORDS)])


@pytest.fixture
def rule() -> Rule:
    return Rule(RECORDS, Calibration.load("sface-2"), false_per_record=0.01)


def found(one: Suspects) -> list[tuple[int, int, float]]:
    return list(zip(one.low.tolist(), one.high.tolist(), one.scores.tolist(), strict=True))


def workers() -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            found += [one] if one.name().startswith("ray::Shard") else []
    return found


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_worker_killed_in_the_middle_changes_nothing(register: Register, rule: Rule) -> None:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'renzheng[ray]'")
    expected = {job: found(one) for job, one in Local(register, rule).run(range(register.jobs))}
    assert sum(map(len, expected.values())) > 40
    given: dict[int, list[tuple[int, int, float]]] = {}
    killed: list[int] = []
    for job, one in Ray(register, rule, shards=2).run(range(register.jobs)):
        assert job not in given
        given[job] = found(one)
        if not killed:
            until(workers)
            victim = workers()[0]
            killed.append(victim.pid)
            os.kill(victim.pid, signal.SIGKILL)
    assert given == expected
    assert killed
    until(lambda: not workers())


def test_without_ray_it_says_what_to_install(register: Register, rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "ray":
            raise ModuleNotFoundError(name)
        return whole(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(RayMissing, match=r"renzheng\[ray\]"):
        Ray(register, rule)


@pytest.mark.long
def test_a_cluster_that_is_not_there(register: Register, rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'renzheng[ray]'")

    # Ray itself tries for five minutes.
    def gone(**given: Any) -> None:
        raise ConnectionError(given["address"])

    monkeypatch.setattr(ray, "init", gone)
    with pytest.raises(ClusterLost, match="run the command again"):
        next(Ray(register, rule, address="127.0.0.1:1").run([0]))
