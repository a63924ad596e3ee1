"""The counter, as a teller works at it: two axes, what to say, what to do, and every wait in sight."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from api.institutions.roles import Role
from api.reader.simulator import Mishap
from tests.api.bodies import fresh_key
from tests.api.pages.browser.conftest import SCREENS, House, NewPage, hold, shoot, until

pytestmark = pytest.mark.long

FIGURES = re.compile(r"\b[01]\.\d|\d%|LLR|FMR|score|分数", re.IGNORECASE)


def verified(page: Page, decision: str) -> None:
    expect(page.locator("#verify")).to_be_enabled()
    page.locator("#verify").click()
    expect(page.locator("#outcome")).to_be_visible()
    expect(page.locator("#verdict")).to_have_attribute("data-decision", decision)
    assert not FIGURES.search(page.locator("#outcome").inner_text()), "figures are for terminals, not for people"


@pytest.mark.parametrize(("size", "lang"), [("desktop", "zh"), ("desktop", "en"), ("kiosk", "zh"), ("mobile", "zh")])
def test_a_holder_passes(house: House, new_page: NewPage, size: str, lang: str) -> None:
    name = f"counter-{size}-{lang}"
    page = new_page("/counter", size, lang=lang)
    expect(page.locator("#camera-state")).to_have_attribute("data-tone", "good")
    shoot(page, f"{name}-1-empty")
    card = house.issue()
    house.reader.place(card)
    expect(page.locator("#card-facts")).to_contain_text(card.text.number)
    expect(page.locator("#card-photo")).to_be_visible()
    page.locator("#take-finger").click()
    expect(page.locator("#finger-state")).to_have_attribute("data-tone", "good")
    shoot(page, f"{name}-2-card")
    verified(page, "PASS")
    expect(page.locator("#axis-card")).to_have_attribute("data-tone", "good")
    expect(page.locator("#axis-person")).to_have_attribute("data-tone", "good")
    shoot(page, f"{name}-3-pass")
    assert [one.position for one in house.comparer.compared[-1].fingers] == ["right_index"]
    page.locator("#next").click()
    content = page.content()
    assert card.text.number not in content
    assert card.text.name not in content


@pytest.mark.parametrize(
    ("name", "stage", "how", "decision", "card_word", "person_word"),
    [
        ("another-person", {"face": "person:other"}, {}, "REFUSE", "证件有效", "人证不一致"),
        ("lost-holder", {}, {"event": "reported_lost"}, "REFUSE", "证件已挂失", "人证一致"),
        ("unknown", {}, {"registered": False}, "REVIEW", "库中无此证", "人证一致"),
        ("no-face", {"face": "no_face"}, {}, "REVIEW", "证件有效", "未能进行人证比对"),
    ],
)
def test_both_axes_are_told_in_the_tellers_words(
    house: House,
    new_page: NewPage,
    name: str,
    stage: dict[str, str],
    how: dict[str, Any],
    decision: str,
    card_word: str,
    person_word: str,
) -> None:
    for attribute, word in stage.items():
        setattr(house.comparer, attribute, word)
    page = new_page("/counter")
    house.reader.place(house.issue(**how))
    verified(page, decision)
    expect(page.locator("#axis-card .word")).to_contain_text(card_word)
    expect(page.locator("#axis-person .word")).to_contain_text(person_word)
    assert page.locator("#say").inner_text()
    assert page.locator("#do").inner_text()
    shoot(page, f"counter-{name}")
    # Of a card that is lost or replaced no other picture makes anything else.
    barred = "event" in how or decision == "PASS"
    expect(page.locator("#again")).to_be_visible(visible=not barred)
    if name == "no-face":
        house.comparer.face = "person:holder"
        page.locator("#again").click()
        verified(page, "PASS")


# What the work goes through, in order: by sight on a narrow screen, and by the keyboard.
STEPS = ["purpose", "basis", "without-face", "position", "take-finger", "verify"]


def test_the_work_goes_in_order(house: House, new_page: NewPage) -> None:
    page = new_page("/counter", "mobile")
    house.reader.place(house.issue())
    expect(page.locator("#card-facts")).to_be_visible()
    expect(page.locator("#verify")).to_be_enabled()
    tops = [page.locator(f"#{one}").bounding_box() for one in ["card-facts", *STEPS, "outcome-title"]]
    heights = [(box["y"], box["x"]) for box in tops if box]
    assert heights == sorted(heights)
    page.locator("#purpose").focus()
    met = []
    for _ in range(12):
        met.append(page.evaluate("document.activeElement.id"))
        page.keyboard.press("Tab")
    assert [one for one in dict.fromkeys(met) if one in STEPS] == STEPS


def test_a_stranger_is_not_told_what_the_holder_of_a_lost_card_does(house: House, new_page: NewPage) -> None:
    page = new_page("/counter")
    house.reader.place(house.issue(event="reported_lost"))
    verified(page, "REFUSE")
    expect(page.locator("#say")).to_have_text("您的这张证件现在不能使用，请出示其他有效证件。")
    expect(page.locator("#say-holder")).to_have_text("请携此证到受理挂失的公安机关登记找回，登记后方可使用。")
    expect(page.locator("#do")).to_contain_text("不是冒用")
    house.comparer.face = "person:other"
    house.reader.place(house.issue(event="reported_lost"))
    expect(page.locator("#outcome")).to_be_hidden()
    verified(page, "REFUSE")
    expect(page.locator("#say")).to_contain_text("请稍候")
    expect(page.locator("#say-holder")).to_be_empty()
    expect(page.locator("#do")).to_contain_text("疑似冒用")
    shoot(page, "counter-lost-stranger")


def test_a_narrow_screen_shows_the_wait_and_the_answer(house: House, new_page: NewPage) -> None:
    page = new_page("/counter")
    for width, height in ((1024, 768), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        house.reader.place(house.issue())
        expect(page.locator("#card-state")).to_have_attribute("data-tone", "good")
        expect(page.locator("#outcome")).to_be_hidden()
        expect(page.locator("#verify")).to_be_enabled()
        held = hold(page, "**/v1/verifications", times=1)
        page.locator("#verify").click()
        expect(page.locator("#outcome-waiting")).to_be_in_viewport()
        until(lambda: page.title() != "" and bool(held), "it is being sent")  # noqa: B023
        held.pop().continue_()
        expect(page.locator("#verdict")).to_be_in_viewport()
        expect(page.locator("#axis-person .word")).to_be_in_viewport()
        page.screenshot(path=SCREENS / f"counter-{width}-answer.png")


def test_a_card_laid_during_a_check_is_read_for_the_next_customer(house: House, new_page: NewPage) -> None:
    page = new_page("/counter")
    first, second = house.issue(), house.issue()
    house.reader.place(first)
    expect(page.locator("#verify")).to_be_enabled()
    held = hold(page, "**/v1/verifications", times=1)
    page.locator("#verify").click()
    until(lambda: page.title() != "" and bool(held), "it is being sent")
    house.reader.place(second)
    expect(page.locator("#card-state")).to_contain_text("另一张证件")
    held.pop().continue_()
    expect(page.locator("#verdict")).to_have_attribute("data-decision", "PASS")
    expect(page.locator("#card-facts")).to_contain_text(first.text.number)
    shoot(page, "counter-card-waits")
    page.locator("#next").click()
    expect(page.locator("#card-facts")).to_contain_text(second.text.number)
    expect(page.locator("#outcome")).to_be_hidden()
    assert first.text.number not in page.content()
    verified(page, "PASS")
    # One that is taken away again meanwhile is waited for by nobody.
    held = hold(page, "**/v1/verifications", times=1)
    house.reader.place(first)
    expect(page.locator("#verify")).to_be_enabled()
    page.locator("#verify").click()
    until(lambda: page.title() != "" and bool(held), "it is being sent")
    house.reader.place(second)
    expect(page.locator("#card-state")).to_contain_text("另一张证件")
    house.reader.remove()
    expect(page.locator("#card-state")).to_have_text("已读取")
    held.pop().continue_()
    expect(page.locator("#outcome")).to_be_visible()
    page.locator("#next").click()
    expect(page.locator("#card-empty")).to_be_visible()


def test_another_language_says_everything_anew(house: House, new_page: NewPage) -> None:
    page = new_page("/counter")
    house.reader.place(house.issue())
    page.locator("#take-finger").click()
    expect(page.locator("#finger-state")).to_have_attribute("data-tone", "good")
    verified(page, "PASS")
    chinese = re.compile("[\u4e00-\u9fff]")
    page.locator("#language").click()
    expect(page.locator("#card-state")).to_have_text("Read")
    expect(page.locator("#finger-state")).to_have_text("Taken: right index")
    expect(page.locator("#elapsed")).to_contain_text("took")
    assert not chinese.search(page.locator(".outcome").inner_text())
    house.reader.place(house.issue())
    expect(page.locator("#verify")).to_be_enabled()
    house.stop()
    page.locator("#verify").click()
    expect(page.locator("#fault-title")).to_have_text("No result came")
    page.locator("#language").click()
    expect(page.locator("#fault-title")).to_have_text("没有得到核验结果")


def test_a_card_is_typed_in_where_there_is_no_reader(house: House, new_page: NewPage) -> None:
    text = house.issue().text
    page = new_page("/counter")
    page.locator("#typing summary").click()
    shoot(page, "counter-typing")
    page.locator("#typed button").click()
    expect(page.locator("#typed-error")).not_to_be_empty()
    page.locator("#number").fill(text.number)
    page.locator("#issuer").fill(text.issuer)
    page.locator("#valid_from").fill(text.valid_from.isoformat())
    assert text.valid_to is not None
    page.locator("#valid_to").fill(text.valid_to.isoformat())
    page.locator("#typed button").click()
    verified(page, "PASS")


def test_a_teller_signs_in_and_the_decision_names_them(house: House, new_page: NewPage) -> None:
    page = new_page("/counter")
    page.locator("#operator").click()
    page.locator("#operator-key").fill("rz_wrong")
    page.locator("#attending-form button.main").click()
    expect(page.locator("#operator-error")).to_contain_text("柜员身份无效")
    shoot(page, "counter-operator")
    page.locator("#operator-key").fill(house.person("王柜员", Role.OPERATOR))
    page.locator("#attending-form button.main").click()
    expect(page.locator("#attending")).to_be_hidden()
    expect(page.locator("#operator")).to_contain_text("王柜员")
    page.reload()
    expect(page.locator("#operator")).to_contain_text("王柜员")
    page.locator("#operator").click()
    page.locator("#attending-form button.main").click()
    expect(page.locator("#operator")).to_have_text("柜员登录")
    # A key that is revoked leaves a counter without an operator, and not one without the service.
    for reloads in (True, False):
        leaver = house.person("赵柜员", Role.OPERATOR)
        page.locator("#operator").click()
        page.locator("#operator-key").fill(leaver)
        page.locator("#attending-form button.main").click()
        expect(page.locator("#operator")).to_contain_text("赵柜员")
        house.reader.place(house.issue())
        expect(page.locator("#verify")).to_be_enabled()
        house.revoke_key(leaver)
        if reloads:
            page.reload()
        else:
            house.reader.place(house.issue())
        expect(page.locator("#operator")).to_have_text("柜员登录")
        expect(page.locator("[data-view=away]")).to_be_hidden()


def attending(page: Page, key: str) -> None:
    """Fill the teller's form in; an empty key signs out."""
    page.locator("#operator-key").fill(key)
    page.locator("#attending-form button.main").click()
    expect(page.locator("#attending")).to_be_hidden()


