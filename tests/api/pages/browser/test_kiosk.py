"""The kiosk, as a customer meets it: whole journeys, what goes wrong on them, and that nothing stays."""

import re
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from api.reader.simulator import Mishap
from tests.api.pages.browser.conftest import House, NewPage, shoot, until

pytestmark = pytest.mark.long

# Figures of a comparison: no customer sees one.
FIGURES = re.compile(r"\b[01]\.\d|\d%|LLR|FMR|score|分数", re.IGNORECASE)


def visible(page: Page, screen: str) -> None:
    expect(page.locator(f"[data-screen={screen}]")).to_be_visible()


def decided(page: Page, decision: str) -> None:
    visible(page, "result")
    expect(page.locator("#verdict")).to_have_attribute("data-decision", decision)
    assert not FIGURES.search(page.locator("main").inner_text())


def to_the_answer(house: House, page: Page, name: str | None = None) -> None:
    """From the consent on, with the finger. What is photographed waits until it was: a busy machine is slow at it."""
    if name:
        house.comparer.advice = ("look_into_the_camera",)
        house.reader.let_fingers(False)
    page.locator("#agree").click()
    if name:
        expect(page.locator("#hint")).to_have_text(re.compile("请正视镜头|Please look straight into the camera"))
        shoot(page, f"{name}-3-face")
        house.comparer.advice = ()
        expect(page.locator("#movement")).to_be_visible()
        shoot(page, f"{name}-4-movement")
        visible(page, "finger")
        shoot(page, f"{name}-5-finger")
        house.reader.let_fingers(True)
    expect(page.locator("[data-screen=result], [data-screen=fault]").locator("visible=true")).to_be_visible()


def clean(page: Page, *secrets: str) -> None:
    """Nothing of the customer is left in the page, and the camera is off."""
    visible(page, "welcome")
    content = page.content()
    assert not [one for one in secrets if one in content]
    assert page.evaluate("document.querySelector('#live').srcObject") is None
    assert page.evaluate("[...document.querySelectorAll('input')].every((field) => !field.value)")


@pytest.mark.parametrize(("size", "lang"), [("kiosk", "zh"), ("kiosk", "en"), ("desktop", "zh"), ("mobile", "en")])
def test_a_holder_passes_and_leaves_nothing(house: House, new_page: NewPage, size: str, lang: str) -> None:
    name = f"kiosk-{size}-{lang}"
    page = new_page("/kiosk", size, lang=lang)
    shoot(page, f"{name}-1-welcome")
    card = house.issue()
    house.reader.place(card)
    visible(page, "consent")
    assert card.text.number not in page.content(), "a passer-by reads no number"
    shoot(page, f"{name}-2-consent")
    to_the_answer(house, page, name)
    decided(page, "PASS")
    shoot(page, f"{name}-6-pass")
    taken = house.comparer.compared[-1]
    assert taken.burst is not None
    times = [frame.at_ms for frame in taken.burst.frames]
    assert len(times) >= 2
    assert times == sorted(times)
    assert taken.fingers
    assert taken.chip_photo is not None
    house.reader.remove()
    page.locator("#finish").click()
    clean(page, card.text.number, card.text.name, taken.burst.nonce)
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


@pytest.mark.parametrize(
    ("name", "stage", "how", "decision"),
    [
        ("another-person", {"face": "person:other", "finger": "person:other"}, {}, "REFUSE"),
        ("lost", {}, {"event": "reported_lost"}, "REFUSE"),
        ("lost-poor", {"face": "low_quality"}, {"event": "reported_lost"}, "REFUSE"),
        ("expired", {}, {"days": (date(2003, 5, 1), date(2013, 5, 1))}, "REFUSE"),
        ("unknown", {}, {"registered": False}, "REVIEW"),
        ("flat-face", {"film": "flat_face"}, {}, "REVIEW"),
        ("poor", {"face": "low_quality"}, {}, "REVIEW"),
    ],
)
def test_who_does_not_pass_is_told_what_next(
    house: House, new_page: NewPage, name: str, stage: dict[str, str], how: dict[str, Any], decision: str
) -> None:
    for attribute, word in stage.items():
        setattr(house.comparer, attribute, word)
    page = new_page("/kiosk", "kiosk")
    house.reader.place(house.issue(**how))
    to_the_answer(house, page)
    decided(page, decision)
    shoot(page, f"kiosk-result-{name}")
    assert len(page.locator("#verdict-next").inner_text()) > 10
    # Of a card that is lost no better picture makes anything else: none is asked for.
    expect(page.locator("#verdict-reasons", has_text="采集质量不足")).to_have_count(1 if name == "poor" else 0)
    assert "通过" not in page.locator("#verdict-title").inner_text().replace("未通过", "")
    if name == "poor":
        house.comparer.face = "person:holder"
        house.reader.let_fingers(False)
        page.locator("#again").click()
        to_the_answer_again(page)
        decided(page, "PASS")
    else:
        expect(page.locator("#again")).to_be_hidden()


