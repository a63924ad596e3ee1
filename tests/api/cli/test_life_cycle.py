"""The service as a process, and commands beside it: who stops the database, and what a kill -9 leaves."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.cli import serve
from api.cli.failure import CommandFailed
from api.storage import embedded
from tests.api.bodies import fresh_key, new_card, registration
from tests.faults.promises import promised
from tests.folders import open_to_all

PROGRAM = [sys.executable, "-m", "tests.api.cli.scripted_program"]
WAIT_S = 120.0


class Program:
    """`renzheng` with a home of its own; services that still run are killed in the end."""

    def __init__(self, home: Path) -> None:
        self.home = home
        clean = {name: value for name, value in os.environ.items() if not name.startswith("RENZHENG_")}
        self.environment = {**clean, "RENZHENG_HOME": str(home), "PYTHONUNBUFFERED": "1"}
        self.services: list[subprocess.Popen[str]] = []
        self.clients: list[httpx.Client] = []

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command to its end."""
        return subprocess.run(
            [*PROGRAM, *words], env=self.environment, capture_output=True, text=True, timeout=WAIT_S, check=False
        )

    def serve(self) -> tuple[subprocess.Popen[str], httpx.Client]:
        """A service on a free port, once it says that it listens, and a client for it."""
        process = subprocess.Popen(
            [*PROGRAM, "serve", "--port", "0"], env=self.environment, stderr=subprocess.PIPE, text=True
        )
        self.services.append(process)
        assert process.stderr is not None
        for line in process.stderr:
            if "listens on" in line:
                client = httpx.Client(
                    base_url=line.split()[3], transport=httpx.HTTPTransport(retries=5), timeout=WAIT_S
                )
                self.clients.append(client)
                assert client.get("/readyz").status_code == 200
                return process, client
        raise AssertionError("the service ended before it listened")

    def database_runs(self) -> bool:
        return embedded._server_process(self.home / "database") is not None

    def close(self) -> None:
        for client in self.clients:
            client.close()
        for process in self.services:
            process.kill()
            process.communicate()
        # With no service left, whoever comes and goes stops the database.
        embedded.start(self.home / "database", self.home / "keys" / "database.key")
        embedded.stop(self.home / "database")
        assert not self.database_runs()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home for these tests, each of which leaves its database stopped."""
    return open_to_all(tmp_path_factory.mktemp("life"))


@pytest.fixture
def program(home: Path) -> Iterator[Program]:
    made = Program(home)
    yield made
    made.close()


def end(service: subprocess.Popen[str], how: signal.Signals) -> int:
    service.send_signal(how)
    service.communicate(timeout=WAIT_S)
    return service.returncode


@pytest.mark.long
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda how: how.name)
def test_a_command_beside_the_service_leaves_it_its_database(program: Program, how: signal.Signals) -> None:
    # Under nohup it would be ignored, by whatever is started here too.
    former = signal.signal(how, signal.SIG_DFL)
    try:
        service, client = program.serve()
    finally:
        signal.signal(how, former)
    added = program.run("terminals", "add", "bank", how.name)
    assert added.returncode == 0, added.stderr
    again = program.run("terminals", "add", "bank", how.name)
    assert again.returncode == 3, "a command that fails leaves too"
    assert client.get("/readyz").status_code == 200
    client.headers["Authorization"] = f"Bearer {added.stdout.strip()}"
    assert client.get("/v1/verifications/0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11").json()["code"] == "not_found"
    assert end(service, how) == 0
    assert not program.database_runs()


@pytest.mark.long
def test_after_a_kill_the_database_is_found_with_all_that_was_acknowledged(program: Program) -> None:
    service, client = program.serve()
    added = program.run("terminals", "add", "police", "a", "--role", "authority")
    client.headers["Authorization"] = f"Bearer {added.stdout.strip()}"
    key, body = fresh_key(), registration(new_card())
    registered = client.post("/v1/cards", json=body, headers=key)
    assert registered.status_code == 201
    assert end(service, signal.SIGKILL) == -signal.SIGKILL
    assert program.database_runs()
    service, again = program.serve()
    again.headers["Authorization"] = client.headers["Authorization"]
    assert promised(again.post("/v1/cards", json=body, headers=key).json()) == promised(registered.json())
    assert end(service, signal.SIGTERM) == 0
    assert not program.database_runs(), "the killed service is not taken for a user"


def test_a_port_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CommandFailed, match=f"Cannot listen on 127.0.0.1, port {port}"):
            serve.bound("127.0.0.1", port)


def test_addresses_are_told_as_a_browser_wants_them() -> None:
    for host, shown in (("127.0.0.1", "http://127.0.0.1:"), ("::1", "http://[::1]:")):
        with serve.bound(host, 0) as listener:
            assert serve.url_of(listener).startswith(shown)