def test_who_signs_out_in_another_tab_leaves_nobodys_data(house: House, new_page: NewPage) -> None:
    """The check that is under way goes on unseen, and is there for the teller who signs in."""
    first = new_page("/counter")
    teller = house.person("王柜员", Role.OPERATOR)
    first.locator("#operator").click()
    attending(first, teller)
    page = first.context.new_page()
    page.goto(f"{house.url}/counter?lang=zh")
    expect(page.locator("#operator")).to_contain_text("王柜员")
    expect(page.locator("#card-empty")).to_contain_text("居民身份证")  # the tab opened last has the reader
    card = house.issue()
    house.reader.place(card)
    expect(page.locator("#verify")).to_be_enabled()
    held = hold(page, "**/v1/verifications", times=1)
    page.locator("#verify").click()
    until(lambda: page.title() != "" and bool(held), "it is being sent")
    shown, form = page.locator("#card-facts"), page.locator("#attending")

    def sign_out() -> None:
        first.locator("#operator").click()
        attending(first, "")
        expect(form).to_be_visible()
        expect(form).to_contain_text("已在另一个标签页退出")
        expect(shown).to_be_hidden()

    sign_out()
    page.locator("#operator-close").click()
    expect(page.locator("#operator-error")).to_have_text("正在核验…")
    expect(shown).to_be_hidden()
    held.pop().continue_()
    expect(page.locator("#verdict")).to_have_attribute("data-decision", "PASS")
    expect(page.locator("#outcome")).to_be_hidden()
    expect(page.locator("#operator-error")).to_be_empty()
    shoot(page, "counter-signed-out-elsewhere")
    attending(page, teller)
    expect(page.locator("#outcome")).to_be_visible()
    expect(shown).to_contain_text(card.text.number)
    # Who signs in in the other tab is signed in here; for whoever closes the form without it nothing is left.
    expect(first.locator("#operator")).to_contain_text("王柜员")
    sign_out()
    first.locator("#operator").click()
    attending(first, teller)
    expect(form).to_be_hidden()
    expect(shown).to_contain_text(card.text.number)
    sign_out()
    page.locator("#operator-close").click()
    expect(form).to_be_hidden()
    expect(page.locator("#card-empty")).to_be_visible()
    assert card.text.number not in page.content()
    assert page.evaluate("Object.keys(localStorage).length + Object.keys(sessionStorage).length") == 0


