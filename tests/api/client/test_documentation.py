"""docs/client.md: its programs run, against the service, and its tables are complete."""

import re
import secrets
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from api import client as package
from api.client import AsyncClient, Client, errors, simulator
from api.client.operations import Operations
from api.institutions.roles import Role
from api.service import Service
from tests.api.client.sides import URL, Wire, transport
from tests.api.entries import new_key

DOCUMENT = Path(__file__).parents[3] / "docs" / "client.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def shot() -> bytes:
    """A scripted picture, another one each time."""
    return f"person:a#{secrets.token_hex(8)}".encode()


@pytest.fixture
def _world(service: Service, app: FastAPI, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the programs find: the service behind the environment's address, keys, and files in the folder."""

    def opened(url: str, key: str | None = None, **how: Any) -> Client:
        return Client(url, key, transport=Wire(app), **how)

    def opened_for_asyncio(url: str, key: str | None = None, **how: Any) -> AsyncClient:
        return AsyncClient(url, key, transport=transport("async", app), **how)

    monkeypatch.setitem(sys.modules, "renzheng_client", package)
    monkeypatch.setitem(sys.modules, "renzheng_client.simulator", simulator)
    monkeypatch.setattr(package, "Client", opened)
    monkeypatch.setattr(package, "AsyncClient", opened_for_asyncio)
    made = [new_key(service.database, service.keys, Role.TERMINAL) for _ in range(2)]
    monkeypatch.setenv("RENZHENG_URL", URL)
    monkeypatch.setenv("RENZHENG_KEY", made[0])
    monkeypatch.setenv("RENZHENG_SUPERVISOR_KEY", new_key(service.database, service.keys, Role.SUPERVISOR))
    monkeypatch.chdir(tmp_path)
    Path("counters.txt").write_text("\n".join(made))
    Path("faces").mkdir()
    for number in range(100):
        Path("faces", f"{number:03}.jpg").write_bytes(shot())


def run(program: str) -> None:
    """As a file of its own: no name is there that it does not say itself. Pictures are taken anew before."""
    Path("face.jpg").write_bytes(shot())
    Path("finger.png").write_bytes(shot())
    exec(compile(program, str(DOCUMENT), "exec"), {"__name__": "__main__"})


@pytest.mark.usefixtures("_world")
def test_the_programs_run(capsys: pytest.CaptureFixture[str]) -> None:
    """In their order, as one reads them; the customer's card is unknown, and so a person decides."""
    pin, counter, with_asyncio, evidence, simulated = PROGRAMS
    run(pin)
    run(counter)
    assert capsys.readouterr().out.startswith("REVIEW ")
    run(with_asyncio)
    told = capsys.readouterr().out.splitlines()
    assert sorted(line.split()[0] for line in told) == ["REVIEW", "open"]
    for _ in range(2):
        run(evidence)  # the second time a note was kept
        place, size, unproven = capsys.readouterr().out.split(maxsplit=2)
        assert 0 <= int(place) < int(size)
        assert "words" in unproven
    run(simulated)
    assert "'REVIEW'" in capsys.readouterr().out


def test_the_tables_are_complete() -> None:
    methods = set(re.findall(r"`([a-z_]+)[`(]", TEXT.partition("## Methods")[2].partition("## ")[0]))
    assert {name for name in vars(Operations) if not name.startswith("_")} <= methods
    kinds = {
        name
        for name, one in vars(errors).items()
        if isinstance(one, type) and issubclass(one, Exception) and one.__module__ == errors.__name__
    }
    assert {name for name in kinds if f"`{name}`" not in TEXT} == set()
