"""A customer who declines the face, at the counter: no picture is taken, and the teller is told what to do."""

import pytest
from playwright.sync_api import expect

from tests.api.pages.browser.conftest import House, NewPage, shoot, until
from tests.api.pages.browser.test_counter import verified

pytestmark = pytest.mark.long


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_nothing_of_the_face_is_sent_and_fingers_decide(house: House, new_page: NewPage, lang: str) -> None:
    page = new_page("/counter", "desktop", lang=lang)
    card = house.issue()
    house.reader.place(card)
    expect(page.locator("#card-facts")).to_contain_text(card.text.number)
    until(lambda: page.title() != "" and house.comparer.looks > 0, "the face is looked at")
    page.locator("#without-face").check()
    expect(page.locator("#verify-why")).not_to_be_empty()
    # The camera is closed, and opened again for who changes their mind.
    assert page.evaluate("document.querySelector('#live').srcObject") is None
    expect(page.locator("#hint")).to_be_empty()
    page.locator("#without-face").uncheck()
    expect(page.locator("#camera-state")).to_have_attribute("data-tone", "good")
    expect(page.locator("#hint")).not_to_be_empty()
    page.locator("#without-face").check()
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    page.locator("#take-finger").click()
    expect(page.locator("#finger-state")).to_have_attribute("data-tone", "good")
    held = house.comparer.compared[:]
    verified(page, "PASS")
    shoot(page, f"counter-without-face-{lang}")
    assert not [url for url in asked if "guidance" in url]
    assert page.evaluate("document.querySelector('#live').srcObject") is None
    captures = house.comparer.compared[len(held)]
    assert (captures.face, captures.chip_photo, captures.burst) == (None, None, None)
    words = "您选择不使用人脸" if lang == "zh" else "without your face"
    expect(page.locator("#outcome")).to_contain_text(words)
    page.locator("#next").click()
    expect(page.locator("#without-face")).not_to_be_checked()
    expect(page.locator("#camera-state")).to_have_attribute("data-tone", "good")
