"""The pages before the real engines: the camera shows a person's other picture than the card's."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Playwright, expect

from api.demo.material import MaterialMissing, Person, gather
from api.matching.engines import BiometricComparer
from api.reader.cards import DemoCard, demo_card
from api.service import Service
from biometrics.face import FaceEngine
from models import home
from models.errors import ModelError
from tests.api.bodies import encoded, fresh_key
from tests.api.pages.browser import conftest as stage
from tests.api.pages.browser.actor import play
from tests.api.pages.browser.conftest import House
from tests.api.pages.browser.faces import before_a_wall, still

pytestmark = pytest.mark.long

SHARED = Path(__file__).parents[5] / "shared" / "data"
LFW = SHARED / "faces" / "lfw"


@pytest.fixture(scope="module")
def person() -> Person:
    """Somebody of the development data where they lie beside the checkout, else of the group photograph."""
    try:
        return gather(SHARED if LFW.is_dir() else None, home(), lambda _: None).people[0]
    except (MaterialMissing, ModelError) as error:
        pytest.skip(f"nobody to show to the camera: {error}")


@pytest.fixture(scope="module")
def house(service: Service) -> Iterator[House]:
    """Before the real engines."""
    comparer = BiometricComparer.open(home(), threads=2)
    with stage.opened(service, comparer) as made:
        yield made


@pytest.fixture
def watched(playwright: Playwright, person: Person, tmp_path: Path) -> Iterator[Browser]:
    """A browser whose camera shows a picture of the person."""
    film = still(tmp_path / "person.mjpeg", person.capture)
    opened = stage.open_browser(playwright, film)
    yield opened
    opened.close()


@pytest.fixture
def page(watched: Browser) -> Iterator[Page]:
    """Of somebody who was never here."""
    context = watched.new_context(viewport={"width": 1366, "height": 860}, permissions=["camera"])
    context.set_default_timeout(stage.TIMEOUT_MS)
    yield context.new_page()
    context.close()


def registered(house: House, person: Person) -> DemoCard:
    """A card of the person, with the first picture in the chip too."""
    file = BytesIO()
    Image.open(BytesIO(person.reference)).convert("RGB").save(file, "JPEG", quality=85)
    card = demo_card("valid", photo=file.getvalue(), fingers={"right_index": person.finger_capture})
    body = {
        "number": card.text.number,
        "issuer": card.text.issuer,
        "valid_from": card.text.valid_from.isoformat(),
        "valid_to": None if card.text.valid_to is None else card.text.valid_to.isoformat(),
    }
    finger = {"position": "right_index", "image": encoded(person.finger_reference), "dpi": 500}
    captures = {"face": {"image": encoded(person.reference)}, "fingers": [finger]}
    sent = {"card": body, "captures": captures}
    answer = house.authority.post("/v1/cards", json=sent, headers=fresh_key())
    assert answer.status_code == 201, answer.text
    return card


def signed_in(page: Page, house: House, channel: str) -> None:
    page.goto(f"{house.url}/{channel}?lang=zh")
    page.locator("#key").fill(house.key(channel))
    page.locator("#setup button").click()
    stage.until(lambda: house.reader.connected, "the page finds the reader")


def test_a_holder_passes_at_the_counter(page: Page, house: House, person: Person) -> None:
    signed_in(page, house, "counter")
    house.reader.place(registered(house, person))
    page.locator("#take-finger").click()
    expect(page.locator("#finger-state")).to_have_attribute("data-tone", "good")
    expect(page.locator("#hint")).not_to_be_empty()
    page.locator("#verify").click()
    expect(page.locator("#verdict")).to_have_attribute("data-decision", "PASS")
    house.reader.remove()


def test_a_picture_before_the_kiosk_does_not_pass(page: Page, house: House, person: Person) -> None:
    """The film shows a still: the face and the finger are the holder's, and it answers no challenge."""
    signed_in(page, house, "kiosk")
    house.reader.place(registered(house, person))
    page.locator("#agree").click()
    page.locator("#movement, #take-now").locator("visible=true").first.wait_for()
    if page.locator("#take-now").is_visible():
        page.locator("#take-now").click()
    expect(page.locator("#verdict")).to_have_attribute("data-decision", "REVIEW")
    expect(page.locator("#verdict-title")).to_have_text("请找工作人员")


@pytest.mark.skipif(not LFW.is_dir(), reason=f"no {LFW}: the group photograph's heads are too oblique to be turned")
def test_who_answers_the_challenge_passes_at_the_kiosk(page: Page, house: House, person: Person) -> None:
    """Face, liveness and finger are judged by the real engines; the person turns, nods and comes nearer as asked."""
    signed_in(page, house, "kiosk")
    play(page, FaceEngine.open(), np.asarray(before_a_wall(person.capture)))
    for _ in range(3):
        if visited(page, house, registered(house, person)) == "PASS":
            return
    pytest.fail("three visits, on a machine that films too slowly or before a judge who is wrong")


def visited(page: Page, house: House, card: DemoCard) -> str | None:
    """The decision of one visit to the kiosk. On a busy machine a movement may be filmed too slowly."""
    house.reader.place(card)
    page.locator("#agree").click()
    page.locator("[data-screen=result], #take-now").locator("visible=true").first.wait_for()
    if page.locator("#take-now").is_visible():
        page.locator("#take-now").click()
    expect(page.locator("[data-screen=result]")).to_be_visible()
    decision = page.locator("#verdict").get_attribute("data-decision")
    house.reader.remove()
    page.locator("#finish").click()
    return decision
