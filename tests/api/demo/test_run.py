"""What the demonstration says while it waits for its service."""

import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from api.demo import run


def test_the_wait_for_compiling_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def answers(url: str, timeout: float) -> httpx.Response:
        asked.append(timeout)
        time.sleep(0.01)
        return httpx.Response(200 if len(asked) > 20 else 503, request=httpx.Request("GET", url))

    monkeypatch.setattr(httpx, "get", answers)
    monkeypatch.setattr(run, "_TELL_AFTER_S", 0.0)
    said: list[str] = []
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        assert run._await("http://here", process, tmp_path / "log", said.append) == "http://here"
    finally:
        process.kill()
        process.wait()
    (line,) = said
    assert "compiles" in line
