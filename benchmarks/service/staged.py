"""The service as `renzheng serve` runs it, except that every stage and every run of a network is timed.

`python -m benchmarks.service.staged FILE --port PORT`: when the service ends, FILE holds, as JSON, what was spent
where, and the threads' names.
"""

import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import models
from api.cli import main
from benchmarks.service.stages import Clock
from biometrics.face.sface.network import KernelNetwork as FaceNetwork
from biometrics.finger.leader.network import KernelNetwork as FingerNetwork

if TYPE_CHECKING:
    from collections.abc import Iterator


class StagedSession:
    """An onnxruntime session whose runs are a stage. It computes in the calling thread: threads=1."""

    def __init__(self, session: Any, network: str, clock: Clock) -> None:
        self._session = session
        self._run = clock.wrapped(network, session.run)

    def run(self, *arguments: Any, **options: Any) -> Any:
        """As the session's own."""
        return self._run(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


@contextmanager
def networks(clock: Clock) -> "Iterator[None]":
    """The networks' runs are stages by their names, `yunet`, `sface` and `leader`, while the block lasts."""
    plain = models.open_session

    def staged(pack: str, file: str, **options: Any) -> StagedSession:
        if options.get("threads", 1) != 1:
            raise ValueError("a run on several threads does not show in one thread's CPU time")
        return StagedSession(plain(pack, file, **options), file, clock)

    # Networks in kernels of our own have no session.
    with (
        mock.patch.object(models, "open_session", staged),
        mock.patch.object(FingerNetwork, "__call__", clock.wrapped("leader", FingerNetwork.__call__)),
        mock.patch.object(FaceNetwork, "__call__", clock.wrapped("sface", FaceNetwork.__call__)),
    ):
        yield


def written(clock: Clock) -> str:
    """What the clock holds, as `share.read_stages` reads it."""
    rows = [[one.stage, one.thread, one.ended_s, one.cpu_s] for one in clock.spent]
    return json.dumps({"threads": clock.threads, "spent": rows})


def _serve(path: Path, arguments: list[str]) -> None:
    clock = Clock()
    try:
        with clock.watching(), networks(clock), mock.patch.object(sys, "argv", ["renzheng", *arguments]):
            main()
    finally:
        path.write_text(written(clock), encoding="utf-8")


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), ["serve", *sys.argv[2:]])
