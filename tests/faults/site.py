"""A place with a service and its database, that can be killed and started again."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from sqlalchemy import text

from api.institutions.roles import Role
from api.settings import Settings
from api.storage import database, embedded, keys, migrate
from api.storage.database import Database
from benchmarks.service import process as service_process
from benchmarks.service.process import ServiceProcess
from tests.api.entries import new_key
from tests.folders import open_to_all

# These clients ask as fast as they are answered.
UNLIMITED = 1_000_000
_PROGRAM = (sys.executable, "-m", "tests.faults.process")


class Site:
    """A home, its database server, and a service process on it. `kills` counts what was killed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.settings = Settings(home=home, database_url=None)
        self.kills = {"service": 0, "database": 0}
        self._service: ServiceProcess | None = None
        self._joined = 0
        self.database = self.start_database()
        migrate.upgrade(self.database)
        # After a crash one system call instead of one for every file of the data folder: seconds less a restart.
        with self.database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(
                text("ALTER SYSTEM SET recovery_init_sync_method = 'syncfs'")
            )
        self.keys = keys.load(self.settings.keys_dir)

    @property
    def url(self) -> str:
        """Where the service is, or last was."""
        return "" if self._service is None else self._service.url

    @property
    def service_alive(self) -> bool:
        """Whether the service's process is there."""
        return self._service is not None and self._service.alive

    def new_key(self, role: Role) -> str:
        """A bearer key."""
        return new_key(self.database, self.keys, role, "institution", requests_per_minute=UNLIMITED)

    def start_database(self) -> Database:
        """Start the database server, or find it running."""
        opened = database.open_database(self.settings)
        self._joined += 1
        return opened

    def start(self, *options: str) -> None:
        """Start the service, which starts the database when there is none, and wait until it is ready."""
        self._service = service_process.start(self.home, [*_PROGRAM, *options])

    def start_unready(self) -> subprocess.Popen[bytes]:
        """Start a service and do not wait for it."""
        return service_process.spawn(self.home, [*_PROGRAM], service_process.free_port())

    @property
    def database_alive(self) -> bool:
        """Whether a database server runs."""
        return bool(service_process.database_processes(self.home))

    def kill_service(self) -> None:
        """SIGKILL to the service."""
        assert self._service is not None
        self._service.kill()
        self.kills["service"] += 1

    def cut_power(self) -> None:
        """SIGKILL to everything at once."""
        assert self._service is not None
        self._service.process.kill()
        self.kill_database()
        self.kill_service()

    def await_ready(self, timeout_s: float = 240.0) -> None:
        """Wait until the service says that it can answer verifications."""
        deadline = time.monotonic() + timeout_s
        while httpx.get(f"{self.url}/readyz", timeout=30).status_code != 200:
            assert time.monotonic() < deadline, "the service does not become ready again"
            time.sleep(0.1)

    def await_death(self) -> None:
        """Wait for a service that kills itself."""
        assert self._service is not None
        self._service.process.wait(service_process.END_TIMEOUT_S)
        self.kills["service"] += 1

    def kill_database(self) -> None:
        """SIGKILL to the database's first process and all its children."""
        assert service_process.kill_database(self.home) > 0
        self.kills["database"] += 1

    def close(self) -> None:
        """End everything in order."""
        if self.service_alive:
            assert self._service is not None
            self._service.stop()
        self.database.close()
        for _ in range(self._joined):
            embedded.stop(self.settings.database_dir)


@contextmanager
def open_site(home: Path) -> Iterator[Site]:
    """A new site in `home`."""
    site = Site(open_to_all(home))
    try:
        yield site
    finally:
        site.close()
