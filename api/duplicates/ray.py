"""A search past one machine, on Ray: shards of the register in the memory of a cluster's workers.

A shard is a worker process (an actor) that holds every so-manieth block. A job's block goes once to the cluster's
object store, from there to all shards, and each compares it with those of its blocks that the job is due; a bounded
number of jobs is under way. A worker that is lost, with its machine or alone, is replaced wherever there is room, its
shard is sent again, and what it had not answered is asked again. What a job finds is what `Local` finds.

Whoever reaches a cluster and holds its token can run anything in it: give it a network of its own, and RAY_USE_TLS.
Nothing outside the cluster is asked for anything; Ray's report of its use is switched off.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from biometrics.duplicates import Register, Rule, Suspects
from biometrics.duplicates.register import Part
from biometrics.duplicates.search import block, compare, merged, partners

_log = logging.getLogger(__name__)

JOBS_UNDER_WAY = 2
"""Jobs that are asked of the shards at a time: one that is computed, and one that waits beside it."""
LOSSES = 20
"""Workers that may be lost one after the other, without an answer between, before a search gives up."""
PATIENCE_S = 600.0
"""How long a new worker may take to have its shard: there has to be room for it in the cluster."""
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


class RayMissing(Exception):
    """Ray is not installed."""

    def __init__(self) -> None:
        super().__init__("须安装 ray。 This engine needs Ray: pip install 'renzheng[ray]'.")


class ClusterLost(Exception):
    """No cluster could be reached, or its workers are lost faster than they answer."""

    def __init__(self) -> None:
        super().__init__(
            "Ray 集群不可用；已完成的查重进度已保存，可再次执行。"
            " The Ray cluster cannot be used. What was searched is kept: run the command again."
        )


class Shard:
    """What a worker does: holds blocks, and compares with them. Runs in the actor's process."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self._blocks: dict[int, Part] = {}

    def hold(self, number: int, part: Part) -> None:
        """Take a block."""
        self._blocks[number] = part

    def compare(self, probes: Part, numbers: list[int]) -> Suspects:
        """The suspects of a block and those that are held under some numbers."""
        return merged([compare(probes, self._blocks[number], self._rule) for number in numbers])


@dataclass
class _UnderWay:
    """A job that was asked: its block in the object store, what was answered, which shards still have to."""

    probes: Any
    parts: list[Suspects] = field(default_factory=list)
    waiting: int = 0


class Ray:
    """The engine of a cluster at `address` (`ray://...`, `host:port`, `auto`); None starts one on this machine, with
    `shards` workers. On a cluster there are as many as it has cores, unless `shards` says otherwise.

    Raises RayMissing; ClusterLost where there is no cluster.
    """

    def __init__(
        self, register: Register, rule: Rule, *, address: str | None = None, shards: int | None = None
    ) -> None:
        try:
            import ray  # a quarter of a gigabyte, and only for who asks for it
        except ImportError as error:
            raise RayMissing from error
        self._ray: Any = ray
        self._register, self._rule, self._address, self._shards = register, rule, address, shards

    def run(self, jobs: Iterable[int]) -> Iterator[tuple[int, Suspects]]:
        """Do the jobs, each given as it ends."""
        with self._cluster():
            count = max(1, min(self._shards or int(self._ray.cluster_resources().get("CPU", 1)), self._register.jobs))
            shards = [self._started(number, count) for number in range(count)]
            try:
                yield from self._answered(iter(jobs), shards)
            finally:
                for shard in shards:
                    self._ray.kill(shard)

    @contextmanager
    def _cluster(self) -> Iterator[None]:
        """A connection, unless the process has one."""
        if self._ray.is_initialized():
            yield
            return
        for name, value in _QUIET.items():
            os.environ.setdefault(name, value)
        try:
            self._ray.init(
                address=self._address or "local",
                num_cpus=None if self._address else self._shards,
                include_dashboard=None if self._address else False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                configure_logging=False,
            )
        except (ConnectionError, RuntimeError, ValueError, self._ray.exceptions.RayError) as error:
            raise ClusterLost from error
        try:
            yield
        finally:
            self._ray.shutdown()

    def _answered(self, jobs: Iterator[int], shards: list[Any]) -> Iterator[tuple[int, Suspects]]:
        under_way: dict[int, _UnderWay] = {}
        asked: dict[Any, tuple[int, int]] = {}
        losses = 0
        while True:
            for job in islice(jobs, JOBS_UNDER_WAY - len(under_way)):
                under_way[job] = one = _UnderWay(self._ray.put(block(self._register, job)))
                for number in range(len(shards)):
                    self._ask(shards, number, job, one, asked)
            if not under_way:
                return
            answer = self._ray.wait(list(asked), num_returns=1)[0][0]
            job, number = asked.pop(answer)
            one = under_way[job]
            one.waiting -= 1
            try:
                one.parts.append(self._ray.get(answer))
                losses = 0
            except self._ray.exceptions.RaySystemError as error:
                raise ClusterLost from error
            except self._ray.exceptions.RayActorError as error:
                losses += 1
                _log.warning("a worker of the search was lost: %s", type(error).__name__)
                self._replace(shards, number, under_way, asked, job, losses)
            if one.waiting == 0:
                del under_way[job]
                yield job, merged(one.parts)

    def _ask(self, shards: list[Any], number: int, job: int, one: _UnderWay, asked: dict[Any, tuple[int, int]]) -> None:
        due = [other for other in partners(self._register.jobs, job) if other % len(shards) == number]
        if due:
            asked[shards[number].compare.remote(one.probes, due)] = job, number
            one.waiting += 1

    def _replace(
        self,
        shards: list[Any],
        number: int,
        under_way: dict[int, _UnderWay],
        asked: dict[Any, tuple[int, int]],
        job: int,
        losses: int,
    ) -> None:
        """A new worker in the place of a lost one, and everything asked again that the lost one owes."""
        owed = [job]
        for answer, (other, of) in list(asked.items()):
            if of == number:
                del asked[answer]
                under_way[other].waiting -= 1
                owed.append(other)
        while True:
            if losses > LOSSES:
                raise ClusterLost
            try:
                shards[number] = self._started(number, len(shards))
                break
            except self._ray.exceptions.RayActorError:
                losses += 1
        for other in owed:
            self._ask(shards, number, other, under_way[other], asked)

    def _started(self, number: int, count: int) -> Any:
        """A worker with its shard: each block is sent by itself, so that no more than one lies in the object store."""
        shard = self._ray.remote(num_cpus=1, max_restarts=0)(Shard).remote(self._rule)
        try:
            for one in range(number, self._register.jobs, count):
                self._ray.get(shard.hold.remote(one, block(self._register, one)), timeout=PATIENCE_S)
        except self._ray.exceptions.GetTimeoutError as error:
            raise ClusterLost from error
        return shard
