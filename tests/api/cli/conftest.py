"""A service on a port of its own, in this process, and the command line with keys for it."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from typer.testing import CliRunner, Result

from api.cli.main import app as command_line
from api.evidence.sequencer import drain
from api.institutions.roles import Role
from api.service import Service
from api.storage.database import Database
from tests.api.conftest import NewDatabase
from tests.api.entries import new_key
from tests.api.evidence.conftest import write


@dataclass
class CommandLine:
    """`renzheng` with an environment; `folder` is where files for it are written."""

    folder: Path
    environment: dict[str, str | None] = field(default_factory=dict)

    def __call__(self, *arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(command_line, list(arguments), input=stdin, env=self.environment)

    def file(self, name: str, content: str | bytes) -> str:
        """Write a file; gives its path."""
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)


@pytest.fixture(scope="session")
def url(app: FastAPI) -> Iterator[str]:
    """The shared service on a free port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, ws="none", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def renzheng(tmp_path: Path) -> CommandLine:
    """The command line without a service."""
    return CommandLine(tmp_path, {"RENZHENG_KEY": None, "RENZHENG_URL": None, "NO_COLOR": "1"})


@pytest.fixture
def as_role(service: Service, url: str, tmp_path: Path) -> Callable[[Role], CommandLine]:
    """The command line with a fresh key of a role."""

    def make(role: Role) -> CommandLine:
        key = new_key(service.database, service.keys, role)
        return CommandLine(tmp_path, {"RENZHENG_KEY": key, "RENZHENG_URL": url, "NO_COLOR": "1"})

    return make


@pytest.fixture
def authority_line(as_role: Callable[[Role], CommandLine]) -> CommandLine:
    """The command line of an issuing authority."""
    return as_role(Role.AUTHORITY)


@pytest.fixture
def terminal_line(as_role: Callable[[Role], CommandLine]) -> CommandLine:
    """The command line of a counter."""
    return as_role(Role.TERMINAL)


@pytest.fixture
def line(service: Service, home: Path, renzheng: CommandLine) -> CommandLine:
    """The command line on the shared service's home, for what works on the database directly."""
    renzheng.environment |= {"RENZHENG_HOME": str(home), "RENZHENG_DATABASE_URL": None}
    return renzheng


@pytest.fixture
def logged(new_database: NewDatabase, service: Service) -> Database:
    """A log of five leaves on a database of its own."""
    made = new_database(migrated=True)
    write(made, service.keys, 5)
    drain(made, service.keys)
    return made


@pytest.fixture
def log_line(service: Service, logged: Database, renzheng: CommandLine) -> CommandLine:
    """The command line on that log."""
    # A home of its own with the same keys: the end of a command ends the server in its home.
    shutil.copytree(service.settings.keys_dir, renzheng.folder / "keys")
    renzheng.environment |= {
        "RENZHENG_HOME": str(renzheng.folder),
        "RENZHENG_DATABASE_URL": logged.url.render_as_string(hide_password=False),
    }
    return renzheng
