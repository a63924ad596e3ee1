"""A reader bridge without a reader: it is told which card lies there, and what goes wrong."""

import logging
import threading
import time
from collections.abc import Collection
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Origin

from api.demo.shots import another_shot
from api.reader import messages
from api.reader.cards import DemoCard, foreign, garbled
from api.reader.messages import CardRead, Fault, MessageInvalid
from api.reader.parameters import (
    DEFAULT_PORT,
    LARGEST_MESSAGE,
    PRESSING_S,
    READING_S,
    SUPERSEDED,
    UNKNOWN_VERSION,
    VERSION,
    WATCH_S,
)

NAME = "renzheng reader-simulator"
DPI = 500.0


class Mishap(StrEnum):
    """What may go wrong with a card that is placed."""

    PULLED = "pulled"
    READ_ERROR = "read-error"
    GARBLED = "garbled"
    WRONG_TYPE = "wrong-type"


class Simulator:
    """Serves one page at a time on this machine; the newest takes over. To be used as a context manager.

    `origins`: the addresses of the service whose pages may connect; a browser names the page's in every handshake.
    """

    def __init__(
        self,
        origins: Collection[str],
        *,
        port: int = DEFAULT_PORT,
        reading_s: float = READING_S,
        pressing_s: float = PRESSING_S,
        scanner: bool = True,
    ) -> None:
        self._reading_s = reading_s
        self._pressing_s = pressing_s
        self._scanner = scanner
        self._lock = threading.RLock()
        self._page: ServerConnection | None = None
        self._card: tuple[DemoCard, CardRead] | None = None
        # Counts placings and takings away: whoever waits for a reading sees whether it is still about that card.
        self._turn = 0
        self._fingers_come = True
        self._pressing: dict[str, threading.Event] = {}
        # A local file's page has no origin of its own and may not connect either.
        self._server = serve(
            self._serve,
            "127.0.0.1",
            port,
            origins=[Origin(one) for one in origins],
            max_size=LARGEST_MESSAGE,
            logger=_quiet(),
        )
        self._thread = threading.Thread(target=self._server.serve_forever, name="reader-simulator", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            page, self._page = self._page, None
        if page is not None:
            page.close()
        self._server.shutdown()
        self._thread.join()

    @property
    def address(self) -> str:
        """Where pages connect to."""
        return f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}"

    @property
    def connected(self) -> bool:
        """Whether a page is connected and said hello."""
        with self._lock:
            return self._page is not None

    def place(self, card: DemoCard, mishap: Mishap | None = None) -> None:
        """Lay a card on the reader; it is read at once, unless something goes wrong."""
        with self._lock:
            self._turn += 1
            read = card.read()
            if mishap is Mishap.GARBLED:
                read = garbled(read)
            elif mishap is Mishap.WRONG_TYPE:
                read = foreign(read)
            self._card = (card, read)
            self._tell(messages.card_placed())
        self._after(self._reading_s, self._read, mishap)

    def remove(self) -> None:
        """Take the card away."""
        with self._lock:
            if self._card is not None:
                self._turn += 1
                self._card = None
                self._tell(messages.card_removed())

    def let_fingers(self, come: bool) -> None:
        """Whether the scanner has a finger when it is asked for one, or nobody presses it."""
        self._fingers_come = come

    def _read(self, mishap: Mishap | None) -> None:
        if mishap is Mishap.PULLED:
            self._tell(messages.fault(Fault.CARD_REMOVED_EARLY))
            self.remove()
        elif mishap is Mishap.READ_ERROR:
            self._tell(messages.fault(Fault.CARD_READ_FAILED))
        elif self._card is not None:
            self._tell(messages.card_read(self._card[1]))

    def _after(self, seconds: float, act: Any, *arguments: Any) -> None:
        """Act in a while, where the same card still lies there."""
        turn = self._turn

        def acted() -> None:
            with self._lock:
                if self._turn == turn:
                    act(*arguments)

        timer = threading.Timer(seconds, acted)
        timer.daemon = True
        timer.start()

    def _serve(self, page: ServerConnection) -> None:
        try:
            for text in page:
                self._take(page, text)
        except ConnectionClosed:
            pass
        finally:
            with self._lock:
                if self._page is page:
                    self._page = None

    def _take(self, page: ServerConnection, text: str | bytes) -> None:
        try:
            message = messages.parse(text)
        except MessageInvalid:
            page.send(messages.fault(Fault.MESSAGE_INVALID))
            return
        if message["type"] == "hello":
            self._greet(page, message["versions"])
        elif self._page is not page:
            page.send(messages.fault(Fault.MESSAGE_INVALID))
        elif message["type"] == "capture_finger":
            threading.Thread(target=self._press, args=(page, message), daemon=True).start()
        elif message["type"] == "cancel_finger":
            self._pressing.get(message["request"], threading.Event()).set()
        elif self._card is not None:
            self._after(self._reading_s, self._read, None)

    def _greet(self, page: ServerConnection, versions: list[Any]) -> None:
        if VERSION not in versions:
            page.send(messages.fault(Fault.VERSION_UNSUPPORTED))
            page.close(UNKNOWN_VERSION, "version_unsupported")
            return
        with self._lock:
            before, self._page = self._page, page
            page.send(messages.hello(NAME, simulated=True, finger_dpi=DPI if self._scanner else None))
            if self._card is not None:
                page.send(messages.card_placed())
                page.send(messages.card_read(self._card[1]))
        if before is not None and before is not page:
            before.close(SUPERSEDED, "another page took over")

    def _press(self, page: ServerConnection, message: dict[str, Any]) -> None:
        """One finger, on a thread of its own: a page may give it up meanwhile."""
        request, position = message["request"], message["position"]
        given_up = threading.Event()
        with self._lock:
            busy = bool(self._pressing)
            if not busy:
                self._pressing[request] = given_up
        if busy or not self._scanner:
            return self._answer(page, messages.fault(Fault.BUSY if busy else Fault.FINGER_SCANNER_MISSING, request))
        picture = None if self._card is None else self._card[0].fingers.get(position)
        comes = picture is not None and self._finger_comes(given_up, message["timeout_ms"] / 1000)
        if picture is None:
            given_up.wait(message["timeout_ms"] / 1000)
        with self._lock:
            self._pressing.pop(request, None)
        if given_up.is_set():
            return self._answer(page, messages.fault(Fault.FINGER_CANCELLED, request))
        if not comes or picture is None:
            return self._answer(page, messages.fault(Fault.FINGER_TIMEOUT, request))
        return self._answer(page, messages.finger_captured(request, position, another_shot(picture), "image/png", DPI))

    def _finger_comes(self, given_up: threading.Event, timeout_s: float) -> bool:
        """Whether the scanner is pressed in time; somebody who did not press it may begin to."""
        deadline = time.monotonic() + timeout_s
        while not given_up.is_set() and (left_s := deadline - time.monotonic()) > 0:
            pressed = self._fingers_come
            given_up.wait(min(left_s, self._pressing_s if pressed else WATCH_S))
            if pressed and not given_up.is_set():
                return True
        return False

    def _tell(self, text: str) -> None:
        if self._page is not None:
            self._answer(self._page, text)

    @staticmethod
    def _answer(page: ServerConnection, text: str) -> None:
        # A page that is gone connects again and is told what lies there.
        try:
            page.send(text)
        except ConnectionClosed:
            return


def _quiet() -> logging.Logger:
    """The library writes a line for every handshake; what it refuses is told by the page that was refused."""
    logger = logging.getLogger("api.reader.websockets")
    logger.setLevel(logging.CRITICAL)
    return logger
