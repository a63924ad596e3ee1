"""The pages in Debian's Chromium, before a service with a staged comparer, a simulated reader and a camera of films.

`make test-long` installs the browser and fonts for Chinese. Screenshots lie in `out/screens`, for a person to look at.
"""

import secrets
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, Route, expect, sync_playwright

from api.http.app import create_app
from api.institutions import principals
from api.institutions.roles import Role
from api.reader.cards import DemoCard, demo_card
from api.reader.simulator import Simulator
from api.service import Service
from tests.api.bodies import fresh_key, registration, report
from tests.api.entries import new_key
from tests.api.pages.browser.faces import portrait, swaying
from tests.api.pages.browser.staging import HOLDER, StagedComparer
from tests.api.pictures import noise, written

SCREENS = Path(__file__).parents[4] / "out" / "screens"
SIZES = {"desktop": (1366, 860), "kiosk": (1080, 1920), "mobile": (390, 844)}
BANK = "示范银行浦东支行"
NAMES = {"counter": "三号柜台", "kiosk": "自助一号"}
TIMEOUT_MS = 60_000
# What can be touched and is less than 48 pixels across or down.
SMALL_TARGETS = """() => [...document.querySelectorAll("button, select, input:not([type=file]), .as-button, summary")]
  .filter((one) => one.checkVisibility())
  .filter((one) => { const box = one.getBoundingClientRect(); return box.width < 47.5 || box.height < 47.5; })
  .map((one) => one.outerHTML)"""

# What sticks out of the panel or the dialog that it stands in; wide tables scroll by themselves.
STICKING_OUT = """() => [...document.querySelectorAll(".panel *, dialog[open] *")]
  .filter((one) => one.checkVisibility() && !one.closest(".scroll, .stage, select, svg"))
  .filter((one) => {
    const edge = one.closest(".panel, dialog").getBoundingClientRect().right;
    return one.getBoundingClientRect().right > edge + 0.5;
  })
  .map((one) => one.outerHTML.slice(0, 200))"""


@dataclass
class House:
    """A running service, its reader, and what is staged."""

    url: str
    service: Service
    comparer: StagedComparer
    reader: Simulator
    authority: httpx.Client
    stop: Callable[[], None]
    keys: dict[str, str] = field(default_factory=dict)

    def key(self, channel: str) -> str:
        """The key of a terminal bound to a channel."""
        if channel not in self.keys:
            self.keys[channel] = self.person(NAMES[channel], Role.TERMINAL, channel)
        return self.keys[channel]

    def person(self, name: str, role: Role, channel: str | None = None) -> str:
        """The key of somebody of the bank, or of one of its terminals."""
        with self.service.database.begin() as connection:
            unique = f"{name} {secrets.token_hex(4)}"
            return principals.add(connection, self.service.keys, BANK, unique, role, channel=channel).key

    def revoke(self, channel: str) -> None:
        """End the key of a terminal, as `renzheng terminals revoke` does."""
        self.revoke_key(self.key(channel))

    def revoke_key(self, key: str) -> None:
        """End anybody's key."""
        with self.service.database.begin() as connection:
            holder = principals.authenticate(connection, key)
            assert holder is not None
            principals.end(connection, self.service.keys, holder.principal_id, actor_id=None)

    def lose_reader(self) -> None:
        """Break the bridge's connection; the page connects again, and is told of the card that lies there."""
        lost = self.reader._page  # no bridge breaks it on purpose
        assert lost is not None
        lost.close()
        until(lambda: self.reader.connected and self.reader._page is not lost, "the page connects again")

    def issue(self, *, event: str | None = None, registered: bool = True, **how: Any) -> DemoCard:
        """A card of the holder, known to the register unless said; `event` is reported of it."""
        finger = written(picture(), "PNG")
        card = demo_card("valid", photo=portrait(), fingers={"right_index": finger}, **how)
        if registered:
            text = card.text
            body = {
                "number": text.number,
                "issuer": text.issuer,
                "valid_from": text.valid_from.isoformat(),
                "valid_to": None if text.valid_to is None else text.valid_to.isoformat(),
            }
            sent = registration(body, face=HOLDER, right_index=HOLDER)
            answer = self.authority.post("/v1/cards", json=sent, headers=fresh_key())
            assert answer.status_code == 201, answer.text
            if event is not None:
                report(self.authority, answer.json()["id"], event)
        return card


def picture() -> Any:
    """Something for a scanner to see; the staged comparer says whose it is."""
    from PIL import Image

    return Image.fromarray(noise(64, 64, 3))


