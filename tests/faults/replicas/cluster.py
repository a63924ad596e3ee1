"""Three replicas of the service on one PostgreSQL server, over networks that can fail.

| replica | clients reach it | it reaches the database |
|---|---|---|
| 0 | directly | directly |
| 1 | through the proxy | directly |
| 2 | directly | through the proxy |

The database is the embedded server's binary started as a plain server; the replicas share a folder of keys and a policy
and nothing else. Limits that are no part of the promise are out of the way by policy and settings.
"""

import os
import secrets
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from sqlalchemy import delete, insert, make_url
from sqlalchemy.sql import func

from api.institutions import principals
from api.institutions.roles import Role
from api.settings import Settings
from api.storage import database, keys, migrate
from api.storage.database import Database
from api.storage.sealing import keyed_hash
from api.storage.tables import nonces
from benchmarks.service.plain_postgres import PlainPostgres
from benchmarks.service.process import free_port
from tests.api.entries import new_key
from tests.faults.replicas import commits, nursery
from tests.faults.replicas.clients import Keys
from tests.faults.replicas.nursery import Nursery
from tests.faults.replicas.proxy import Proxy
from tests.faults.replicas.replica import Birth

REPLICAS = 3
PROXIED_CLIENTS = 1
PROXIED_DATABASE = 2
READY_TIMEOUT_S = 300.0
DATABASE_NAME = "renzheng"
POLICY = Path(__file__).with_name("policy.toml")
_DAY_S = 86400
_SERVICE = {
    "database_pool_size": 10,
    # A replica whose connection went silent, or that waits for a paused one's lock, says so soon.
    "database_timeout_s": 3.0,
    # The terminals' clocks are hours off here.
    "capture_max_age_s": _DAY_S,
    "capture_max_ahead_s": _DAY_S,
    # Proofs of the log's growth are another promise; nobody waits for one here.
    "receipt_wait_s": 0,
}
_SERVER: dict[str, str | int] = {
    # For the record of commits.
    "wal_level": "logical",
    "max_connections": 60,
    "max_wal_size": "512MB",
}
_UNLIMITED = 1_000_000


@dataclass
class Mutant:
    """The service with the card's lock taken out; see `replica`."""

    dwell_s: float = 0.0


@dataclass
class _Slot:
    """A replica's place: its ports stay when its process is killed."""

    port: int
    clients_port: int
    database_url: str
    process: int | None = None
    births: int = 0


