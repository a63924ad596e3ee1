"""The pictures of docs/tour.md, and of the README: what is on them happens here, and lies in `out/screens` as
`tour-*.png` and `readme-*.png`.

The committed ones are these, with fewer colours: `python -m tests.docs.pictures`.
"""

import pytest
from fastapi import FastAPI
from playwright.sync_api import Page, expect

from api.institutions import principals
from api.institutions.roles import Role
from tests.api.pages.browser.conftest import House, NewPage, shoot
from tests.api.pages.browser.lived import a_day
from tests.api.pages.browser.test_console import authority_key, signed_in
from tests.api.pages.browser.test_counter import verified
from tests.api.pages.browser.test_kiosk import decided, visible

pytestmark = pytest.mark.long

# Of the pictures alone, so that nobody has such a name yet.
BRANCH, DESK = "示范银行世纪大道支行", "示范市公安局示范分局"
README_BRANCH = "示范银行滨江支行"


@pytest.fixture
def house(house: House, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> House:
    """Whose people and terminals have the names that people give them, and its authority too."""
    branch = README_BRANCH if "readme" in request.node.name else BRANCH

    def person(name: str, role: Role, channel: str | None = None) -> str:
        with house.service.database.begin() as connection:
            institution = DESK if role is Role.AUTHORITY else branch
            return principals.add(connection, house.service.keys, institution, name, role, channel=channel).key

    monkeypatch.setattr(house, "person", person)
    return house


def test_a_card_from_its_pass_to_its_refusal_everywhere(house: House, new_page: NewPage) -> None:
    house.authority.headers["Authorization"] = f"Bearer {house.person('户籍一号席', Role.AUTHORITY)}"
    counter = new_page("/counter", lang="en")
    card = house.issue()
    house.reader.place(card)
    expect(counter.locator("#card-facts")).to_contain_text(card.text.number)
    counter.locator("#take-finger").click()
    expect(counter.locator("#finger-state")).to_have_attribute("data-tone", "good")
    verified(counter, "PASS")
    shoot(counter, "tour-1-counter-pass")

    console = signed_in(new_page("/console", lang="en", signed_in=False), authority_key(house))
    console.locator("#find-number").fill(card.text.number)
    console.locator(".find button").click()
    console.locator(".card button.stops").first.click()
    shoot(console, "tour-2-console-report")
    console.locator(".act button.stops").click()
    expect(console.locator(".card .badge")).to_have_attribute("data-tone", "bad")

    counter.locator("#next").click()
    house.reader.remove()
    house.reader.place(card)
    expect(counter.locator("#card-facts")).to_contain_text(card.text.number)
    counter.locator("#take-finger").click()
    expect(counter.locator("#finger-state")).to_have_attribute("data-tone", "good")
    verified(counter, "REFUSE")
    shoot(counter, "tour-3-counter-lost")
    counter.context.close()
    house.reader.remove()

    kiosk = new_page("/kiosk", "kiosk", lang="en")
    house.reader.place(card)
    visible(kiosk, "consent")
    kiosk.locator("#agree").click()
    expect(kiosk.locator("#movement")).to_be_visible()
    shoot(kiosk, "tour-4-kiosk-movement")
    decided(kiosk, "REFUSE")
    shoot(kiosk, "tour-5-kiosk-refused")


def proven(page: Page, check: str) -> None:
    """An entry of the evidence, and that its proof holds."""
    page.locator("nav a[href='#evidence']").click()
    page.locator("#find-entry").fill(check)
    page.locator(".find button").click()
    expect(page.locator("pre").first).to_contain_text("verification")
    page.locator("#work .panel button.main").click()
    expect(page.locator(".steps-list .badge[data-tone=good]")).to_have_count(4)


def test_evidence_and_a_month(house: House, new_page: NewPage, app: FastAPI) -> None:
    day = a_day(app, house)
    page = signed_in(new_page("/console", lang="en", signed_in=False), day.supervisor_key)
    proven(page, day.checks[0]["id"])
    shoot(page, "tour-6-evidence")
    page.locator("nav a[href='#scorecards']").click()
    expect(page.locator("figure svg").first).to_be_visible()
    shoot(page, "tour-7-scorecard")


def test_the_pictures_of_the_readme(house: House, new_page: NewPage, app: FastAPI) -> None:
    counter = new_page("/counter")
    house.reader.place(house.issue())
    expect(counter.locator("#card-photo")).to_be_visible()
    counter.locator("#take-finger").click()
    expect(counter.locator("#finger-state")).to_have_attribute("data-tone", "good")
    verified(counter, "PASS")
    shoot(counter, "readme-counter-pass")
    counter.context.close()
    day = a_day(app, house)
    console = signed_in(new_page("/console", signed_in=False), day.supervisor_key)
    proven(console, day.checks[0]["id"])
    shoot(console, "readme-console-evidence")