@contextmanager
def served(service: Service, listener: socket.socket) -> Iterator[Callable[[], None]]:
    """The application on a socket that has a port of this machine; what is given stops it."""
    config = uvicorn.Config(create_app(service), access_log=False, log_config=None, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        threading.Event().wait(0.01)

    def stop() -> None:
        server.should_exit = True
        thread.join(60)

    yield stop
    stop()


@pytest.fixture
def house(service: Service) -> Iterator[House]:
    """A service on a port of its own for each test."""
    with opened(service, StagedComparer()) as made:
        yield made


@contextmanager
def opened(service: Service, comparer: Any) -> Iterator[House]:
    """The shared service's database behind a comparer of one's own, with a reader."""
    with ExitStack() as stack:
        # Kept from here on: nobody else gets the port before the service listens.
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        reader = stack.enter_context(Simulator([url], port=0, reading_s=0.3, pressing_s=1.0))
        told = service.settings.model_copy(update={"reader_bridge": reader.address, "typed_cards": True})
        own = replace(service, comparer=comparer, settings=told)
        stop = stack.enter_context(served(own, listener))
        key = new_key(service.database, service.keys, Role.AUTHORITY)
        headers = {"Authorization": f"Bearer {key}"}
        authority = stack.enter_context(httpx.Client(base_url=url, headers=headers, timeout=60))
        yield House(url, own, comparer, reader, authority, stop)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    # A busy machine draws slowly, and a film takes seven seconds whatever the machine.
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def camera_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the camera sees, unless a test has a film of its own: a drawing."""
    return swaying(tmp_path_factory.mktemp("camera") / "drawn.mjpeg")


@pytest.fixture(scope="session")
def browser(playwright: Playwright, camera_film: Path) -> Iterator[Browser]:
    opened = open_browser(playwright, camera_film)
    yield opened
    opened.close()


def open_browser(playwright: Playwright, film: Path) -> Browser:
    """Chromium with a film in the place of its camera."""
    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("no chromium: `make test-long` installs it (apt-get install chromium fonts-noto-cjk)")
    arguments = [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
        "--disable-gpu",
    ]
    return playwright.chromium.launch(executable_path=executable, args=arguments, chromium_sandbox=False)


NewPage = Callable[..., Page]


@pytest.fixture
def new_page(browser: Browser, house: House) -> Iterator[NewPage]:
    """Pages that are signed in as a terminal, unless said; in the end none may have met an error or a broken rule."""
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def make(
        path: str, size: str = "desktop", *, lang: str = "zh", signed_in: bool = True, clock: bool = False
    ) -> Page:
        width, height = SIZES[size]
        screen: Any = {"width": width, "height": height}
        context = browser.new_context(viewport=screen, permissions=["camera"], locale="zh-CN")
        context.set_default_timeout(TIMEOUT_MS)
        contexts.append(context)
        page = context.new_page()
        if clock:
            page.clock.install()
        page.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        page.on("console", lambda said: troubles.append(said.text) if "Security Policy" in said.text else None)
        page.on(
            "request", lambda sent: None if sent.url.startswith((house.url, "blob:")) else troubles.append(sent.url)
        )
        page.goto(f"{house.url}{path}?lang={lang}")
        if signed_in:
            page.locator("#key").fill(house.key(path.removeprefix("/")))
            page.locator("#setup button").click()
            page.locator("[data-screen=welcome], [data-view=work]").locator("visible=true").first.wait_for()
            until(lambda: house.reader.connected, "the page finds the reader")
        return page

    yield make
    for context in contexts:
        context.close()
    assert not troubles


def hold(page: Page, asked: str, times: int | None = None) -> list[Route]:
    """Keep what the page asks of an address until the test lets it go."""
    held: list[Route] = []

    def keep(route: Route) -> None:
        held.append(route)

    page.route(asked, keep, times=times)
    return held


def until(true: Callable[[], bool], what: str) -> None:
    """Wait for something outside the page."""
    deadline = time.monotonic() + TIMEOUT_MS / 1000
    while not true():
        assert time.monotonic() < deadline, what
        threading.Event().wait(0.02)


def shoot(page: Page, name: str) -> None:
    """Keep a picture of the page for a person to look at, and hold it against the rules of accessibility."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png", full_page=True, animations="disabled")
    found = Axe().run(page).response["violations"]
    serious = [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in {"serious", "critical"}]
    assert not serious, name
    small = page.evaluate(SMALL_TARGETS)
    assert not small, f"{name}: smaller than a finger"
    assert not page.evaluate(STICKING_OUT), f"{name}: out of its panel"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name}: wider than the screen"
