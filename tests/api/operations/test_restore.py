"""Backup and restore as docs/operations.md walks through them, with the programs of the embedded PostgreSQL."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from api import service as services
from api.http.app import create_app
from api.institutions.roles import Role
from api.service import Service
from api.settings import Settings
from api.storage import database, embedded
from tests.api.bodies import fresh, fresh_key, register, report
from tests.api.cli.conftest import CommandLine
from tests.api.clients import KeyedClient
from tests.api.entries import new_key
from tests.api.scripted import ScriptedComparer
from tests.folders import open_to_all


@contextmanager
def running(home: Path) -> Iterator[Service]:
    """A service on a home of its own, for as long as the block lasts."""
    settings = Settings(home=home, database_url=None)
    built = services.build(settings, ScriptedComparer())
    try:
        yield built
    finally:
        built.close()
        database.leave_server(settings)


def client(service: Service, role: Role) -> KeyedClient:
    key = new_key(service.database, service.keys, role)
    return KeyedClient(create_app(service), headers={"Authorization": f"Bearer {key}"})


def program(name: str, settings: Settings, *arguments: str) -> None:
    """One of PostgreSQL's own, on the embedded server, which runs for as long as that."""
    url = database.server_url(settings)
    try:
        found = embedded._server(settings.database_dir.resolve()).bin_path / name
        environment = {**os.environ, "PGHOST": str(url.query["host"]), "PGUSER": str(url.username)}
        environment |= {"PGPASSWORD": str(url.password), "PGDATABASE": str(url.database)}
        subprocess.run([found, *arguments], env=environment, check=True)
    finally:
        database.leave_server(settings)


@pytest.mark.long
def test_a_site_that_is_lost_comes_back(tmp_path: Path) -> None:
    home, kept, again = (open_to_all(tmp_path) / name for name in ("home", "kept", "again"))
    for folder in (home, kept, again):
        folder.mkdir(mode=0o755)
    with running(home) as service:
        authority, terminal = client(service, Role.AUTHORITY), client(service, Role.TERMINAL)
        (_, good), (lost_id, lost) = register(authority), register(authority)
        report(authority, lost_id, "reported_lost")
        decided = terminal.post("/v1/verifications", json=fresh(terminal, good), headers=fresh_key()).json()
        assert decided["decision"] == "PASS"

    # The backup: data, keys of records, key files, each to a place of its own.
    line = CommandLine(tmp_path, {"RENZHENG_HOME": str(home), "NO_COLOR": "1"})
    program("pg_dump", Settings(home=home, database_url=None), "--format=custom", f"--file={kept / 'data.dump'}")
    assert line("keys", "backup", str(kept / "record-keys")).exit_code == 0
    shutil.copytree(home / "keys", kept / "keys")

    shutil.rmtree(home)

    # The restore: key files first, then the data, then the keys of records.
    shutil.copytree(kept / "keys", again / "keys")
    into = ("--dbname=renzheng", "--no-owner", str(kept / "data.dump"))
    program("pg_restore", Settings(home=again, database_url=None), *into)
    line.environment["RENZHENG_HOME"] = str(again)
    (file,) = (kept / "record-keys").glob("*.record-keys")
    assert line("keys", "restore", str(file)).exit_code == 0
    checked = line("fsck")
    assert checked.exit_code == 0, checked.output
    told = line("doctor", "--quiet")
    assert "error    keys" not in told.stdout
    assert "error    database" not in told.stdout
    with running(again) as service:
        terminal = client(service, Role.TERMINAL)
        answer = terminal.post("/v1/verifications", json=fresh(terminal, good), headers=fresh_key()).json()
        assert answer["decision"] == "PASS", "the template opens under its key"
        refused = terminal.post("/v1/verifications", json=fresh(terminal, lost), headers=fresh_key()).json()
        assert refused["document"]["status"] == "card_reported_lost"
        with service.database.begin() as connection:
            kept_ids = connection.execute(text("SELECT id::text FROM verifications")).scalars().all()
        assert decided["id"] in kept_ids