def told(page: Page) -> list[str]:
    return page.locator("#verdict-reasons li").all_inner_texts()


def test_of_a_lost_card_only_what_is_about_it_is_told(house: House, new_page: NewPage) -> None:
    """That liveness was not confirmed sends its holder to the staff, and not to the police, who have to record it."""
    house.comparer.film = "flat_face"
    page = new_page("/kiosk", "kiosk")
    house.reader.place(house.issue(event="reported_lost"))
    to_the_answer(house, page)
    decided(page, "REFUSE")
    assert told(page) == ["证件已挂失。"]
    expect(page.locator("#verdict-next")).to_contain_text("登记找回")
    house.reader.remove()
    house.reader.place(house.issue())
    visible(page, "consent")
    to_the_answer(house, page)
    decided(page, "REVIEW")
    assert told(page) == ["活体检测未通过，请由工作人员核对。"]


@pytest.mark.parametrize(("lang", "say"), [("zh", "该业务不能在此办理。"), ("en", "This cannot be done here.")])
def test_a_stranger_with_a_lost_card_is_not_asked_to_wait(house: House, new_page: NewPage, lang: str, say: str) -> None:
    house.comparer.face = house.comparer.finger = "person:other"
    page = new_page("/kiosk", "kiosk", lang=lang)
    house.reader.place(house.issue(event="reported_lost"))
    to_the_answer(house, page)
    decided(page, "REFUSE")
    shoot(page, f"kiosk-result-lost-stranger-{lang}")
    expect(page.locator("#verdict-say")).to_have_text(say)
    assert not re.search("请稍候|wait", page.locator("[data-screen=result]").inner_text())
    expect(page.locator("#verdict-next")).not_to_contain_text(re.compile("公安|police"))
    assert len(told(page)) == 2, "of the card and of the person, as they are"


def to_the_answer_again(page: Page) -> None:
    visible(page, "finger")
    page.locator("#skip-finger").click()
    visible(page, "result")


@pytest.mark.parametrize(
    ("mishap", "words"),
    [
        (Mishap.PULLED, "证件已取走"),
        (Mishap.READ_ERROR, "证件读取失败"),
        (Mishap.GARBLED, "证件信息无法识别"),
        (Mishap.WRONG_TYPE, "不支持这种证件"),
    ],
)
def test_what_goes_wrong_with_a_card_is_said(house: House, new_page: NewPage, mishap: Mishap, words: str) -> None:
    page = new_page("/kiosk", "kiosk")
    card = house.issue()
    house.reader.place(card, mishap)
    visible(page, "fault")
    expect(page.locator("#fault-title")).to_have_text(words)
    shoot(page, f"kiosk-fault-{mishap}")
    house.reader.remove()
    house.reader.place(card)
    visible(page, "consent")


def test_a_card_that_is_taken_away_ends_the_visit(house: House, new_page: NewPage) -> None:
    page = new_page("/kiosk", "kiosk")
    card = house.issue()
    house.reader.place(card)
    visible(page, "consent")
    page.locator("#agree").click()
    visible(page, "face")
    house.reader.remove()
    visible(page, "fault")
    page.locator("#language").click()
    expect(page.locator("#fault-title")).to_have_text("The card was taken away")
    page.locator("#fault-finish").click()
    clean(page, card.text.number, card.text.name)
    assert not house.comparer.compared
    # A bridge that is away tells of no card; when it is back, and one lies there, that is a visit of its own.
    house.reader.place(card)
    visible(page, "consent")
    page.locator("#agree").click()
    visible(page, "face")
    house.lose_reader()
    visible(page, "consent")
    assert page.evaluate("document.querySelector('#live').srcObject") is None