@pytest.mark.parametrize(
    ("mishap", "words", "advice"),
    [
        (Mishap.READ_ERROR, "证件读取失败", "请平放后再读一次"),
        (Mishap.GARBLED, "证件信息无法识别", "读到的内容不完整"),
        (Mishap.WRONG_TYPE, "不支持这种证件", "其他证件请按相应规定核对"),
        (Mishap.PULLED, "证件已取走", "请重新放置"),
    ],
)
def test_what_goes_wrong_with_a_card(house: House, new_page: NewPage, mishap: Mishap, words: str, advice: str) -> None:
    page = new_page("/counter")
    house.reader.place(house.issue(), mishap)
    expect(page.locator("#card-state")).to_have_text(words)
    expect(page.locator("#card-empty")).to_contain_text(advice)
    expect(page.locator("#verify")).to_be_disabled()
    if mishap is Mishap.WRONG_TYPE:
        shoot(page, "counter-wrong-type")


# From the click to the answer in sight, and how much of it was the service's: told, and never a reason to fail.
WATCH = """() => {
  let began;
  document.querySelector("#verify").addEventListener("click", () => { began = performance.now(); }, { capture: true });
  window.answered = new Promise((resolve) => new MutationObserver((_, watcher) => {
    if (document.querySelector("#outcome").hidden) return;
    watcher.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began)));
  }).observe(document.querySelector("#outcome"), { attributeFilter: ["hidden"] }));
}"""
SERVED = """() => performance.getEntriesByType("resource")
  .filter((one) => one.name.endsWith("/v1/verifications")).reduce((sum, one) => sum + one.duration, 0)"""


