"""The start page, and a browser in which all pages are open."""

import re

import pytest
from playwright.sync_api import expect

from tests.api.pages.browser.conftest import House, NewPage, shoot
from tests.api.pages.browser.test_console import authority_key

pytestmark = pytest.mark.long


@pytest.mark.parametrize(("size", "lang"), [("desktop", "zh"), ("desktop", "en"), ("kiosk", "zh"), ("mobile", "en")])
def test_it_leads_to_every_page(house: House, new_page: NewPage, size: str, lang: str) -> None:
    page = new_page("/", size, lang=lang, signed_in=False)
    expect(page.locator("#ready")).to_have_attribute("data-tone", "good")
    shoot(page, f"start-{size}-{lang}")
    page.locator("#contrast").click()
    shoot(page, f"start-{size}-{lang}-contrast")
    for path in ("/counter", "/kiosk", "/console"):
        page.goto(f"{house.url}/?lang={lang}")
        page.locator(f".doors a[href^='{path}']").click()
        expect(page.locator("#key")).to_be_visible()
        expect(page.locator("html")).to_have_attribute("lang", re.compile(lang))
    page.goto(f"{house.url}/?lang={lang}")
    expect(page.locator("#ready")).to_have_attribute("data-tone", "good")
    house.stop()
    expect(page.locator("#ready")).to_have_attribute("data-tone", "bad")


def test_counter_kiosk_and_console_keep_a_key_each_in_one_browser(house: House, new_page: NewPage) -> None:
    page = new_page("/counter")
    place = page.locator("#place").inner_text()
    for path, key in (("/kiosk", house.key("kiosk")), ("/console", authority_key(house))):
        other = page.context.new_page()
        other.goto(f"{house.url}{path}")
        expect(other.locator("#key")).to_be_visible()
        other.locator("#key").fill(key)
        other.locator("#setup button").click()
        expect(other.locator("#place")).not_to_be_empty()
        assert other.locator("#place").inner_text() != place
        other.close()
    page.reload()
    expect(page.locator("#place")).to_have_text(place)
    # The key of the wrong kind of terminal is refused at one page, and the other keeps its own.
    kiosk = page.context.new_page()
    kiosk.goto(f"{house.url}/kiosk")
    expect(kiosk.locator("[data-screen=welcome]")).to_be_visible()
    ended = """fetch("/v1/session/end", {method: "POST", headers: {"Renzheng-Page": "kiosk"}}).then((one) => one.ok)"""
    assert kiosk.evaluate(ended)
    kiosk.reload()
    kiosk.locator("#key").fill(house.key("counter"))
    kiosk.locator("#setup button").click()
    expect(kiosk.locator("#setup-error")).to_contain_text("另一种终端")
    page.reload()
    expect(page.locator("#place")).to_have_text(place)
