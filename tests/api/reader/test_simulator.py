"""The reader bridge's protocol, spoken with the simulator as a page speaks it; docs/reader-bridge.md is the law."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from api.cards.text_block import OtherCardType, TextBlockInvalid, parse
from api.cli.reader import act
from api.reader import messages
from api.reader.cards import DemoCard, demo_card
from api.reader.messages import DEVICES, Fault, MessageInvalid
from api.reader.simulator import Mishap, Simulator
from tests.api.pictures import sound

ORIGIN = "http://127.0.0.1:8470"
WAIT_S = 60.0
DOCUMENT = (Path(__file__).parents[3] / "docs" / "reader-bridge.md").read_text(encoding="utf-8")


class PageEnd:
    """What a page is to the bridge."""

    def __init__(self, simulator: Simulator, origin: str | None = ORIGIN, *, greet: bool = True) -> None:
        self._open = ExitStack()
        came_from = None if origin is None else Origin(origin)
        asked = connect(simulator.address, origin=came_from, proxy=None, open_timeout=WAIT_S)
        self.connection: ClientConnection = self._open.enter_context(asked)
        if greet:
            self.say("hello", versions=[1])
            self.hello = self.hear("hello")

    def close(self) -> None:
        self._open.close()

    def say(self, kind: str, **fields: Any) -> None:
        self.connection.send(json.dumps({"type": kind, **fields}))

    def hear_any(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.connection.recv(timeout=WAIT_S))
        return message

    def hear(self, kind: str) -> dict[str, Any]:
        """The next message, which has to be of that kind."""
        message = self.hear_any()
        assert message["type"] == kind, message
        return message


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator([ORIGIN], port=0, reading_s=0.02, pressing_s=0.02) as started:
        yield started


@pytest.fixture
def page(simulator: Simulator) -> Iterator[PageEnd]:
    made = PageEnd(simulator)
    yield made
    made.close()


@pytest.fixture
def card() -> DemoCard:
    return demo_card("valid", photo=b"photo", fingers={"right_index": sound("PNG")})


def test_the_bridge_says_what_it_is(page: PageEnd) -> None:
    assert page.hello["version"] == 1
    assert page.hello["simulated"] is True
    assert page.hello["devices"] == {"card": True, "finger": {"dpi": 500.0}}


@pytest.mark.parametrize(
    "origin", [None, "http://elsewhere.example", "null", "http://127.0.0.1:8471", "https://127.0.0.1:8470"]
)
def test_only_pages_of_the_service_may_connect(simulator: Simulator, origin: str | None) -> None:
    with pytest.raises(InvalidStatus) as refused:
        PageEnd(simulator, origin)
    assert refused.value.response.status_code == 403
    assert not simulator.connected


def test_a_card_is_placed_read_and_taken_away(simulator: Simulator, page: PageEnd, card: DemoCard) -> None:
    simulator.place(card)
    page.hear("card_placed")
    told = page.hear("card_read")["card"]
    assert told["type"] == "resident"
    assert parse(base64.b64decode(told["text"])) == card.text
    assert told["photo"] == {"media_type": "image/jpeg", "image": base64.b64encode(b"photo").decode()}
    assert len(base64.b64decode(told["photo_blob"])) == 1024
    assert [len(base64.b64decode(blob)) for blob in told["finger_blobs"]] == [512, 512]
    simulator.remove()
    page.hear("card_removed")


def test_the_faults_of_cards(simulator: Simulator, page: PageEnd, card: DemoCard) -> None:
    simulator.place(card, Mishap.READ_ERROR)
    page.hear("card_placed")
    assert page.hear("fault") == {"type": "fault", "code": "card_read_failed", "device": "card"}
    page.say("read_again")
    page.hear("card_read")
    simulator.remove()
    page.hear("card_removed")
    simulator.place(card, Mishap.PULLED)
    page.hear("card_placed")
    assert page.hear("fault")["code"] == "card_removed_early"
    page.hear("card_removed")
    simulator.place(card, Mishap.GARBLED)
    page.hear("card_placed")
    with pytest.raises(TextBlockInvalid):
        parse(base64.b64decode(page.hear("card_read")["card"]["text"]))
    simulator.place(card, Mishap.WRONG_TYPE)
    page.hear("card_placed")
    other = page.hear("card_read")["card"]
    assert other["type"] != "resident"
    with pytest.raises(OtherCardType):
        parse(base64.b64decode(other["text"]))


class Held:
    """Stands in for a timer: what it would do is done when the test says."""

    acts: ClassVar[list[Callable[[], None]]] = []

    def __init__(self, seconds: float, act: Callable[[], None]) -> None:
        del seconds
        self.acts.append(act)

    def start(self) -> None: ...


def test_a_card_that_is_taken_away_while_it_is_read_is_not_told(
    simulator: Simulator, page: PageEnd, card: DemoCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.reader.simulator.threading.Timer", Held)
    simulator.place(card)
    page.hear("card_placed")
    simulator.remove()
    page.hear("card_removed")
    for late in Held.acts:
        late()
    with pytest.raises(TimeoutError):
        page.connection.recv(timeout=0.1)


def test_a_finger(simulator: Simulator, page: PageEnd, card: DemoCard) -> None:
    simulator.place(card)
    page.hear("card_placed")
    page.hear("card_read")
    pictures = set()
    for request in ("f1", "f2"):
        page.say("capture_finger", request=request, position="right_index", timeout_ms=5000)
        told = page.hear("finger_captured")
        assert (told["request"], told["position"], told["dpi"]) == (request, "right_index", 500.0)
        pictures.add(told["image"])
    assert len(pictures) == 2, "no scanner takes the same pixels twice"


def test_the_faults_of_fingers(simulator: Simulator, page: PageEnd, card: DemoCard) -> None:
    simulator.place(card)
    page.hear("card_placed")
    page.hear("card_read")
    page.say("capture_finger", request="none", position="left_thumb", timeout_ms=30)
    fault = page.hear("fault")
    assert (fault["code"], fault["device"], fault["request"]) == ("finger_timeout", "finger", "none")
    simulator.let_fingers(False)
    page.say("capture_finger", request="long", position="right_index", timeout_ms=20_000)
    page.say("capture_finger", request="second", position="right_index", timeout_ms=20_000)
    # Which of the two threads came first is not said; the other one is busy.
    busy = page.hear("fault")
    assert busy["code"] == "busy"
    page.say("cancel_finger", request=({"long", "second"} - {busy["request"]}).pop())
    assert page.hear("fault")["code"] == "finger_cancelled"


def test_without_a_scanner(card: DemoCard) -> None:
    with Simulator([ORIGIN], port=0, scanner=False) as bare:
        page = PageEnd(bare)
        assert page.hello["devices"]["finger"] is None
        page.say("capture_finger", request="f", position="right_index", timeout_ms=1000)
        assert page.hear("fault")["code"] == "finger_scanner_missing"
        page.close()


def test_the_newest_page_takes_over_and_is_told_what_lies_there(
    simulator: Simulator, page: PageEnd, card: DemoCard
) -> None:
    simulator.place(card)
    page.hear("card_placed")
    page.hear("card_read")
    newest = PageEnd(simulator)
    newest.hear("card_placed")
    newest.hear("card_read")
    with pytest.raises(ConnectionClosedError) as closed:
        page.connection.recv(timeout=WAIT_S)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4001
    newest.close()


def test_a_version_that_is_not_known(simulator: Simulator) -> None:
    stranger = PageEnd(simulator, greet=False)
    stranger.say("hello", versions=[2, 3])
    assert stranger.hear("fault")["code"] == "version_unsupported"
    with pytest.raises(ConnectionClosedError) as closed:
        stranger.connection.recv(timeout=WAIT_S)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4002


CAPTURE = '{"type": "capture_finger", "request": %s, "position": "x", "timeout_ms": %s}'


@pytest.mark.parametrize(
    "text",
    ["", "no json", "[]", '{"type": "format"}', '{"type": "hello"}', CAPTURE % (1, 1), CAPTURE % ('"f"', "true")],
)
def test_what_is_no_message(page: PageEnd, text: str) -> None:
    page.connection.send(text)
    assert page.hear("fault")["code"] == "message_invalid"
    with pytest.raises(MessageInvalid):
        messages.parse(text)


def test_nothing_is_told_before_hello(simulator: Simulator, card: DemoCard) -> None:
    silent = PageEnd(simulator, greet=False)
    silent.say("read_again")
    assert silent.hear("fault")["code"] == "message_invalid"
    simulator.place(card)
    with pytest.raises(TimeoutError):
        silent.connection.recv(timeout=0.1)
    silent.close()


def test_the_words_of_the_command_line(simulator: Simulator, page: PageEnd, card: DemoCard) -> None:
    for word, heard in [("1", "card_placed"), ("r", "card_removed"), ("pulled", "card_placed")]:
        assert act(simulator, [card], word)
        while page.hear_any()["type"] != heard:
            pass
    assert act(simulator, [card], "no-finger")
    assert not act(simulator, [card], "2"), "there is no second card"
    assert not act(simulator, [card], "x")


def test_the_document_tells_every_message_and_fault() -> None:
    for code in Fault:
        assert f"| `{code}` |" in DOCUMENT
        assert DEVICES[code]
    told = set(re.findall(r"^\| `(\w+)` \|", DOCUMENT, re.MULTILINE))
    spoken = {"hello", "read_again", "capture_finger", "cancel_finger", "card_placed", "card_read", "card_removed",
              "finger_captured", "fault"}  # fmt: skip
    assert spoken <= told
    for mishap in Mishap:
        assert f"`{mishap}`" in DOCUMENT


def test_nothing_of_a_card_is_in_a_representation(card: DemoCard) -> None:
    assert card.text.number not in repr(card)
    assert card.text.name not in repr(card.read())
