"""What a service, or whoever stands in its place, may send: it is refused with a word, and costs little."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.terminal.files import others_can_write, write_anew
from api.terminal.holding import Holding
from api.terminal.parameters import BLOCK_BYTES
from api.terminal.remote import Remote, RemoteFailed, _told
from api.terminal.snapshot import HEAD_BYTES, SnapshotRefused
from tests.api.terminal.worlds import World

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]
Serve = Callable[[Answer], Remote]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A server on this machine whose every answer is what the test says."""
    servers: list[http.server.ThreadingHTTPServer] = []

    def started(answer: Answer) -> Remote:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer(self)

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return Remote(f"http://127.0.0.1:{server.server_port}", "key", timeout_s=60)

    yield started
    for one in servers:
        one.shutdown()
        one.server_close()


def send(handler: http.server.BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def refused(ask: Callable[[], object]) -> RemoteFailed:
    with pytest.raises(RemoteFailed) as caught:
        ask()
    return caught.value


@pytest.mark.parametrize(
    "changed",
    [
        {"head": float("inf")},
        {"head": float("nan")},
        {"head": True},
        {"head": "5"},
        {"head": -5},
        {"head": 1.5},
        {"head": 2**63},
        {"as_of": "9999-12-31T23:59:59+00:00"},
        {"as_of": "0001-01-01T00:00:00+14:00"},
        {"as_of": "2026-11-22T01:00:00"},
        {"as_of": 5},
        {"events": {"a": 1}},
        {"events": 5},
        {"events": [None]},
        {"events": [{"tag": "0" * 32, "seq": 10**30, "invalid": True, "status": "x"}]},
    ],
)
def test_pages_out_of_bounds(changed: dict[str, Any]) -> None:
    sound = {"as_of": "2026-11-22T01:00:00+00:00", "events": [], "head": 4, "key_id": "x"}
    assert _told(sound).head == 4
    assert refused(lambda: _told({**sound, **changed})).code == "malformed"


@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"a":' * 100_000, b"{", b"[]", b"\xff", b'{"head": Infinity}'])
def test_what_is_no_page(serve: Serve, body: bytes) -> None:
    remote = serve(lambda handler: send(handler, 200, body))
    assert refused(lambda: remote.page(0, 1)).code == "malformed"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("feed_position_unknown", "feed_position_unknown"),
        ("feed_position_unknown\n2026-11-22 INFO all is well", "status_500"),
        ("x" * 65, "status_500"),
        ("Lost", "status_500"),
        ("", "status_500"),
        (None, "status_500"),
        (5, "status_500"),
    ],
)
def test_a_code_is_one_word(serve: Serve, code: object, said: str) -> None:
    remote = serve(lambda handler: send(handler, 500, json.dumps({"code": code}).encode()))
    failed = refused(lambda: remote.page(0, 1))
    assert (failed.code, str(failed)) == (said, f"the service answers 500, {said}")


def test_a_refusal_of_great_depth_is_one_too(serve: Serve) -> None:
    remote = serve(lambda handler: send(handler, 503, b"[" * 200_000, Retry_After="7"))
    failed = refused(lambda: remote.page(0, 1))
    assert (failed.code, failed.retry_after_s) == ("status_503", 7)


def test_an_event_without_an_end_is_cut_off(serve: Serve) -> None:
    lines = 0

    def endless(handler: http.server.BaseHTTPRequestHandler) -> None:
        nonlocal lines
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        try:
            while lines < 4000:
                handler.wfile.write(b"data: " + b"a" * 60_000 + b"\n")
                lines += 1
        except OSError:
            pass

    remote = serve(endless)
    assert refused(lambda: list(remote.stream(0))).code == "malformed"
    assert lines < 4000


def test_a_snapshot_that_is_refused_is_not_fetched_to_its_end(serve: Serve, tmp_path: Path) -> None:
    """One signed by a key that is not trusted here, 64 MiB long."""
    world, length = World(), 64 << 20
    head, sent = world.snapshot()[:HEAD_BYTES], 0

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        nonlocal sent
        handler.send_response(200)
        handler.send_header("Content-Length", str(length))
        handler.send_header("ETag", '"one"')
        handler.end_headers()
        handler.wfile.write(head)
        try:
            while sent < length:
                sent += handler.wfile.write(bytes(BLOCK_BYTES))
        except OSError:
            pass

    remote, holding = serve(answer), Holding(tmp_path, World().signers, writing=True)
    with pytest.raises(SnapshotRefused) as caught:
        remote.snapshot(tmp_path / "part", None, lambda head: holding.judge(head, world.feed_key))
    assert caught.value.reason == "unknown_signer"
    assert sent < length / 2
    assert not (tmp_path / "part").exists()


def test_one_that_broke_off_is_judged_before_it_is_gone_on_with(serve: Serve, tmp_path: Path) -> None:
    world, asked = World(), []
    raw = world.snapshot()

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        begun = int(handler.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        asked.append(begun)
        whole = f"bytes {begun}-{len(raw) - 1}/{len(raw)}"
        send(handler, 206, raw[begun:], ETag='"one"', Content_Range=whole)

    remote, part = serve(answer), tmp_path / "part"
    for begun in (100, HEAD_BYTES, HEAD_BYTES + 5):
        judged: list[bytes] = []
        part.write_bytes(b'"one"\n' + raw[:begun])
        assert remote.snapshot(part, None, judged.append) == (raw, '"one"')
        assert judged == [raw[:HEAD_BYTES]]
    holding = Holding(tmp_path / "other", World().signers, writing=True)
    part.write_bytes(b'"one"\n' + raw[:100])
    with pytest.raises(SnapshotRefused):
        remote.snapshot(part, None, lambda head: holding.judge(head, world.feed_key))
    assert not part.exists()
    assert asked == [100, HEAD_BYTES, HEAD_BYTES + 5, 100]


def test_a_download_is_not_written_through_a_link(serve: Serve, tmp_path: Path) -> None:
    def broken(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.send_header("ETag", '"one"')
        handler.end_headers()
        handler.wfile.write(bytes(500))

    mine, part = tmp_path / "mine", tmp_path / "part"
    mine.write_bytes(b"precious")
    part.symlink_to(mine)
    assert refused(lambda: serve(broken).snapshot(part)).code == "unreachable"
    assert (mine.read_bytes(), part.is_symlink()) == (b"precious", False)
    assert part.read_bytes() == b'"one"\n' + bytes(500)
    assert part.stat().st_mode & 0o777 == 0o600


def test_changes_are_not_written_through_a_link(tmp_path: Path) -> None:
    world, mine = World(), tmp_path / "mine"
    mine.write_bytes(b"")
    holding = Holding(tmp_path / "folder", world.signers, writing=True)
    holding.take(world.snapshot(), world.feed_key)
    holding._journal(world.feed_key)._path.symlink_to(mine)
    world.change(1, True)
    with pytest.raises(OSError, match="symbolic links"):
        holding.apply([world.delta(1)])
    assert (mine.read_bytes(), holding.seq) == (b"", 0)


def test_a_folder_that_others_write_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    Holding(tmp_path / "own", world.signers, writing=True).close()
    assert not [one for one in caplog.records if one.name.startswith("api.terminal")]
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    assert others_can_write(tmp_path / "open")
    Holding(tmp_path / "open", world.signers, writing=True).close()
    assert "others can write" in caplog.text


def test_anew(tmp_path: Path) -> None:
    for content in (b"one", b""):
        write_anew(tmp_path / "file", content)
        assert (tmp_path / "file").read_bytes() == content
