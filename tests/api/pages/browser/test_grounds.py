"""The ground on which face and fingers are taken: the teller states it, and where the policy asks for it nobody goes on
without."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from api.personal.consent import Basis
from api.service import Service
from api.storage.tables import verifications
from api.verification.policy import GroundsPolicy
from tests.api.pages.browser.conftest import House, NewPage, opened, shoot
from tests.api.pages.browser.staging import StagedComparer
from tests.api.pages.browser.test_counter import verified

pytestmark = pytest.mark.long


@pytest.fixture
def house(service: Service, request: pytest.FixtureRequest) -> Iterator[House]:
    """A counter whose policy refuses checks without a ground, unless a test says otherwise."""
    taken = frozenset({Basis.SEPARATE_CONSENT, Basis.STATUTORY_DUTY})
    strict = GroundsPolicy(taken=taken, unstated="refuse")
    grounds = GroundsPolicy() if getattr(request, "param", "strict") == "built in" else strict
    rules = service.policy.model_copy(update={"grounds": grounds})
    with opened(replace(service, policy=rules), StagedComparer()) as made:
        yield made


def kept(house: House, page: Page) -> str:
    """The ground that was kept with the decision on the screen."""
    check = UUID(page.locator("#reference").inner_text())
    with house.service.database.begin() as connection:
        found: str = connection.execute(select(verifications.c.basis).where(verifications.c.id == check)).scalar_one()
    return found


@pytest.mark.parametrize(("size", "lang"), [("desktop", "zh"), ("mobile", "en")])
def test_a_teller_has_to_choose_where_the_policy_asks_for_it(
    house: House, new_page: NewPage, size: str, lang: str
) -> None:
    page = new_page("/counter", size, lang=lang)
    assert page.locator("#basis option").evaluate_all("all => all.map((one) => one.value)") == [
        "", "separate_consent", "statutory_duty",
    ]  # fmt: skip
    house.reader.place(house.issue())
    expect(page.locator("#card-state")).to_have_attribute("data-tone", "good")
    expect(page.locator("#verify")).to_be_disabled()
    expect(page.locator("#verify-why")).to_have_text(
        {"zh": "请先选择处理依据。", "en": "Choose the ground first."}[lang]
    )
    shoot(page, f"counter-ground-{size}-{lang}-1-wanted")
    page.locator("#basis").select_option("separate_consent")
    expect(page.locator("#basis-say")).to_be_visible()
    shoot(page, f"counter-ground-{size}-{lang}-2-consent")
    page.locator("#language").click()
    expect(page.locator("#basis")).to_have_value("separate_consent")
    page.locator("#language").click()
    verified(page, "PASS")
    assert kept(house, page) == "separate_consent"
    # The next customer is asked anew.
    page.locator("#next").click()
    expect(page.locator("#basis")).to_have_value("")
    expect(page.locator("#basis-say")).to_be_hidden()


def test_the_ground_stands_for_who_declines_the_face_too(house: House, new_page: NewPage) -> None:
    page = new_page("/counter")
    house.reader.place(house.issue())
    page.locator("#without-face").check()
    expect(page.locator("#verify")).to_be_disabled()
    page.locator("#basis").select_option("statutory_duty")
    page.locator("#take-finger").click()
    expect(page.locator("#finger-state")).to_have_attribute("data-tone", "good")
    verified(page, "PASS")
    assert kept(house, page) == "statutory_duty"


@pytest.mark.parametrize("house", ["built in"], indirect=True)
def test_none_is_made_up_where_none_is_asked_for(house: House, new_page: NewPage) -> None:
    page = new_page("/counter")
    assert page.locator("#basis option").count() == len(Basis)
    house.reader.place(house.issue())
    expect(page.locator("#verify")).to_be_enabled()
    verified(page, "PASS")
    assert kept(house, page) == "not_stated"