# A camera that opens only when it is let, as one that is slow to start.
SLOW_CAMERA = """() => {
  const devices = navigator.mediaDevices;
  const real = devices.getUserMedia.bind(devices);
  const opened = new Promise((resolve) => { window.letCamera = resolve; });
  devices.getUserMedia = async (wish) => {
    window.asked = true;
    await opened;
    window.late = await real(wish);
    return window.late;
  };
}"""


def test_a_camera_that_opens_after_the_visit_is_closed_at_once(house: House, new_page: NewPage) -> None:
    page = new_page("/kiosk", "kiosk")
    page.evaluate(SLOW_CAMERA)
    card = house.issue()
    house.reader.place(card)
    visible(page, "consent")
    page.locator("#agree").click()
    visible(page, "face")
    until(lambda: page.evaluate("window.asked === true"), "the page asks for the camera")
    house.reader.remove()
    visible(page, "fault")
    page.locator("#fault-finish").click()
    page.evaluate("window.letCamera()")
    until(
        lambda: (
            page.evaluate("window.late && window.late.getTracks().every((track) => track.readyState === 'ended')")
            is True
        ),
        "the late camera is closed",
    )
    clean(page, card.text.number, card.text.name)
    house.reader.place(card)
    visible(page, "consent")
    page.locator("#agree").click()
    until(lambda: page.evaluate("document.querySelector('#live').srcObject?.active") is True, "the next visit has it")


def test_who_does_not_agree_is_not_filmed(house: House, new_page: NewPage) -> None:
    page = new_page("/kiosk", "kiosk")
    house.reader.place(house.issue())
    visible(page, "consent")
    page.locator("#decline").click()
    visible(page, "fault")
    # Nothing is wrong with that: a person in the colour of what is well, and no warning.
    expect(page.locator("#fault-figure")).to_have_class("figure")
    expect(page.locator("#fault-path")).to_have_attribute("d", re.compile("^M50 22a15"))
    shoot(page, "kiosk-declined")
    assert page.evaluate("document.querySelector('#live').srcObject") is None
    assert house.comparer.looks == 0


def test_guidance_says_one_thing_at_a_time_and_lets_go_after_a_while(house: House, new_page: NewPage) -> None:
    house.comparer.advice = ("come_closer", "more_light")
    page = new_page("/kiosk", "kiosk")
    house.reader.place(house.issue())
    page.locator("#agree").click()
    expect(page.locator("#hint")).to_have_text("请靠近一些")
    expect(page.locator("#stage")).to_have_attribute("data-state", "seeking")
    expect(page.locator("#take-now")).to_be_visible()
    shoot(page, "kiosk-guidance")
    page.locator("#take-now").click()
    expect(page.locator("#face-title")).to_have_text("请跟着提示做动作")


def test_without_the_service_nobody_passes(house: House, new_page: NewPage) -> None:
    page = new_page("/kiosk", "kiosk")
    house.reader.place(house.issue())
    visible(page, "consent")
    house.stop()
    page.locator("#agree").click()
    visible(page, "fault")
    expect(page.locator("#fault-title")).to_have_text("没有得到核验结果")
    expect(page.locator("#fault-lead")).to_contain_text("这不是核验通过")
    shoot(page, "kiosk-unanswered")
    house.reader.remove()
    page.locator("#fault-finish").click()
    visible(page, "away")
    shoot(page, "kiosk-away")


def test_a_card_that_was_laid_while_the_service_was_away_is_taken_when_it_is_back(
    house: House, new_page: NewPage
) -> None:
    page = new_page("/kiosk", "kiosk")
    page.route("**/readyz", lambda route: route.abort())
    visible(page, "away")
    card = house.issue()
    house.reader.place(card)
    expect(page.locator("#who")).to_be_empty()
    page.unroute("**/readyz")
    visible(page, "consent")
    expect(page.locator("#who")).to_contain_text(card.text.number[-3:])


