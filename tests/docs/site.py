"""A checkout with a service of its own, in which a page's commands are walked through as a reader would."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from api.storage import embedded
from models import home as home_of_packs
from tests.docs.pages import ROOT
from tests.folders import open_to_all

PATIENCE_S = 300
# Folders of another machine's root, which here lie in the site's own.
_ELSEWHERE = re.compile(r"(?<![\w./$}])/(?=(?:backups|archive|safe|var/lib)/)")


@dataclass
class Site:
    """A folder that looks as a fresh checkout does, with `.renzheng` in it, and what the reader has at hand."""

    folder: Path
    port: int = 0
    variables: dict[str, str] = field(default_factory=dict)

    @classmethod
    def made(cls, folder: Path) -> "Site":
        open_to_all(folder)
        for entry in ROOT.iterdir():
            if entry.name not in {".renzheng", "out", ".git"}:
                (folder / entry.name).symlink_to(entry)
        if not (folder / ".venv").exists():
            (folder / ".venv").symlink_to(Path(sys.prefix))
        home = folder / ".renzheng"
        home.mkdir(mode=0o755)
        (home / "packs").symlink_to(home_of_packs() / "packs", target_is_directory=True)
        programs = folder / "programs"
        programs.mkdir()
        terminal = programs / "renzheng-terminal"  # installed from api/terminal by those who use it
        terminal.write_text(f'#!/bin/sh\nexec {sys.executable} -m api.terminal "$@"\n')
        terminal.chmod(0o755)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return cls(folder, probe.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What every command sees; nothing of the settings that the tests themselves run with."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RENZHENG_", "PYTEST_"))}
        path = f"{self.folder / 'programs'}:{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}"
        own = {"RENZHENG_HOME": str(self.folder / ".renzheng"), "RENZHENG_PORT": str(self.port)}
        own |= {"RENZHENG_URL": self.url, "RENZHENG_DRAIN_S": "0", "PYTHONPATH": str(ROOT), "PATH": path}
        # The tests that a page has run keep out of the folders of those that run them.
        own |= {"PYTEST_DEBUG_TEMPROOT": str(self.folder)}
        return {**kept, **own, "NO_COLOR": "1", "OMP_NUM_THREADS": "1", **self.variables}

    def here(self, command: str) -> str:
        """A command of a page with this site's addresses and folders."""
        local = command.replace("http://127.0.0.1:8470", self.url).replace("https://renzheng.example", self.url)
        return _ELSEWHERE.sub(f"{self.folder}/", local)

    def out_of(self, command: str) -> str:
        """What a command prints."""
        done = self.run(command)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def run(self, script: str) -> "subprocess.CompletedProcess[str]":
        """Run a script, and end what it left running. Raises `subprocess.TimeoutExpired`."""
        process = subprocess.Popen(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            output, errors = process.communicate(timeout=PATIENCE_S)
        finally:
            _end(process.pid)
        return subprocess.CompletedProcess(script, process.returncode, output, errors)

    def serve(self) -> "subprocess.Popen[bytes]":
        """Start the service of this site, and wait until it answers."""
        with (self.folder / "serve.log").open("wb") as log:
            process = subprocess.Popen(
                ["bash", "-c", "exec renzheng serve"],
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return process
            except httpx.TransportError:
                time.sleep(0.2)
        raise AssertionError((self.folder / "serve.log").read_text(errors="replace")[-2000:])

    def close(self) -> None:
        """Stop its database server."""
        database = self.folder / ".renzheng" / "database"
        if database.is_dir():
            embedded.stop(database)
        shutil.rmtree(self.folder, ignore_errors=True)


def end(process: "subprocess.Popen[bytes]") -> None:
    """End a service in order."""
    _end(process.pid)
    process.wait(60)


def _end(group: int) -> None:
    try:
        os.killpg(group, signal.SIGTERM)
    except ProcessLookupError:
        return