class Cluster:
    """Everything, in one folder."""

    def __init__(self, folder: Path, server: PlainPostgres, *, seed: str, mutant: Mutant | None = None) -> None:
        """The server runs, and its database is migrated; see `opened`."""
        self.server = server
        self.settings = Settings(home=folder, database_url=server.url(DATABASE_NAME), database_timeout_s=30)
        self.keys = keys.load(self.settings.keys_dir)
        self.database: Database = database.open_database(self.settings)
        self._folder = folder
        self._seed = seed
        # What replicas are born from now on.
        self.mutant = mutant
        to_replica, to_database = free_port(), free_port()
        ports = [free_port() for _ in range(REPLICAS)]
        self._slots = [_Slot(port, port, server.url(DATABASE_NAME)) for port in ports]
        self._slots[PROXIED_CLIENTS].clients_port = to_replica
        led = make_url(server.url(DATABASE_NAME)).set(port=to_database)
        self._slots[PROXIED_DATABASE].database_url = led.render_as_string(hide_password=False)
        self.proxied_ports = (to_replica, to_database)
        self.proxy = Proxy([(to_replica, ports[PROXIED_CLIENTS]), (to_database, server.port)])
        self._nursery = Nursery()

    @property
    def ports(self) -> list[int]:
        """Where clients reach the replicas."""
        return [slot.clients_port for slot in self._slots]

    def start(self, number: int) -> None:
        """Start a replica, and do not wait for it."""
        slot = self._slots[number]
        slot.births += 1
        home = {"home": str(self._folder), "database_url": slot.database_url}
        slot.process = self._nursery.bear(
            Birth(
                {**_SERVICE, **home},
                slot.port,
                str(self._folder / f"replica{number}.log"),
                f"{self._seed} {number} {slot.births}",
                self.mutant is not None,
                0.0 if self.mutant is None else self.mutant.dwell_s,
            )
        )

    def alive(self, number: int) -> bool:
        """Whether a replica's process is there."""
        process = self._slots[number].process
        return process is not None and nursery.alive(process)

    def kill(self, number: int) -> bool:
        """SIGKILL to a replica; False when it was not there."""
        process = self._slots[number].process
        if process is None or not nursery.alive(process):
            return False
        nursery.kill(process)
        return True

    def signal(self, number: int, what: signal.Signals) -> None:
        """Send a signal to a replica, if it is there."""
        process = self._slots[number].process
        if process is not None:
            with suppress(ProcessLookupError):
                os.kill(process, what)

    def start_server(self) -> None:
        """Start the database server, recovering from a crash if there was one."""
        self.server.start(READY_TIMEOUT_S)

    def heal(self) -> None:
        """Start what is dead, and wait until every replica is ready."""
        if not self.server.alive:
            self.start_server()
        for number in range(REPLICAS):
            if not self.alive(number):
                self.start(number)
        for number in range(REPLICAS):
            self._await_ready(number)

    def _await_ready(self, number: int) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline:
            with suppress(httpx.TransportError):
                if httpx.get(f"http://127.0.0.1:{self._slots[number].port}/readyz", timeout=5).status_code == 200:
                    return
            if not self.alive(number):
                self.start(number)
            time.sleep(0.05)
        raise TimeoutError(f"replica {number} does not become ready; see {self._folder / f'replica{number}.log'}")

    def new_keys(self, terminals: int, authorities: int) -> Keys:
        """Bearer keys of one institution."""

        def key(role: Role) -> str:
            return new_key(self.database, self.keys, role, "institution", requests_per_minute=_UNLIMITED)

        return Keys([key(Role.TERMINAL) for _ in range(terminals)], [key(Role.AUTHORITY) for _ in range(authorities)])

    def give_nonces(self, bearer_keys: Keys, each: int) -> dict[str, list[str]]:
        """Nonces for every terminal, all at once: they are counted as no operations, and cost none their time."""
        given: dict[str, list[str]] = {}
        with self.database.begin() as connection:
            connection.execute(delete(nonces))
            for bearer in bearer_keys.terminals:
                caller = principals.authenticate(connection, bearer)
                assert caller is not None
                given[bearer] = [secrets.token_urlsafe(16) for _ in range(each)]
                rows = [
                    {
                        "principal_id": caller.principal_id,
                        "nonce_hash": keyed_hash(self.keys.index, "nonce", nonce),
                        "expires_at": func.now() + func.make_interval(0, 0, 0, 1),
                    }
                    for nonce in given[bearer]
                ]
                connection.execute(insert(nonces).values(rows))
        return given

    def close(self) -> None:
        """End everything; the folder stays."""
        self._nursery.close()
        self.proxy.close()
        self.database.close()
        self.server.stop()


def make_server(folder: Path) -> PlainPostgres:
    """Make and start a new server with the service's schema, whose commits are recorded from the beginning."""
    _end_left_over(folder / "database")
    shutil.rmtree(folder / "database", ignore_errors=True)
    server = PlainPostgres(folder / "database").initialise(**_SERVER).start()
    with server.connect() as connection:
        connection.execute(f"CREATE DATABASE {DATABASE_NAME}")
    settings = Settings(home=folder, database_url=server.url(DATABASE_NAME))
    opened = database.open_database(settings)
    migrate.upgrade(opened)
    opened.close()
    with server.connect(DATABASE_NAME) as connection:
        commits.begin(connection)
    shutil.copy(POLICY, folder / "policy.toml")
    return server


def reopen_server(folder: Path, password: str) -> PlainPostgres:
    """Start the server of a folder again, in which it may have been left running."""
    server = PlainPostgres(folder / "database")
    server.password = password
    _end_left_over(folder / "database")
    server.configure(port=server.port)
    return server.start(READY_TIMEOUT_S)


def _end_left_over(folder: Path) -> None:
    with suppress(OSError, IndexError, ValueError, psutil.NoSuchProcess):
        process = psutil.Process(int((folder / "postmaster.pid").read_text(encoding="utf-8").split()[0]))
        if process.name() == "postgres" and Path(process.cwd()) == folder.resolve():
            family = [process, *process.children(recursive=True)]
            for one in family:
                one.kill()
            psutil.wait_procs(family, timeout=READY_TIMEOUT_S)


@contextmanager
def opened(folder: Path, *, password: str | None = None, seed: str, mutant: Mutant | None = None) -> Iterator[Cluster]:
    """A cluster in a folder; with the `password` of the server that was made there before, that one again."""
    server = make_server(folder) if password is None else reopen_server(folder, password)
    try:
        cluster = Cluster(folder, server, seed=seed, mutant=mutant)
    except BaseException:
        server.stop()
        raise
    try:
        yield cluster
    finally:
        cluster.close()