def test_what_the_page_itself_takes_of_an_answer(
    house: House, new_page: NewPage, record_property: Callable[[str, object], None]
) -> None:
    page = new_page("/counter")
    house.reader.place(house.issue())
    expect(page.locator("#verify")).to_be_enabled()
    page.evaluate(WATCH)
    verified(page, "PASS")
    whole, served = page.evaluate("window.answered"), page.evaluate(SERVED)
    assert 0 < served < whole
    record_property("answer_ms", round(whole))
    record_property("page_ms", round(whole - served))
    told = f"{whole:.0f} ms from the click to the answer, {whole - served:.0f} ms of them the page's own\n"
    SCREENS.mkdir(parents=True, exist_ok=True)
    (SCREENS / "counter-answer.txt").write_text(told, encoding="utf-8")


def test_a_teller_goes_on_with_a_second_person(house: House, new_page: NewPage) -> None:
    house.comparer.face = "person:other"
    page = new_page("/counter")
    house.reader.place(house.issue())
    verified(page, "REFUSE")
    page.locator("#go-on").click()
    expect(page.locator("#attending")).to_be_visible()
    teller = house.person("王柜员", Role.OPERATOR)
    page.locator("#operator-key").fill(teller)
    page.locator("#attending-form button.main").click()
    page.locator("#go-on").click()
    page.locator(".act button.main").click()
    expect(page.locator(".act .error")).to_contain_text("请填写")
    page.locator(".act textarea").fill("本人持驾驶证，面容一致")
    expect(page.locator(".act .error")).to_be_empty()
    page.locator(".act select").select_option("identified_otherwise")
    shoot(page, "counter-override-1-why")
    page.locator(".act button.main").click()
    expect(page.locator("#going-on-state")).to_contain_text("等待第二人")
    page.locator("#second-person").click()
    for key, told in ((teller, "无权"), ("rz_wrong", "无效")):
        page.locator(".act input").fill(key)
        page.locator(".act button.main").click()
        expect(page.locator(".act .error")).to_contain_text(told)
    expect(page.locator(".act input")).to_have_value("")
    shoot(page, "counter-override-2-second")
    page.locator(".act input").fill(house.person("李主管", Role.SUPERVISOR))
    page.locator(".act button.main").click()
    expect(page.locator("#going-on")).to_have_attribute("data-state", "approved")
    expect(page.locator("#verdict")).to_have_attribute("data-decision", "REFUSE")
    shoot(page, "counter-override-3-approved")
    # Whoever closes the dialog while it is sent is told what came of it, and what did not.
    next_one = house.issue()
    house.reader.place(next_one)
    verified(page, "REFUSE")
    held = hold(page, "**/override")
    for failing, left in ((True, 1), (False, 0)):
        if failing:
            page.locator("#go-on").click()
            page.locator(".act textarea").fill("护照")
        page.locator(".act button.main").click()
        until(lambda: page.title() != "" and bool(held), "it is being sent")
        page.keyboard.press("Escape")
        expect(page.locator(".act")).to_have_count(0)
        if failing:
            words = {"zh": "不行", "en": "no"}
            held.pop().fulfill(status=422, json={"code": "x", "message": words, "operator": words})
        else:
            held.pop().continue_()
        expect(page.locator(".act")).to_have_count(left)
    expect(page.locator("#going-on-state")).to_contain_text("等待第二人")
    # A dialog about somebody does not outlast them.
    page.locator("#second-person").click()
    page.locator(".act input").fill("rz_half_a_key")
    house.reader.place(house.issue())
    expect(page.locator(".act")).to_have_count(0)
    expect(page.locator("#card-facts")).not_to_contain_text(next_one.text.number)