def test_a_page_that_nobody_attends_wipes_itself(house: House, new_page: NewPage) -> None:
    page = new_page("/kiosk", "kiosk", clock=True)
    card = house.issue()
    house.reader.place(card)
    visible(page, "consent")
    page.locator("#language").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.clock.fast_forward(46_000)
    expect(page.locator("#idle")).to_be_visible()
    shoot(page, "kiosk-idle")
    page.locator("#idle-stay").click()
    visible(page, "consent")
    page.clock.fast_forward(46_000)
    for _ in range(21):
        page.clock.run_for(1000)
    clean(page, card.text.number, card.text.name)
    expect(page.locator("#reader-state")).to_contain_text("请先取走")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


def test_the_keyboard_is_enough(house: House, new_page: NewPage) -> None:
    page = new_page("/kiosk", "desktop")
    house.reader.let_fingers(False)
    house.reader.place(house.issue())
    visible(page, "consent")
    assert page.evaluate("document.activeElement.tagName") == "H1", "a screen reader begins with the heading"
    for _ in range(3):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "agree":
            break
    page.keyboard.press("Enter")
    visible(page, "finger")
    while page.evaluate("document.activeElement.id") != "skip-finger":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    decided(page, "PASS")


def test_a_card_can_be_typed_in_the_demonstration(house: House, new_page: NewPage) -> None:
    text = house.issue().text
    page = new_page("/kiosk", "desktop")
    page.locator("#type-card").click()
    page.locator("#typed button").click()
    expect(page.locator("#typed-error")).not_to_be_empty()
    shoot(page, "kiosk-typing")
    page.locator("#number").fill(text.number)
    page.locator("#issuer").fill(text.issuer)
    page.locator("#valid_from").fill(text.valid_from.isoformat())
    assert text.valid_to is not None
    page.locator("#valid_to").fill(text.valid_to.isoformat())
    page.locator("#typed button").click()
    visible(page, "consent")
    page.locator("#agree").click()
    to_the_answer_again(page)
    decided(page, "PASS")


def test_the_key_is_entered_once_and_no_script_reads_it(house: House, new_page: NewPage) -> None:
    page = new_page("/kiosk", "kiosk", signed_in=False)
    visible(page, "setup")
    for wrong in ("rz_wrong", "钥匙"):
        page.locator("#key").fill(wrong)
        page.locator("#setup button").click()
        expect(page.locator("#setup-error")).to_contain_text("密钥")
    shoot(page, "kiosk-setup")
    page.locator("#key").fill(house.key("counter"))
    page.locator("#setup button").click()
    expect(page.locator("#setup-error")).to_contain_text("另一种终端")
    page.locator("#key").fill(house.key("kiosk"))
    page.locator("#setup button").click()
    visible(page, "welcome")
    assert page.evaluate("document.cookie") == ""
    assert page.evaluate("Object.keys(localStorage).length + Object.keys(sessionStorage).length") == 0
    assert house.key("kiosk") not in page.content()
    page.reload()
    visible(page, "welcome")
    assert page.locator("#key").input_value() == ""


def test_high_contrast_and_the_result_end_with_the_next_card(house: House, new_page: NewPage) -> None:
    page = new_page("/kiosk", "kiosk", lang="en")
    page.locator("#contrast").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "contrast")
    shoot(page, "kiosk-contrast-welcome")
    house.reader.place(house.issue(event="reported_lost"))
    visible(page, "consent")
    shoot(page, "kiosk-contrast-consent")
    to_the_answer(house, page)
    decided(page, "REFUSE")
    shoot(page, "kiosk-contrast-lost")
    # The same card told again is no new customer; another one is, and sees nothing of the one before.
    told: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: told.append(str(frame))))
    house.lose_reader()
    until(lambda: page.title() != "" and "card_read" in "".join(told), "the card is told again")
    expect(page.locator("#verdict")).to_have_attribute("data-decision", "REFUSE")
    reference = page.locator("#verdict-reference").inner_text()
    house.reader.remove()
    house.reader.place(house.issue())
    visible(page, "consent")
    assert reference not in page.content()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")


def test_a_revoked_key_leaves_a_page_that_is_not_set_up(house: House, new_page: NewPage) -> None:
    page = new_page("/kiosk", "kiosk")
    house.revoke("kiosk")
    house.reader.place(house.issue())
    page.locator("#agree").click()
    visible(page, "setup")
    until(lambda: not house.comparer.compared, "nothing was compared")
