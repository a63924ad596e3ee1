"""Runs the demonstration: a service process on a folder of its own, the scenes over HTTP, a table of the decisions."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from api.demo.counter import Caller
from api.demo.material import gather
from api.demo.scenes import Scene, play
from api.institutions import terminals
from api.institutions.terminals import Role
from api.settings import Settings
from api.storage import database, embedded, migrate

START_TIMEOUT_S = 120
_STYLES = {"PASS": "green", "REVIEW": "yellow", "REFUSE": "red"}


class ServiceFailed(Exception):
    """The service did not start; the text is what it said last."""


def run(data: Path | None, console: Console) -> bool:
    """Play all scenes and print the table; True when every decision is the one that it must be."""
    settings = Settings()
    home = _own_home(settings.home)
    began = time.monotonic()

    def progress(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - began:5.1f} s[/dim]  {escape(text)}…")

    material = gather(data, settings.home, progress)
    console.print(f"         faces: {escape(material.faces_from)}\n         fingers: {escape(material.fingers_from)}")
    progress("starting the database")
    own = settings.model_copy(update={"home": home, "database_url": None})
    authority_key, counter_key = _keys(own)
    scenes: list[Scene] = []
    try:
        progress("starting the service")
        with _service(home) as url:
            authority, counter = Caller(url, authority_key), Caller(url, counter_key)
            for scene in play(material, authority, counter, progress):
                scenes.append(scene)
                progress(f"{scene.title}: {scene.answer['decision']}")
    finally:
        embedded.stop(home / "database")
    console.print(_table(scenes))
    return all(scene.as_expected for scene in scenes)


def _own_home(home: Path) -> Path:
    """A folder beside the user's own database, so that made-up cards never get into it; the packs are shared."""
    own = home / "demo"
    own.mkdir(parents=True, exist_ok=True)
    packs = own / "packs"
    if not packs.is_symlink():
        packs.symlink_to(home / "packs", target_is_directory=True)
    return own


def _keys(settings: Settings) -> tuple[str, str]:
    opened = database.open_database(settings)
    migrate.upgrade(opened)
    stamp = f"{time.time_ns():x}"
    with opened.begin() as connection:
        authority = terminals.create(connection, "示范发证机关", f"authority {stamp}", Role.AUTHORITY)
        counter = terminals.create(connection, "示范银行", f"counter {stamp}", Role.TERMINAL)
    opened.close()
    return authority, counter


@contextmanager
def _service(home: Path) -> Iterator[str]:
    """A service process on a free port of this machine, stopped in the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RENZHENG_")}
    environment["RENZHENG_HOME"] = str(home)
    log = home / "service.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "api.cli", "serve", "--port", str(port)],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _await(url, process, log)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _await(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise ServiceFailed(f"the service did not start; it said: {log.read_text(errors='replace')[-2000:]}")


def _table(scenes: list[Scene]) -> Table:
    table = Table(title="Decisions at the counter", title_style="bold", show_lines=False, expand=False)
    for column in ("shown", "decision", "card", "person", "estimated FMR"):
        table.add_column(column, overflow="fold")
    for scene in scenes:
        answer = scene.answer
        style = _STYLES[answer["decision"]]
        texts = {reason["code"]: reason["zh"].rstrip("。") for reason in answer["words"]["reasons"]}
        fmr = answer["person"]["fmr"]
        table.add_row(
            scene.title,
            f"[{style}]{answer['decision']}[/{style}]" + ("" if scene.as_expected else f" (must be {scene.expected})"),
            "\n".join(f"{texts[code]} ({code})" for code in answer["document"]["reasons"]),
            "\n".join(f"{texts[code]} ({code})" for code in answer["person"]["reasons"]),
            "–" if fmr is None else f"{fmr:.1e}",
        )
    return table
