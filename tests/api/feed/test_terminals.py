"""The terminals' client against the running service: from nothing to fresh, and back to it after every trouble."""

import base64
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from api.feed.snapshots import routes as snapshot_routes
from api.feed.snapshots.publishing import Published
from api.service import Service
from api.terminal import Card, Remote, RemoteFailed, Terminal
from api.terminal.__main__ import main
from api.terminal.answer import Answer, Verdict
from api.terminal.remote import _begun
from api.terminal.snapshot import open_snapshot
from tests.api.bodies import Json, register, report
from tests.api.feed.conftest import NewKey
from tests.api.feed.test_events import tag
from tests.api.feed.test_snapshots import newest

REVIEW, NOT_LISTED = Verdict.REVIEW, Verdict.NOT_LISTED


def as_card(body: Json) -> Card:
    last = None if body["valid_to"] in {None, "长期"} else date.fromisoformat(body["valid_to"])
    return Card(body["number"], body["issuer"], date.fromisoformat(body["valid_from"]), last)


def eventually(terminal: Terminal, card: Card, holds: Callable[[Answer], bool]) -> Answer:
    deadline = time.monotonic() + 60
    while not holds(answer := terminal.check(card)):
        assert time.monotonic() < deadline, answer
        time.sleep(0.02)
    return answer


def make(service: Service, *good: Json) -> None:
    """A snapshot that finds none of these cards by mistake, as one in some hundred does."""
    while True:
        service.snapshots.make()
        raw = service.snapshots.copies.file(newest(service)).read_bytes()
        found = open_snapshot(raw, service.keys.trusted).filter
        if not any(tag(service, one) in found for one in good):
            return


@pytest.fixture
def remote(url: str, new_feed_key: NewKey) -> Remote:
    return Remote(url, new_feed_key())


@pytest.mark.parametrize("stream", [True, False])
def test_a_report_reaches_the_terminal(
    service: Service, authority: TestClient, remote: Remote, tmp_path: Path, stream: bool
) -> None:
    before_id, before = register(authority)
    report(authority, before_id, "reported_lost")
    card_id, body = register(authority)
    make(service, body)
    with Terminal(tmp_path, service.keys.trusted, remote=remote, stream=stream) as terminal:
        assert terminal.check(as_card(body)).reason == "no_data"
        terminal.start()
        first = eventually(terminal, as_card(body), lambda one: one.verdict is NOT_LISTED)
        assert first.age_s is not None
        assert first.age_s < 60
        assert terminal.check(as_card(before)).reason == "listed"
        report(authority, card_id, "reported_lost")
        told = eventually(terminal, as_card(body), lambda one: one.verdict is REVIEW)
        assert (told.reason, told.as_of_seq) == ("card_reported_lost", (first.as_of_seq or 0) + 1)
        report(authority, before_id, "found")
        eventually(terminal, as_card(before), lambda one: one.verdict is NOT_LISTED)
        assert terminal.status()["trouble"] is None
    with Terminal(tmp_path, service.keys.trusted) as offline:
        assert offline.check(as_card(body)).reason == "card_reported_lost"
        assert offline.check(as_card(before)).verdict is NOT_LISTED


