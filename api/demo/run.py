"""Runs the demonstration: a service process on a folder of its own, the scenes over HTTP, a table of the decisions."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from api.demo.counter import Caller
from api.demo.material import gather
from api.demo.scenes import Scene, play
from api.institutions import principals
from api.institutions.roles import Role
from api.settings import Settings
from api.storage import database, embedded, keys, migrate

START_TIMEOUT_S = 120
_SENTENCE_END = re.compile("[，。]")
_TELL_AFTER_S = 5.0
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

    progress("starting the database and the service")
    own = settings.model_copy(update={"home": home, "database_url": None})
    authority_key, counter_key = _keys(own)
    scenes: list[Scene] = []
    try:
        with _service(home) as await_service:
            # The models load in their own process meanwhile.
            material = gather(data, settings.home, progress)
            console.print(f"         faces: {escape(material.faces_from)}", soft_wrap=True)
            console.print(f"         fingers: {escape(material.fingers_from)}", soft_wrap=True)
            progress("waiting for the service")
            url = await_service(progress)
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
    secrets = keys.load(settings.keys_dir)
    opened = database.open_database(settings)
    migrate.upgrade(opened)
    stamp = f"{time.time_ns():x}"
    with opened.begin() as connection:
        authority = principals.add(connection, secrets, "示范发证机关", f"authority {stamp}", Role.AUTHORITY)
        counter = principals.add(connection, secrets, "示范银行", f"counter {stamp}", Role.TERMINAL)
    opened.close()
    return authority.key, counter.key


@contextmanager
def _service(home: Path) -> Iterator[Callable[[Callable[[str], None]], str]]:
    """A service process on a free port, stopped in the end; what is given waits until it answers, and gives its URL."""
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
        yield partial(_await, url, process, log)
    finally:
        process.terminate()
        process.wait(30)


def _await(url: str, process: subprocess.Popen[bytes], log: Path, progress: Callable[[str], None]) -> str:
    began, told = time.monotonic(), False
    while time.monotonic() < began + START_TIMEOUT_S and process.poll() is None:
        if not told and time.monotonic() > began + _TELL_AFTER_S:
            told = True
            progress("the service compiles its fingerprint comparison, once on a machine: up to two minutes")
        try:
            if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                return url
        except httpx.TransportError:
            time.sleep(0.1)
    raise ServiceFailed(f"the service did not start; it said: {log.read_text(errors='replace')[-2000:]}")


def _table(scenes: list[Scene]) -> Table:
    """Narrow enough for a terminal of 80 columns: a reason's text and its code stand on two lines."""
    table = Table(title="Decisions at the counter", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("shown", "decision", "card", "person"):
        table.add_column(column, no_wrap=True)
    for scene in scenes:
        answer = scene.answer
        style = _STYLES[answer["decision"]]
        texts = {reason["code"]: reason["zh"] for reason in answer["words"]["reasons"]}
        table.add_row(
            scene.title,
            f"[{style}]{answer['decision']}[/{style}]" + ("" if scene.as_expected else f"\n(must be {scene.expected})"),
            _reasons(answer["document"]["reasons"], texts),
            _reasons(answer["person"]["reasons"], texts),
            end_section=True,
        )
    return table


def _reasons(codes: list[str], texts: dict[str, str]) -> str:
    return "\n".join(f"{_SENTENCE_END.split(texts[code])[0]}\n[dim]{code}[/dim]" for code in codes)