def test_a_lost_card_is_not_gone_on_with_and_a_console_may_approve(house: House, new_page: NewPage) -> None:
    page = new_page("/counter", lang="en")
    house.reader.place(house.issue(event="reported_lost"))
    verified(page, "REFUSE")
    expect(page.locator("#going-on-state")).to_contain_text("Nobody goes on")
    expect(page.locator("#go-on")).to_be_hidden()
    house.comparer.face = "no_face"
    house.reader.place(house.issue())
    expect(page.locator("#outcome")).to_be_hidden()
    verified(page, "REVIEW")
    page.locator("#operator").click()
    page.locator("#operator-key").fill(house.person("teller", Role.OPERATOR))
    page.locator("#attending-form button.main").click()
    page.locator("#go-on").click()
    page.locator(".act textarea").fill("face under a bandage")
    page.locator(".act button.main").click()
    expect(page.locator("#second-person")).to_be_visible()
    supervisor = {"Authorization": f"Bearer {house.person('supervisor', Role.SUPERVISOR)}"}
    # The newest first: other tests of this bank may have left some.
    waiting = house.authority.get("/v1/overrides?state=entered", headers=supervisor).json()["items"][0]
    refused = house.authority.post(
        f"/v1/overrides/{waiting['id']}/refuse", json={}, headers={**supervisor, **fresh_key()}
    )
    assert refused.status_code == 200, refused.text
    expect(page.locator("#going-on")).to_have_attribute("data-state", "refused")
    expect(page.locator("#go-on")).to_be_visible()