def test_a_download_that_broke_off_is_gone_on_with(
    service: Service, remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.snapshots.make()
    whole = remote.snapshot(tmp_path / "part")
    assert whole is not None
    sent = snapshot_routes._blocks

    def broken(path: Path, part: range) -> Any:
        yield next(iter(sent(path, part)))[:100]
        raise ConnectionError

    asked: list[str] = []
    part_of = snapshot_routes._part

    def noted(range_: str, one: Published) -> range | None:
        asked.append(range_)
        return part_of(range_, one)

    monkeypatch.setattr(snapshot_routes, "_part", noted)
    with monkeypatch.context() as breaking:
        breaking.setattr(snapshot_routes, "_blocks", broken)
        with pytest.raises(RemoteFailed):
            remote.snapshot(tmp_path / "part")
    assert len(_begun(tmp_path / "part")[1]) == 100
    assert remote.snapshot(tmp_path / "part") == whole
    assert asked[-1] == "bytes=100-"
    assert not (tmp_path / "part").exists()


def test_the_one_that_is_known_is_not_sent_again(service: Service, remote: Remote, tmp_path: Path) -> None:
    service.snapshots.make()
    first = remote.snapshot(tmp_path / "part")
    assert first is not None
    assert remote.snapshot(tmp_path / "part", first[1]) is None


def test_a_restored_register_is_told_and_makes_nothing_fresh(
    service: Service, authority: TestClient, remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.snapshots.make()
    with Terminal(tmp_path, service.keys.trusted, remote=remote) as terminal:
        assert terminal.follower is not None
        terminal.follower.catch_up()
        confirmed = terminal.holding.as_of
        page = Remote.page
        monkeypatch.setattr(Remote, "page", lambda self, after, limit: page(self, after + 1000, limit))
        with pytest.raises(RemoteFailed) as caught:
            terminal.follower.catch_up()
        assert caught.value.code == "feed_position_unknown"
        assert terminal.holding.as_of == confirmed


def test_a_new_key_of_the_feed_is_followed(
    service: Service, authority: TestClient, remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The terminal still has the tags of another key: it gets the new one with a snapshot under it."""
    card_id, body = register(authority)
    report(authority, card_id, "reported_lost")
    service.snapshots.make()
    with Terminal(tmp_path, service.keys.trusted, remote=remote) as terminal:
        assert terminal.follower is not None
        terminal.follower.catch_up()
        shown = terminal.holding.view
        assert shown is not None
        other = replace(shown, key=bytes(32))
        terminal.holding.view, terminal.holding.key = other, bytes(32)
        terminal.follower.catch_up()
        assert terminal.holding.key == service.keys.feed
        assert terminal.check(as_card(body)).verdict is REVIEW


def test_without_the_right_key_there_is_nothing(service: Service, url: str, tmp_path: Path) -> None:
    with Terminal(tmp_path, service.keys.trusted, remote=Remote(url, "rz-wrong")) as terminal:
        terminal.start()
        deadline = time.monotonic() + 60
        while terminal.status()["trouble"] != "key_invalid":
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_nobody_is_there(service: Service, tmp_path: Path) -> None:
    with Terminal(tmp_path, service.keys.trusted, remote=Remote("http://127.0.0.1:9", "key")) as terminal:
        assert terminal.follower is not None
        with pytest.raises(RemoteFailed) as caught:
            terminal.follower.catch_up()
        assert caught.value.code == "unreachable"


@pytest.mark.parametrize("url", ["http://renzheng.example", "ftp://localhost", "https://", "https://user@host", "x"])
def test_the_key_goes_only_where_it_is_safe(url: str) -> None:
    with pytest.raises(ValueError, match=r"expected|https"):
        Remote(url, "key")


def test_the_command(
    service: Service, authority: TestClient, url: str, new_feed_key: NewKey, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    card_id, body = register(authority)
    make(service, body, {**body, "issuer": "another"})
    report(authority, card_id, "reported_lost")
    signer, key = tmp_path / "signer", tmp_path / "key"
    signer.write_text(base64.b64encode(service.keys.trusted[0].public_bytes_raw()).decode())
    key.write_text(new_feed_key())
    common = ["--folder", str(tmp_path / "folder"), "--signer", str(signer)]
    assert main(["follow", "--url", url, "--key-file", str(key), "--once", *common]) == 0
    assert main(["status", *common]) == 0
    card = as_card(body)
    last = "长期" if card.valid_to is None else card.valid_to.isoformat()
    asked = ["--issuer", card.issuer, "--valid-from", card.valid_from.isoformat(), "--valid-to", last]
    capsys.readouterr()
    assert main(["check", "--number", card.number, *asked, *common]) == 1
    shown = capsys.readouterr()
    assert '"reason": "card_reported_lost"' in shown.out
    assert "证件已挂失" in shown.out
    assert card.number not in shown.out + shown.err
    other = ["--issuer", "another", *asked[2:]]
    assert main(["check", "--number", card.number, *other, *common]) == 0
    assert main(["check", "--number", card.number, *other, *common, "--stale-after", "0"]) == 1
    key.write_text("")
    assert main(["follow", "--url", url, "--key-file", str(key), *common]) == 2
    assert main(["follow", "--url", "http://far.example", "--key-file", str(signer), *common]) == 2


def test_it_stops_when_told(service: Service, remote: Remote, tmp_path: Path) -> None:
    service.snapshots.make()
    others = set(threading.enumerate())
    terminal = Terminal(tmp_path, service.keys.trusted, remote=remote, stream=False)
    terminal.start()
    time.sleep(0.3)
    terminal.close()
    assert not [one for one in set(threading.enumerate()) - others if one.name == "feed" and one.is_alive()]
    shutil.rmtree(tmp_path)


def test_the_document_s_example_runs_as_it_is_written(
    service: Service,
    url: str,
    new_feed_key: NewKey,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With this repository's name for the package and the test service's address."""
    text = (Path(__file__).parents[3] / "docs" / "offline.md").read_text(encoding="utf-8")
    block = text.partition("```python\n")[2].partition("```")[0]
    block = block.replace("from renzheng_terminal import", "from api.terminal import")
    block = block.replace("https://renzheng.example", url)
    monkeypatch.chdir(tmp_path)
    Path("terminal.key").write_text(new_feed_key() + "\n", encoding="ascii")
    signer = httpx.get(f"{url}/v1/keys").json()[0]["public_key"]
    Path("service.pub").write_text(signer + "\n", encoding="ascii")
    service.snapshots.make()
    names: dict[str, Any] = {}
    exec(block, names)
    try:
        assert capsys.readouterr().out.startswith(("REVIEW no_data", "NOT_LISTED"))
        answer = eventually(names["terminal"], _shown(), _is_fresh)
        # Of 2,000 good cards the filter finds one: which verdict it is does not matter here.
        assert answer.as_of_seq is not None
    finally:
        names["terminal"].close()


def _shown() -> Card:
    return Card("11010519491231002X", "北京市公安局", "2020-01-01", "长期")


def _is_fresh(answer: Answer) -> bool:
    return not answer.stale and answer.reason != "no_data"
