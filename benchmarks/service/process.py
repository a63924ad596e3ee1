"""A service as a process of its own, in a folder of its own: started, watched, ended, and killed."""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import httpx
import psutil

from benchmarks.common.machine import ROOT

# Where models are opened for the first time, on a machine that does other things too.
START_TIMEOUT_S = 300.0
END_TIMEOUT_S = 120.0
LOG = "service.log"
_NONE: Mapping[str, str] = MappingProxyType({})
# Below those that Linux gives by itself (ip_local_port_range), unless somebody changed that.
_PORTS = (10_240, 32_768)
# Not the shared generator: who seeds that for a benchmark would be given the same ports in every process.
_drawn = random.SystemRandom()
_given: set[int] = set()


class ServiceFailed(Exception):
    """The service did not start; the text is what it said last."""


@dataclass
class ServiceProcess:
    """A running service: its address and its process."""

    url: str
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """End it in order (SIGTERM) and wait for that."""
        self.process.terminate()
        self.process.wait(END_TIMEOUT_S)

    def kill(self) -> None:
        """End it at once (SIGKILL), as the kernel or a power cut does."""
        self.process.kill()
        self.process.wait(END_TIMEOUT_S)

    @property
    def alive(self) -> bool:
        """Whether the process is still there."""
        return self.process.poll() is None


def start(
    home: Path, arguments: Sequence[str], *, timeout_s: float = START_TIMEOUT_S, settings: Mapping[str, str] = _NONE
) -> ServiceProcess:
    """Start `arguments`, `--port` and a free port behind them, on `home`; return when it is ready.

    Raises `ServiceFailed`.
    """
    port = free_port()
    service = ServiceProcess(f"http://127.0.0.1:{port}", spawn(home, arguments, port, settings))
    try:
        _await(service, home / LOG, timeout_s)
    except BaseException:
        service.kill()
        raise
    return service


def spawn(
    home: Path, arguments: Sequence[str], port: int, settings: Mapping[str, str] = _NONE
) -> subprocess.Popen[bytes]:
    """Start `arguments` with `--port`, and do not wait. Of the caller's settings the process inherits none but
    `settings`, such as RENZHENG_DATABASE_URL; what it says goes to `service.log` in `home`."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RENZHENG_")}
    with (home / LOG).open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own program
            [*arguments, "--port", str(port)],
            cwd=ROOT,
            env=environment | {"RENZHENG_HOME": str(home), **settings},
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def _await(service: ServiceProcess, log: Path, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and service.alive:
        try:
            if httpx.get(f"{service.url}/readyz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise ServiceFailed(f"the service did not start; it said: {log.read_text(errors='replace')[-2000:]}")


def free_port() -> int:
    """A port of this machine that nothing listens on, and that this process was not given before.

    Of those that the kernel gives to nobody by itself: another connection of this machine would else take it before the
    service listens, or while it is down.
    """
    while True:
        port = _drawn.randrange(*_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given:
            _given.add(port)
            return port


@contextmanager
def own_home(parent: Path) -> Iterator[Path]:
    """A new folder in `parent`, so on the same disk, that shares the model packs of `parent`; removed in the end."""
    home = Path(tempfile.mkdtemp(prefix="benchmark-", dir=parent))
    # The embedded server runs as another user when root starts it, and has to reach its folder.
    home.chmod(0o755)
    (home / "packs").symlink_to(parent.resolve() / "packs", target_is_directory=True)
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def database_processes(home: Path) -> list[psutil.Process]:
    """The embedded server's first process and its children; empty when none runs."""
    try:
        number = int((home / "database" / "postmaster.pid").read_text(encoding="utf-8").split()[0])
        first = psutil.Process(number)
        return [first, *first.children(recursive=True)] if first.name() == "postgres" else []
    except (OSError, IndexError, ValueError, psutil.NoSuchProcess):
        return []


def kill_database(home: Path) -> int:
    """Kill the embedded server with all its children at once and wait until they are gone; gives their number."""
    processes = database_processes(home)
    for process in processes:
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:  # a child goes by itself when its parent is gone
            continue
    psutil.wait_procs(processes, timeout=END_TIMEOUT_S)
    return len(processes)
