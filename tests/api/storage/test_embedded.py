"""The embedded server's life: started, found, shared, left, killed."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy import URL

from api.settings import Settings
from api.storage import database, embedded
from api.storage.errors import DatabaseUnavailable
from tests.folders import open_to_all


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder for these tests, each of which leaves it without a server."""
    return open_to_all(tmp_path_factory.mktemp("embedded")) / "database"


@pytest.fixture(autouse=True)
def stopped(folder: Path) -> Iterator[None]:
    yield
    users = embedded._users.get(folder)
    if users is not None:
        with users.turn():
            embedded._leave(folder, users, altogether=True)
    assert not running(folder)


def start(folder: Path) -> URL:
    return embedded.start(folder, folder.parent / "keys" / "database.key")


def ask(url: URL) -> int:
    with psycopg.connect(
        host=str(url.query["host"]), user=url.username, password=url.password, dbname=url.database
    ) as one:
        answer = one.execute("SELECT 7").fetchone()
        assert answer is not None
        return int(answer[0])


def running(folder: Path) -> bool:
    return embedded._server_process(folder) is not None


def test_every_start_wants_its_stop(folder: Path) -> None:
    first = start(folder)
    assert start(folder) == first
    embedded.stop(folder)
    assert ask(first) == 7
    embedded.stop(folder)
    assert not running(folder)
    embedded.stop(folder)  # once too often does nothing


def test_what_was_made_by_a_killed_initialisation_is_made_again(tmp_path: Path) -> None:
    folder = open_to_all(tmp_path) / "database"
    half_made = tmp_path / "database.new"
    half_made.mkdir()
    (half_made / "PG_VERSION").write_text("18\n")
    assert ask(start(folder)) == 7
    embedded.stop(folder)
    assert not half_made.exists()


def test_a_password_is_needed(folder: Path) -> None:
    url = start(folder)
    with pytest.raises(psycopg.OperationalError):
        ask(url.set(password=""))


def test_a_killed_server_is_started_again(folder: Path) -> None:
    url = start(folder)
    process = embedded._server_process(folder)
    assert process is not None
    os.kill(process, signal.SIGKILL)
    assert ask(start(folder)) == 7
    assert url.query["host"] == str(folder)


@pytest.mark.parametrize("content", ["{pid}\n{folder}\n1\n5432\n{folder}\n\n  1 1\nready\n", "{pid}\n", ""])
def test_a_pid_file_left_over_by_a_crash_may_name_another_process(folder: Path, content: str) -> None:
    start(folder)
    embedded.stop(folder)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        (folder / "postmaster.pid").write_text(content.format(pid=other.pid, folder=folder))
        try:
            assert ask(start(folder)) == 7
            embedded.stop(folder)
            assert other.poll() is None, "the other process was not taken for the server"
        finally:
            other.kill()


def test_a_dead_process_whose_parent_does_not_care_is_no_server(folder: Path) -> None:
    start(folder)
    embedded.stop(folder)
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    while Path(f"/proc/{zombie.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)
    (folder / "postmaster.pid").write_text(f"{zombie.pid}\n{folder}\n1\n5432\n{folder}\n\n  1 1\nready\n")
    assert ask(start(folder)) == 7
    zombie.wait()


def test_a_server_that_is_about_to_stop_is_waited_for(folder: Path) -> None:
    start(folder)
    process = embedded._server_process(folder)
    assert process is not None
    os.kill(process, signal.SIGINT)  # fast shutdown
    assert ask(start(folder)) == 7


def test_a_folder_of_another_version_is_told(tmp_path: Path) -> None:
    folder = open_to_all(tmp_path) / "database"
    folder.mkdir()
    (folder / "PG_VERSION").write_text("12\n")
    with pytest.raises(DatabaseUnavailable, match="expecting version 18 but found version 12"):
        start(folder)


def test_a_server_that_cannot_start_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start(folder)
    embedded.stop(folder)
    configuration = folder / "postgresql.conf"
    sound = configuration.read_text()
    monkeypatch.setattr(embedded, "_CHANGE_POLL_S", 0.01)
    try:
        configuration.write_text("nonsense = 'on'\n")
        with pytest.raises(DatabaseUnavailable, match="does not start"):
            start(folder)
    finally:
        configuration.write_text(sound)
    assert ask(start(folder)) == 7


USER = """
import sys
from pathlib import Path
from api.settings import Settings
from api.storage import database, embedded
folder = Path(sys.argv[1])
embedded.start(folder, folder.parent / "keys" / "database.key")
print("there", flush=True)
sys.stdin.readline()
if sys.argv[2] == "stop":
    embedded.stop(folder)
elif sys.argv[2] == "fail":
    sys.exit("it failed, without a stop")
"""


def user(folder: Path, end: str) -> subprocess.Popen[str]:
    """Another process that uses the server until it is told to end."""
    return subprocess.Popen(
        [sys.executable, "-c", USER, str(folder), end],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def await_start(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "there\n"


@pytest.mark.parametrize("end", ["stop", "fail"])
def test_the_last_process_stops_the_server(folder: Path, end: str) -> None:
    with user(folder, "stop") as first, user(folder, end) as second:
        await_start(first)
        await_start(second)
        first.communicate("\n")
        assert running(folder), "the second one uses it still"
        second.communicate("\n")
    assert not running(folder)


def test_a_killed_process_counts_no_more(folder: Path) -> None:
    with user(folder, "stop") as killed, user(folder, "stop") as other:
        await_start(killed)
        await_start(other)
        killed.kill()
        killed.communicate()
        assert running(folder)
        other.communicate("\n")
    assert not running(folder), "who is dead keeps nothing running"


def test_processes_that_start_together_share_a_fresh_server(tmp_path: Path) -> None:
    folder = open_to_all(tmp_path) / "database"
    with user(folder, "stop") as one, user(folder, "stop") as two, user(folder, "stop") as three:
        for process in (one, two, three):
            await_start(process)
        for process in (one, two, three):
            process.communicate("\n")
            assert process.returncode == 0
    assert not running(folder)


def test_a_server_that_dies_under_a_service_is_started_again(tmp_path: Path) -> None:
    settings = Settings(home=open_to_all(tmp_path), database_url=None, database_timeout_s=20)
    opened = database.open_database(settings)
    try:
        opened.check()
        kill_server(settings.database_dir)
        with pytest.raises(DatabaseUnavailable):
            opened.check()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                opened.check()
                break
            except DatabaseUnavailable:
                time.sleep(0.1)
        opened.check()
    finally:
        opened.close()
        embedded.stop(settings.database_dir)
    assert not running(settings.database_dir.resolve())
    with pytest.raises(DatabaseUnavailable):
        opened.check()
    time.sleep(0.5)
    assert not running(settings.database_dir.resolve()), "nobody uses it any more: it stays down"


def kill_server(folder: Path) -> None:
    postmaster = psutil.Process(int((folder / "postmaster.pid").read_text(encoding="utf-8").split()[0]))
    family = [postmaster, *postmaster.children()]
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):  # it noticed that its parent is gone
            process.kill()
    psutil.wait_procs(family, timeout=60)
