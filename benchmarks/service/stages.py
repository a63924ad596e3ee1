"""CPU time by stage: what a thread spends in a stage and in none of the stages within it.

A stage is a function, named in `PLACES`; it is wrapped where it is looked up, and nothing of the service is changed.
Each call adds its thread's own CPU time (`time.thread_time`) to a list, with the moment at which it ended. Where a
stage calls another one, the other's time is the other's. Two readings of the clock cost a microsecond or less.
"""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from typing import Any
from unittest import mock

PLACES: tuple[tuple[str, str, str], ...] = (
    # stage, where it is looked up, and its name there
    ("json", "json", "loads"),
    ("json", "api.http.direct", "parsed"),
    ("json", "starlette.responses:JSONResponse", "render"),
    ("base64", "api.http.fields", "b64decode"),
    ("validation", "pydantic:TypeAdapter", "validate_python"),
    ("signing_in", "api.http.signin", "_sign_in"),
    ("signing_in", "api.http.signatures", "check"),
    ("decoding", "api.matching.engines", "decode"),
    ("decoding", "api.matching.liveness", "decode"),
    ("digests", "api.matching.engines", "digest_of"),
    ("digests", "api.matching.liveness", "digest_of"),
    ("detection", "biometrics.face.engine:FaceEngine", "detect"),
    ("landmarks", "biometrics.face.engine:FaceEngine", "landmarks"),
    ("alignment", "biometrics.face.engine", "align"),
    ("alignment", "biometrics.face.engine", "measure"),
    ("embedding", "biometrics.face.engine:FaceEngine", "extract_pixels"),
    ("embedding", "biometrics.face.engine:FaceEngine", "vector_at"),
    ("liveness", "api.matching.liveness:LivenessJudge", "judge"),
    ("fingerprint", "biometrics.finger.engine:FingerEngine", "extract_pixels"),
    ("matching", "biometrics.face.engine:FaceEngine", "compare"),
    ("matching", "biometrics.finger.engine:FingerEngine", "compare"),
    ("matching", "biometrics.scoring.calibration:Calibration", "assess"),
    ("matching", "api.matching.engines", "combine"),
    ("screening", "api.screening.search", "screen"),
    ("database", "api.storage.lines:Line", "__enter__"),
    ("database", "api.storage.lines:Line", "__exit__"),
    ("database", "api.storage.statements:Statement", "run"),
    ("database", "psycopg:Cursor", "execute"),
    ("database", "psycopg:Pipeline", "__enter__"),
    ("database", "psycopg:Pipeline", "__exit__"),
    ("database", "sqlalchemy:Engine", "connect"),
    ("database", "sqlalchemy:Connection", "execute"),
    ("database", "sqlalchemy:Connection", "begin"),
    ("database", "sqlalchemy:Connection", "close"),
    ("database", "sqlalchemy:Transaction", "commit"),
    ("database", "sqlalchemy:Transaction", "rollback"),
    ("evidence", "api.evidence.leaves", "compose"),
    ("receipts", "api.evidence.receipts", "complete"),
    ("deciding", "api.verification.pipeline", "verify"),
)


@dataclass(frozen=True, slots=True)
class Spent:
    """A stage that was gone through: its thread (the kernel's number), when it ended (monotonic, s), its own CPU, s."""

    stage: str
    thread: int
    ended_s: float
    cpu_s: float


class Clock:
    """Takes the time of stages, of every thread apart. `spent` grows; each thread appends whole records only."""

    def __init__(self) -> None:
        self.spent: list[Spent] = []
        self.threads: dict[int, str] = {}
        self._local = threading.local()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """The block is this stage, whether it fails or not."""
        within: list[float] = self._local.__dict__.setdefault("within", [])
        within.append(0.0)
        began_s = time.thread_time()
        try:
            yield
        finally:
            whole_s = time.thread_time() - began_s
            own_s = whole_s - within.pop()
            if within:
                within[-1] += whole_s
            self.spent.append(Spent(name, threading.get_native_id(), time.monotonic(), own_s))

    def wrapped(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, as this stage."""

        @wraps(function)
        def timed(*arguments: Any, **named: Any) -> Any:
            with self.stage(name):
                return function(*arguments, **named)

        return timed

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Every place of `PLACES` is timed, and threads that begin are known by name, while the block lasts."""
        self.threads[threading.get_native_id()] = "main"
        start = threading.Thread.start
        threads = self.threads

        def started(thread: threading.Thread) -> None:
            start(thread)
            if thread.native_id is not None:
                threads[thread.native_id] = thread.name

        with ExitStack() as stack:
            for stage, where, name in PLACES:
                owner = place(where)
                timed = self.wrapped(stage, getattr(owner, name))
                stack.enter_context(mock.patch.object(owner, name, timed))
            stack.enter_context(mock.patch.object(threading.Thread, "start", started))
            stack.enter_context(self._garbage())
            yield

    @contextmanager
    def _garbage(self) -> Iterator[None]:
        """Collections of garbage are a stage, in whichever thread and stage they come."""

        def collecting(phase: str, _: dict[str, int]) -> None:
            if phase == "start":
                self._local.collection = stack = ExitStack()
                stack.enter_context(self.stage("garbage"))
            else:
                self._local.collection.close()

        gc.callbacks.append(collecting)
        try:
            yield
        finally:
            gc.callbacks.remove(collecting)


def place(where: str) -> Any:
    """A module, or a class of it behind a colon. Raises ImportError and AttributeError."""
    module, _, name = where.partition(":")
    found = import_module(module)
    return getattr(found, name) if name else found