def test_a_holder_is_told_their_checks_and_disputes_one(house: House, new_page: NewPage) -> None:
    page = new_page("/counter", "mobile")
    house.comparer.face = "person:other"
    house.reader.place(house.issue())
    verified(page, "REFUSE")
    expect(page.locator("#holder-checks")).to_be_hidden()
    house.comparer.face = "person:holder"
    page.locator("#again").click()
    verified(page, "PASS")
    page.locator("#holder-checks").click()
    expect(page.locator(".history li")).to_have_count(2)
    page.locator(".history li").nth(1).locator("button").click()
    page.locator(".act select").select_option("wrongly_refused")
    page.locator(".act textarea").fill("110105194912310021")
    page.locator(".act button.main").click()
    expect(page.locator(".act .error")).not_to_be_empty()
    page.locator(".act textarea").fill("当时换了发型")
    page.locator(".act button.main").click()
    expect(page.locator(".history li").nth(1).locator(".state")).to_contain_text("已受理")
    shoot(page, "counter-history")
    page.keyboard.press("Escape")
    page.locator("#next").click()
    expect(page.locator(".history")).to_have_count(0)


def test_without_the_service_there_is_no_result(house: House, new_page: NewPage) -> None:
    page = new_page("/counter")
    house.reader.place(house.issue())
    expect(page.locator("#verify")).to_be_enabled()
    house.stop()
    page.locator("#verify").click()
    expect(page.locator("#outcome-waiting")).to_be_visible()
    expect(page.locator("#elapsed")).to_contain_text("秒")
    shoot(page, "counter-waiting")
    expect(page.locator("#fault-title")).to_have_text("没有得到核验结果")
    expect(page.locator("#fault-lead")).to_contain_text("不得视为通过")
    expect(page.locator("#outcome")).to_be_hidden()
    shoot(page, "counter-unanswered")


def test_a_new_card_is_a_new_customer(house: House, new_page: NewPage) -> None:
    page = new_page("/counter", lang="en", clock=True)
    first, second = house.issue(), house.issue(event="reported_stolen")
    house.reader.place(first)
    verified(page, "PASS")
    page.evaluate("document.querySelector('#card-state').textContent = ''")
    house.lose_reader()
    expect(page.locator("#card-state")).to_have_text("Read")  # told again
    expect(page.locator("#outcome")).to_be_visible()
    house.reader.place(second, Mishap.READ_ERROR)
    expect(page.locator("#card-state")).to_have_attribute("data-tone", "bad")
    assert first.text.number not in page.content()
    expect(page.locator("#verify")).to_be_disabled()
    house.reader.place(second)
    expect(page.locator("#card-facts")).to_contain_text(second.text.number)
    expect(page.locator("#outcome")).to_be_hidden()
    assert first.text.number not in page.content()
    page.locator("#contrast").click()
    verified(page, "REFUSE")
    shoot(page, "counter-contrast-stolen")
    # A camera that ends shows black, of which no picture is taken.
    house.reader.place(first)
    expect(page.locator("#verify")).to_be_enabled()
    page.evaluate("document.querySelector('#live').srcObject.getTracks()[0].dispatchEvent(new Event('ended'))")
    expect(page.locator("#camera-state")).to_have_attribute("data-tone", "bad")
    expect(page.locator("#verify")).to_be_disabled()
    # Nobody touches the page: before the ten minutes are over the customer's data are there, and then no more.
    page.clock.fast_forward(9 * 60_000)
    expect(page.locator("#card-facts")).to_contain_text(first.text.number)
    page.keyboard.press("Shift")
    page.clock.fast_forward(9 * 60_000)
    expect(page.locator("#card-facts")).to_contain_text(first.text.number)
    page.clock.fast_forward(61_000)
    expect(page.locator("#card-facts")).to_be_hidden()
    assert first.text.number not in page.content()
