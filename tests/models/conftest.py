"""A tiny model pack, a package index on this machine that serves it, and the networks as they ship."""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import os
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from models import catalogue, pip_settings, registry
from models.catalogue import DirectorySource, InputContract, ModelFile, Pack, RegistrySource
from models.conversion import convert

WHEEL, SDIST = "tiny-1.0-py3-none-any.whl", "tiny-1.0.tar.gz"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def quantised_network(seed: int = 0) -> bytes:
    """A network with everything that is wrong with the shipped ones: blocked weights, stale inputs, PRelu, Dropout."""
    rng = np.random.default_rng(seed)
    weights: dict[str, NDArray[Any]] = {
        "w_quantized": rng.integers(-128, 128, (4, 18)).astype(np.int8),
        "w_scales": rng.uniform(0.001, 0.02, (4, 3)).astype(np.float32),
        "w_zero_point": rng.integers(-9, 9, (4, 3)).astype(np.int8),
        "w_shape": np.array([4, 2, 3, 3]),
        "b_quantized": rng.integers(-128, 128, (4,)).astype(np.int8),
        "b_scales": np.array([0.01], dtype=np.float32),
        "b_zero_point": np.array([3], dtype=np.int8),
        "slope": np.array([0.25, 1.4, -0.3, 1.0], dtype=np.float32).reshape(4, 1, 1),
        "gentle": np.array([0.25, 0.9, -0.3, 1.0], dtype=np.float32).reshape(4, 1, 1),
        "leftover": np.zeros(3, dtype=np.float32),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["w_quantized", "w_scales", "w_zero_point"], ["w"], axis=1, block_size=6),
        helper.make_node("Reshape", ["w", "w_shape"], ["w4"]),
        helper.make_node("DequantizeLinear", ["b_quantized", "b_scales", "b_zero_point"], ["b"], axis=0, block_size=4),
        helper.make_node("Conv", ["data", "w4", "b"], ["conv"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("PRelu", ["conv", "slope"], ["bent"]),
        helper.make_node("PRelu", ["bent", "gentle"], ["bent_again"]),
        helper.make_node("Constant", [], ["ratio"], value=numpy_helper.from_array(np.array(0.5, dtype=np.float32))),
        helper.make_node("Dropout", ["bent_again", "ratio"], ["kept"]),
        helper.make_node("Sigmoid", ["kept"], ["out"]),
    ]
    tensor = functools.partial(helper.make_tensor_value_info, elem_type=onnx.TensorProto.FLOAT)
    listed = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    stale = [tensor("w", shape=[4, 18]), helper.make_tensor_value_info("w_quantized", onnx.TensorProto.INT8, [4, 18])]
    graph = helper.make_graph(
        nodes, "tiny", [tensor("data", shape=[1, 2, 8, 8]), *stale], [tensor("out", shape=[1, 4, 8, 8])], listed
    )
    return bytes(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString()
    )


def wheel_of(network: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("tiny/net.onnx"), network)  # a fixed date: the same bytes every time
    return buffer.getvalue()


def sdist_of(network: bytes, marker: Path) -> bytes:
    """A source archive whose build would leave a mark."""
    buffer = io.BytesIO()
    setup = f"import pathlib\npathlib.Path({str(marker)!r}).touch()\nimport setuptools\nsetuptools.setup(name='tiny')\n"
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in {"tiny-1.0/setup.py": setup.encode(), "tiny-1.0/tiny/net.onnx": network}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def pack_of(network: bytes, archive: bytes, filename: str = WHEEL, *, member: str = "tiny/net.onnx") -> Pack:
    """A catalogue entry that pins these bytes."""
    return Pack(
        name="tiny",
        version="1.0",
        purpose="Nothing",
        purpose_zh="无",
        licence="MIT",
        research_only=False,
        default=True,
        source=RegistrySource("tiny", filename, digest(archive), len(archive)),
        files=(
            ModelFile(
                "net",
                member,
                "float",
                digest(network),
                digest(convert("float", network)),
                InputContract("data", (1, 2, 8, 8), "noise"),
            ),
        ),
    )


def offered_in_directory(pack: Pack, *, research_only: bool) -> Pack:
    """The same pack, but added from a directory, and without pinned bytes if it is for research only."""
    (file,) = pack.files
    loose = replace(file, member_sha256=None, sha256=None, member="net.onnx") if research_only else file
    return replace(
        pack, source=DirectorySource("elsewhere"), files=(loose,), research_only=research_only, default=False
    )


class Builder:
    """What tests build packs with (a fixture, because tests cannot import this file)."""

    wheel_name, sdist_name = WHEEL, SDIST
    network = staticmethod(quantised_network)
    wheel = staticmethod(wheel_of)
    sdist = staticmethod(sdist_of)
    pack = staticmethod(pack_of)
    directory_pack = staticmethod(offered_in_directory)
    digest = staticmethod(digest)


@pytest.fixture
def build() -> type[Builder]:
    return Builder


@pytest.fixture
def network() -> bytes:
    return quantised_network()


@pytest.fixture
def tiny(network: bytes, know: Callable[..., None]) -> Pack:
    """The tiny pack, as the only one of the catalogue."""
    pack = pack_of(network, wheel_of(network))
    know(pack)
    return pack


@pytest.fixture
def know(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Replaces the catalogue's content."""

    def replace_catalogue(*packs: Pack) -> None:
        monkeypatch.setattr(catalogue, "_load", lambda: {pack.name: pack for pack in packs})

    return replace_catalogue


@dataclass
class Index:
    """A package index over HTTP: what it serves by path, how often it was asked, how it misbehaves."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    cut: int | None = None
    authorization: str | None = None
    refused: set[str] = field(default_factory=set)

    def answer(self, path: str, authorization: str | None) -> tuple[int, str, bytes]:
        self.asked.append(path)
        if self.authorization is not None and authorization != self.authorization:
            return 401, "text/plain", b"who are you"
        if path in self.refused:
            return 403, "text/plain", b"not this one"
        if self.failures:
            return self.failures.pop(0), "text/plain", b"later"
        if path == "/simple/tiny/":
            links = "".join(f'<a href="/files/{name}">{name}</a>' for name in self.files)
            return 200, "text/html", f"<html><body>{links}</body></html>".encode()
        data = self.files.get(path.removeprefix("/files/"))
        return (404, "text/plain", b"") if data is None else (200, "application/octet-stream", data)


@pytest.fixture
def make_index() -> Iterator[Callable[[], Index]]:
    """Starts package indexes on this machine."""
    servers = []

    def start() -> Index:
        index = Index()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, kind, body = index.answer(self.path, self.headers["Authorization"])
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: index.cut] if self.path.startswith("/files/") else body)

            def log_message(self, *_: Any) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        index.url = f"http://127.0.0.1:{server.server_port}"
        return index

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def pip_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine whose pip is not configured at all; tests then set what they need."""
    for name in [name for name in os.environ if name.upper().startswith("PIP_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return monkeypatch


@pytest.fixture
def quick(pip_environment: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Spares half a second each time: asks the variables only, not pip itself, and does not wait between attempts."""
    pip_environment.setattr(pip_settings, "_config_list", lambda: "")
    pip_environment.setattr(registry, "FIRST_PAUSE_S", 0.0)
    return pip_environment


@pytest.fixture
def index(make_index: Callable[[], Index], quick: pytest.MonkeyPatch, network: bytes) -> Index:
    """The index that pip is configured for; it has the tiny wheel."""
    started = make_index()
    started.files[WHEEL] = wheel_of(network)
    quick.setenv("PIP_INDEX_URL", f"{started.url}/simple")
    return started


@pytest.fixture(scope="session")
def shipped(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], bytes]:
    """The bytes of a network as its pack ships it: (pack, file) -> bytes. Archives are cached between runs."""
    from models import archive

    assert request.config.cache is not None
    cached = request.config.cache.mkdir("renzheng-pack-sources")

    def read(pack_name: str, file_name: str) -> bytes:
        pack = catalogue.find(pack_name)
        assert isinstance(pack.source, RegistrySource)
        kept = cached / pack.source.filename
        if not kept.is_file() or digest(kept.read_bytes()) != pack.source.sha256:
            fetched = registry.fetch(pack.source, tmp_path_factory.mktemp("fetch"), lambda *_: None)
            kept.write_bytes(fetched.read_bytes())
        return archive.read_member(kept, pack.file(file_name).member)

    return read
