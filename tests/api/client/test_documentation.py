"""docs/client.md: its programs run, against the service, and its tables are complete."""

import asyncio
import re
import secrets
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from api import client as package
from api.client import AsyncClient, Client, Verification, errors, simulator
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
def world(service: Service, app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names that the programs use, and a service behind them."""

    def opened(url: str, key: str, **how: Any) -> Client:
        return Client(url, key, transport=Wire(app), **how)

    def opened_for_asyncio(url: str, key: str, **how: Any) -> AsyncClient:
        return AsyncClient(url, key, transport=transport("async", app), **how)

    monkeypatch.setitem(sys.modules, "renzheng_client", package)
    monkeypatch.setitem(sys.modules, "renzheng_client.simulator", simulator)
    monkeypatch.setattr(package, "Client", opened)
    with Client(URL, transport=Wire(app)) as anybody:
        log_keys = anybody.pin()
        kept_note = anybody.checkpoint().note
    made = [new_key(service.database, service.keys, Role.TERMINAL) for _ in range(2)]
    return {
        "url": URL,
        "key": made[0],
        "keys": made,
        "supervisor": new_key(service.database, service.keys, Role.SUPERVISOR),
        "log_keys": log_keys,
        "kept_note": kept_note,
        "camera": shot,
        "scanner": shot,
        "kept": [],
        "Client": opened,
        "AsyncClient": opened_for_asyncio,
    }


def test_the_programs_run(world: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """In their order, as one reads them; the customer's card is unknown, and so a person decides."""
    world["keep"] = world["kept"].append
    for program in PROGRAMS[:2]:
        exec(compile(program, str(DOCUMENT), "exec"), world)
    assert capsys.readouterr().out.startswith("REVIEW ")
    world["answer"] = Verification.model_validate(world["kept"][0])
    assert asyncio.run(world["serve"](world["card"], world["take"])) == "REVIEW"
    assert asyncio.run(world["open_alerts"](world["supervisor"])) == []
    for program in PROGRAMS[2:]:
        exec(compile(program, str(DOCUMENT), "exec"), world)
    place, size, *summary = capsys.readouterr().out.split(maxsplit=2)
    assert 0 <= int(place) < int(size)
    assert "'REVIEW'" in summary[0]


def test_the_tables_are_complete() -> None:
    methods = set(re.findall(r"`([a-z_]+)[`(]", TEXT.partition("## Methods")[2].partition("## ")[0]))
    assert {name for name in vars(Operations) if not name.startswith("_")} <= methods
    kinds = {
        name
        for name, one in vars(errors).items()
        if isinstance(one, type) and issubclass(one, Exception) and one.__module__ == errors.__name__
    }
    assert {name for name in kinds if f"`{name}`" not in TEXT} == set()
