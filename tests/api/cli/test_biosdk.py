"""`renzheng biosdk`: where it listens, whom it lets in, and, with the real engines, what MOSIP is answered."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import uvicorn
from starlette.testclient import TestClient

from api.biosdk.engines import Engines
from api.cli import biosdk
from api.settings import Settings
from biometrics.face import FaceEngine
from biometrics.face.interchange import Coding, FacePicture, write
from biometrics.finger import FingerEngine
from biometrics.finger.synthesis import generate
from biometrics.images import decode
from tests.api.biosdk.mosip import record, segment, wrapped
from tests.api.cli.conftest import CommandLine
from tests.biometrics.face.conftest import group_photograph
from tests.biometrics.pictures import encode

KEY = "a-key-of-more-than-sixteen-characters"
WAIT_S = 600.0


class Served:
    """In the place of uvicorn's server: what would have been served, and where."""

    def __init__(self) -> None:
        self.app: Any = None
        self.address: tuple[str, int] = ("", 0)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, logging_as_it_was: None) -> Served:
    """The command without models, and without a server that does not end."""
    found = Served()

    def run(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        found.app, found.address = server.config.app, sockets[0].getsockname()[:2]

    def opened(cls: type[Engines], settings: Settings) -> Engines:
        return cls(cast(FaceEngine, None), cast(FingerEngine, None), {}, settings.biosdk_fmr)

    monkeypatch.setattr(Engines, "open", classmethod(opened))
    monkeypatch.setattr(uvicorn.Server, "run", run)
    monkeypatch.setattr(biosdk, "end_in_order", lambda: None)
    return found


def test_it_listens_on_this_machine_and_asks_for_no_key(renzheng: CommandLine, served: Served) -> None:
    result = renzheng("biosdk", "--port", "0")
    assert result.exit_code == 0, result.stderr
    host, port = served.address
    assert host == "127.0.0.1"
    assert f"http://127.0.0.1:{port}/biosdk-service" in result.stderr
    assert "RENZHENG_BIOSDK_KEY_FILE" not in result.stderr
    with TestClient(served.app) as client:
        assert client.get("/biosdk-service").text.startswith("Service is running... ")


def test_an_open_service_is_warned_of(renzheng: CommandLine, served: Served) -> None:
    result = renzheng("biosdk", "--host", "0.0.0.0", "--port", "0")
    assert result.exit_code == 0, result.stderr
    assert "RENZHENG_BIOSDK_KEY_FILE" in result.stderr
    assert "No key is asked for" in result.stderr


def test_a_key_is_read_from_its_file(renzheng: CommandLine, served: Served) -> None:
    renzheng.environment["RENZHENG_BIOSDK_KEY_FILE"] = renzheng.file("key", f"{KEY}\n")
    result = renzheng("biosdk", "--host", "0.0.0.0", "--port", "0")
    assert result.exit_code == 0, result.stderr
    assert "No key is asked for" not in result.stderr
    assert KEY not in result.output
    with TestClient(served.app) as client:
        assert client.post("/biosdk-service/init", json=wrapped({})).status_code == 401
        allowed = client.post(
            "/biosdk-service/init", json=wrapped({}, "2.0"), headers={"Authorization": f"Bearer {KEY}"}
        )
        assert allowed.json()["errors"][0]["code"] == "BIO_SDK_001"


@pytest.mark.parametrize("content", ["", "short", "two words of a key that is long", "schl\u00fcssel-" * 3])
def test_a_file_without_a_key_is_told(renzheng: CommandLine, served: Served, content: str) -> None:
    renzheng.environment["RENZHENG_BIOSDK_KEY_FILE"] = renzheng.file("key", content)
    result = renzheng("biosdk", "--port", "0")
    assert result.exit_code == 3
    assert "holds no key" in result.stderr
    assert not content or content not in result.output
    assert served.app is None


def test_a_key_file_that_is_not_there_is_told(renzheng: CommandLine, served: Served, tmp_path: Path) -> None:
    renzheng.environment["RENZHENG_BIOSDK_KEY_FILE"] = str(tmp_path / "nowhere")
    result = renzheng("biosdk", "--port", "0")
    assert (result.exit_code, served.app) == (3, None)
    assert "cannot be read" in result.stderr


def test_a_port_in_use_is_told(renzheng: CommandLine, served: Served) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        result = renzheng("biosdk", "--port", str(other.getsockname()[1]))
    assert (result.exit_code, served.app) == (3, None)
    assert "Cannot listen" in result.stderr


def _asked(client: httpx.Client, name: str, inner: dict[str, Any]) -> Any:
    answer = client.post("/init" if name == "init" else f"/{name}", json=wrapped(inner))
    assert answer.status_code == 200
    assert answer.json()["errors"] == []
    return answer.json()["response"]


@pytest.mark.long
def test_mosip_is_answered_by_the_real_engines() -> None:
    """Two people of one photograph, and generated prints of two fingers, in the records that MOSIP sends."""
    rgb = decode(group_photograph()).rgb
    height, width = rgb.shape[:2]
    picture = encode(rgb[:, : width // 2], "JPEG")
    prints = [encode(generate(seed, impression), dpi=(500, 500)) for seed, impression in ((1, 0), (1, 1), (2, 0))]
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "biosdk", "--port", "0"],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        url = next(line.split()[-1] for line in process.stderr if "answers MOSIP on" in line)
        with httpx.Client(base_url=url, timeout=WAIT_S) as client:
            _walk(client, picture, prints, (height, width))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=WAIT_S)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


def _walk(client: httpx.Client, picture: bytes, prints: list[bytes], size: tuple[int, int]) -> None:
    first, again, other = (segment("FINGER", one, "Left", "IndexFinger") for one in prints)
    assert _asked(client, "init", {"initParams": {}})["apiVersion"] == "0.9"
    found = _asked(client, "match", {"sample": record(first), "gallery": [record(again), record(other)]})
    assert [one["decisions"]["FINGER"]["match"] for one in found["response"]] == ["MATCHED", "NOT_MATCHED"]
    made = _asked(client, "extract-template", {"sample": record(again)})["response"]
    found = _asked(client, "match", {"sample": record(first), "gallery": [made]})
    assert found["response"][0]["decisions"]["FINGER"]["match"] == "MATCHED"
    crowd = segment("FACE", write([FacePicture(picture, Coding.JPEG, size[1], size[0])]))
    told = _asked(client, "extract-template", {"sample": record(crowd)})
    assert (told["statusCode"], told["statusMessage"]) == (406, "Data provided is of poor quality - multiple_faces")
