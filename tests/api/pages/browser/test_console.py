"""The console: people sign in with their own key, find a card, and report it lost in three clicks."""

import json
from collections import Counter
from contextlib import ExitStack
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from fastapi import FastAPI
from playwright.sync_api import Page, Route, expect

from api.accountability.scorecards import patterns
from api.accountability.scorecards.figures import Tally
from api.institutions.roles import Role
from models import catalogue
from tests.api.bodies import Json, fresh_key, register, report, verify
from tests.api.duplicates.filed import file_case
from tests.api.entries import new_key
from tests.api.pages.browser.conftest import House, NewPage, hold, shoot, until
from tests.api.pages.browser.lived import a_day, client
from tests.api.screening.entries import approve, propose, somebody

pytestmark = pytest.mark.long


def signed_in(page: Page, key: str) -> Page:
    """Somebody at the console."""
    page.locator("#key").fill(key)
    page.locator("#setup button").click()
    expect(page.locator("#work h1")).to_be_visible()
    return page


def authority_key(house: House) -> str:
    """Of the authority that registers the demonstration's cards."""
    return house.authority.headers["authorization"].removeprefix("Bearer ")


@pytest.mark.parametrize(("size", "lang"), [("desktop", "zh"), ("mobile", "en")])
def test_a_loss_is_reported_in_three_clicks(house: House, new_page: NewPage, size: str, lang: str) -> None:
    name = f"console-{size}-{lang}"
    card = house.issue()
    page = new_page("/console", size, lang=lang, signed_in=False)
    if size == "desktop":
        page.locator("#key").fill(house.key("counter"))
        page.locator("#setup button").click()
        expect(page.locator("#setup-error")).not_to_be_empty()
        shoot(page, f"{name}-1-refused")
    signed_in(page, authority_key(house))
    page.locator("#find-number").fill(card.text.number)
    page.locator(".find button").click()
    expect(page.locator(".card .badge")).to_have_attribute("data-tone", "good")
    shoot(page, f"{name}-2-found")
    page.locator(".card button.stops").first.click()
    shoot(page, f"{name}-3-report")
    page.locator(".act button.stops").click()
    expect(page.locator(".card .badge")).to_have_attribute("data-tone", "bad")
    expect(page.locator(".card .time-line li")).to_have_count(2)
    expect(page.locator(".card .state-line a")).to_be_visible()
    shoot(page, f"{name}-4-lost")
    found = house.authority.post("/v1/cards/search", json={"number": card.text.number}).json()["items"][0]
    assert found["status"] == "card_reported_lost"
    if size == "mobile":
        page.locator("#contrast").click()
        shoot(page, f"{name}-5-contrast")
    assert card.text.number not in page.url
    if size == "mobile":
        # Without the service the screen is wiped at once, and it is said that the session has not ended.
        page.context.set_offline(True)
        page.locator("#sign-out").click()
        expect(page.locator("#setup-error")).to_contain_text("NOT signed out")
        assert card.text.number not in page.content()
        page.context.set_offline(False)
        page.reload()  # before the next try: the page that is loaded anew goes on with it
    else:
        page.locator("#sign-out").click()
    expect(page.locator("#setup")).to_be_visible()
    expect(page.locator("#setup button")).to_be_enabled()
    expect(page.locator("#setup-error")).to_be_empty()
    page.reload()
    expect(page.locator("#setup")).to_be_visible()
    assert card.text.number not in page.content()


def test_only_what_the_cards_state_allows_is_offered(house: House, new_page: NewPage) -> None:
    """Of a lost card no loss is reported again: it says so, and in front stands that it was found."""
    card = house.issue(event="reported_lost")
    page = signed_in(new_page("/console", signed_in=False), authority_key(house))
    page.locator("#find-number").fill(card.text.number)
    page.locator(".find button").click()
    expect(page.locator(".card .choices button.main")).to_have_text("登记找回")
    expect(page.locator(".card .choices button.stops")).to_have_count(0)
    expect(page.locator(".card .choices button:disabled")).to_have_text("挂失")
    expect(page.locator(".card .choices .quiet")).to_have_text("现在不能“挂失”：证件已挂失。")
    expect(page.locator(".card > p").first).to_contain_text("补领新证")
    options = page.locator(".card select option").evaluate_all("(all) => all.map((one) => one.value)")
    assert "reported_stolen" in options, "the table allows it: a card that was lost turns out to be stolen"
    shoot(page, "console-lost-zh")
    page.locator(".card .choices button.main").click()
    page.locator(".act button.main").click()
    expect(page.locator(".card .choices button.stops")).to_have_count(2)
    expect(page.locator(".card .choices button:disabled")).to_have_count(0)


def test_a_card_that_was_found_stays_in_another_language(house: House, new_page: NewPage) -> None:
    card = house.issue()
    page = signed_in(new_page("/console", signed_in=False), authority_key(house))
    page.locator("#find-number").fill(card.text.number)
    page.locator(".find button").click()
    expect(page.locator(".card .badge")).to_have_text("证件有效")
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url))
    page.locator("#language").click()
    expect(page.locator(".card .badge")).to_have_text("The card is valid")
    expect(page.locator("#find-number")).to_have_value(card.text.number)
    assert not asked, "no other search is made for it"
    shoot(page, "console-found-turned-en")
    page.locator(".card button.stops").first.click()
    page.locator(".act button.stops").click()
    expect(page.locator(".card .state-line a")).to_be_visible()
    page.locator("#language").click()
    expect(page.locator(".card .badge")).to_have_text("证件已挂失")
    expect(page.locator(".card .state-line")).to_contain_text("已登记")
    shoot(page, "console-reported-turned-zh")
    # What is being sent may change it: the card is not told as it was.
    held = hold(page, "**/events", times=1)
    page.locator(".card .choices button.main").click()
    page.locator(".act button.main").click()
    until(lambda: page.title() != "" and bool(held), "it is being sent")
    page.keyboard.press("Escape")
    page.locator("#language").click()
    expect(page.locator("#work h1")).to_have_text("Cards")
    expect(page.locator("#find-number")).to_have_value(card.text.number)
    expect(page.locator(".card")).to_have_count(0)
    held.pop().continue_()
    page.locator(".find button").click()
    expect(page.locator(".card")).to_have_count(1)
    # With another section, and with nobody there, it goes.
    page.locator("nav a[href='#evidence']").click()
    page.locator("nav a[href='#cards']").click()
    expect(page.locator("#find-number")).to_have_value("")
    expect(page.locator(".card")).to_have_count(0)
    page.locator("#find-number").fill(card.text.number)
    page.locator(".find button").click()
    expect(page.locator(".card .badge")).to_be_visible()
    page.locator("#sign-out").click()
    signed_in(page, authority_key(house))
    expect(page.locator("#find-number")).to_have_value("")
    assert card.text.number not in page.content()


def test_a_month_without_data_says_so(house: House, new_page: NewPage) -> None:
    """No axis without a bar, no interval of nothing, and an axis that does not go to the whole says where it ends."""
    key = house.person("新主管", Role.SUPERVISOR)
    page = new_page("/console", signed_in=False)

    nothing: Json = {"count": 0, "total": 0, "share": None, "low": None, "high": None}
    few: dict[str, Json] = {
        "checks.PASS": nothing,
        "checks.REVIEW": nothing,
        "checks.REFUSE": nothing,
        "captures.face.failed": nothing,
        "captures.fingers.failed": {"count": 2, "total": 400, "share": 0.005, "low": 0.001, "high": 0.018},
        "overrides": {"count": 0, "total": 3, "share": 0.0, "low": 0.0, "high": 0.56},
        "overrides.approved": {"count": 0, "total": 1, "share": 0.0, "low": 0.0, "high": 1.0},
    }

    def told(route: Route) -> None:
        answer = route.fetch()
        (card,) = answer.json()["items"]
        there = [one for one in card["figures"] if one["figure"] in few or not one["figure"].startswith("captures.")]
        figures = [{**one, **few.get(one["figure"], {})} for one in there]
        route.fulfill(response=answer, json={**answer.json(), "items": [{**card, "figures": figures}]})

    page.route("**/v1/scorecards?*by=total*", told)
    signed_in(page, key)
    page.locator("nav a[href='#scorecards']").click()
    decisions = page.locator("figure:has(> figcaption:text('核验结论'))")
    expect(decisions.locator("p")).to_have_text("这个月没有数据。")
    expect(decisions.locator("svg")).to_have_count(0)
    captures = page.locator("figure:has(> figcaption:text-is('采集失败')) svg")
    expect(captures.locator(".none")).to_have_text("没有数据")
    expect(captures.locator("rect")).to_have_count(1)
    expect(captures).to_contain_text("横轴至 2%")
    overrides = page.locator("figure:has(> figcaption:text-is('放行与异议')) svg")
    expect(overrides).to_contain_text("0% (0/3)")
    expect(overrides).to_contain_text("0% (0/1)、数据太少")
    expect(overrides.locator(".interval")).to_have_count(3)  # the one interval that says something, and its ends
    expect(overrides.locator(".tick").last).to_have_text("100%")
    shoot(page, "console-scorecard-few-zh")


def test_other_events_and_every_refusal_are_told(house: House, new_page: NewPage) -> None:
    card = house.issue()
    page = signed_in(new_page("/console", signed_in=False), authority_key(house))
    page.locator(".find button").click()
    expect(page.locator(".state-line").first).to_contain_text("请先填写")
    page.locator("#find-number").fill("11010519491231002")
    page.keyboard.press("Enter")
    expect(page.locator(".state-line").first).to_have_attribute("data-tone", "bad")
    # An answer that comes late is that of a question nobody asks any more.
    late = hold(page, "**/v1/cards/search", times=1)
    page.locator("#find-number").fill(house.issue().text.number)
    page.keyboard.press("Enter")
    page.locator("#find-number").fill(card.text.number)
    page.keyboard.press("Enter")
    shown = page.locator(".card .quiet").first
    expect(shown).to_be_visible()
    before = shown.inner_text()
    with page.expect_response("**/v1/cards/search"):
        late[0].continue_()
    page.locator(".card select").select_option("cancelled")
    expect(page.locator(".card")).to_have_count(1)
    expect(shown).to_have_text(before)
    page.locator(".act input").fill("错登")
    # Meanwhile somebody else reports it: the table no longer allows what this page offers.
    card_id = house.authority.post("/v1/cards/search", json={"number": card.text.number}).json()["items"][0]["id"]
    report(house.authority, card_id, "holder_deceased")
    page.locator(".act button.stops").click()
    expect(page.locator(".act .error")).not_to_be_empty()
    shoot(page, "console-event-refused")
    page.keyboard.press("Escape")
    page.locator(".find button").click()
    expect(page.locator(".card select option")).to_have_count(3)  # the heading, handed in, disputed
    page.locator(".card select").select_option("dispute_opened")
    page.locator(".act input").fill("家属称误报")
    page.locator(".act button.main").click()
    expect(page.locator(".card .time-line q")).to_have_text("家属称误报")
    shoot(page, "console-disputed")


def test_a_revoked_key_ends_the_session(house: House, new_page: NewPage) -> None:
    key = new_key(house.service.database, house.service.keys, Role.AUTHORITY)
    page = signed_in(new_page("/console", signed_in=False), key)
    issued = house.authority.post(
        "/v1/me/key", json={"overlap_s": 0}, headers={**fresh_key(), "Authorization": f"Bearer {key}"}
    )
    assert issued.status_code == 201, issued.text
    page.locator("#find-number").fill("11010519491231002X")
    page.locator(".find button").click()
    expect(page.locator("#setup-error")).to_have_text("登录已失效，请重新登录。")


def peers() -> dict[str, Any]:
    """What stands out among twenty drawn counters, by the service's own judgement: one of them fails twice as often."""
    chance = np.random.default_rng(5)
    places = [(UUID(int=1), UUID(int=place << 96)) for place in range(2, 22)]
    tallies = {}
    for number, place in enumerate(places):
        faces = int(chance.integers(300, 900))
        failed = int(chance.binomial(faces, 0.14 if number == 7 else 0.04))
        tallies[place] = Tally(Counter({"captures.face": faces, "captures.face.failed": failed}))
    return patterns.found(tallies, {terminal: "counter" for _, terminal in places})


def test_figures_lead_down_to_evidence_that_the_browser_proves(house: House, new_page: NewPage, app: FastAPI) -> None:
    day = a_day(app, house)
    page = new_page("/console", signed_in=False)

    def with_peers(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "patterns": peers()})

    def with_losses(route: Route) -> None:
        answer = route.fetch()
        (card,) = answer.json()["items"]
        times = {"median": 0.25, "p90": 12.345, "longest": 5 * 3600 + 12.5}
        told = {**card, "first_refusal_s": times, "first_refusals_not_known": 3}
        route.fulfill(response=answer, json={**answer.json(), "items": [told]})

    page.route("**/v1/scorecards?*by=terminal*", with_peers)
    page.route("**/v1/scorecards?*by=total*", with_losses)
    signed_in(page, day.supervisor_key)
    page.locator("nav a[href='#scorecards']").click()
    expect(page.locator("figure svg").first).to_be_visible()
    assert page.locator("nav a[href='#cards']").count() == 0, "a supervisor reads no cards"
    expect(page.locator("#work")).to_contain_text("中位数 0.3 秒，九成在 12 秒内，最长 5 小时")
    expect(page.locator("#work")).to_contain_text("3 次拒绝已按保存期限删除")
    shoot(page, "console-scorecard-zh")
    page.locator(".panel details summary", has_text="全部指标").click()
    page.locator("tr:has(button)", has_text="没有核验").first.locator("button").click()
    expect(page.locator("dialog.wide tbody tr").first).to_be_visible()
    shoot(page, "console-counted-zh")
    page.locator("dialog.wide tbody a").first.click()
    expect(page.locator("#work h1")).to_have_text("存证日志")
    page.locator("#work .panel button.main").click()
    expect(page.locator("#work .panel .state-line")).to_have_attribute("data-tone", "good")
    page.locator("#find-entry").fill(day.checks[0]["id"])
    page.locator(".find button").click()
    expect(page.locator("pre").first).to_contain_text("verification")
    page.locator("#work .panel button.main").click()
    expect(page.locator(".steps-list li")).to_have_count(4)
    expect(page.locator(".steps-list .badge[data-tone=good]")).to_have_count(4)
    shoot(page, "console-evidence-zh")
    page.locator("nav a[href='#scorecards']").click()
    page.locator("#scorecard-by").select_option("terminal")
    expect(page.locator("svg .point[data-tone=bad]").first).to_be_visible()
    shoot(page, "console-patterns-zh")
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("#language").click()
    page.locator("#scorecard-by").select_option("institution")
    expect(page.locator("figure svg").first).to_be_visible()
    shoot(page, "console-scorecard-mobile-en")


def test_a_proof_that_does_not_hold_is_told(house: House, new_page: NewPage) -> None:
    """The browser computes by itself: whatever the service says, a changed leaf, path or checkpoint fails."""
    card = house.issue()
    card_id = house.authority.post("/v1/cards/search", json={"number": card.text.number}).json()["items"][0]["id"]
    receipt = report(house.authority, card_id, "reported_lost")["receipt"]
    until(lambda: house.authority.get(f"/v1/evidence/inclusion/{receipt['leaf_hash']}").status_code == 200, "a place")
    receipt["inclusion"] = house.authority.get(f"/v1/evidence/inclusion/{receipt['leaf_hash']}").json()
    page = signed_in(new_page("/console", lang="en", signed_in=False), authority_key(house))
    page.locator("nav a[href='#evidence']").click()
    inclusion = receipt["inclusion"]
    flipped = "A" if inclusion["checkpoint"][-3] != "A" else "Q"
    cases: list[tuple[Json, str]] = [
        (receipt, "good"),
        ({**receipt, "leaf": receipt["leaf"].replace("reported_lost", "reported_found")}, "bad"),
        ({**receipt, "include_by": "2030-01-01T00:00:00+00:00"}, "bad"),
        ({**receipt, "include_by": "one day"}, "bad"),
        ({**receipt, "leaf": "{"}, "bad"),
        ({**receipt, "signature": "?"}, "bad"),
        ({**receipt, "signature": None}, "good"),
        ({**receipt, "inclusion": {**inclusion, "proof": 7}}, "bad"),
        ({**receipt, "inclusion": {**inclusion, "checkpoint": "renzheng\n7\n?\n\n"}}, "bad"),
        ({**receipt, "inclusion": {**inclusion, "proof": ["0" * 64, *inclusion["proof"][1:]]}}, "bad"),
        ({**receipt, "inclusion": {**inclusion, "index": inclusion["index"] - 1}}, "bad"),
        (
            {
                **receipt,
                "inclusion": {**inclusion, "checkpoint": inclusion["checkpoint"].replace("previous", "before")},
            },
            "bad",
        ),
        ({**receipt, "inclusion": {**inclusion, "checkpoint": f"{inclusion['checkpoint'][:-3]}{flipped}=\n"}}, "bad"),
    ]
    for changed, tone in cases:
        page.locator("#find-entry").fill(json.dumps(changed))
        page.locator(".find button").click()
        page.locator("#work .panel button.main").click()
        expect(page.locator("#work .panel .state-line")).to_have_attribute("data-tone", tone)
        expect(page.locator("#work .panel .state-line")).to_contain_text("failed" if tone == "bad" else "Verified")
        if changed["signature"] is None:
            expect(page.locator("#work .steps-list")).to_contain_text("no signature")
    shoot(page, "console-evidence-failed-en")


def test_the_feed_is_live_and_goes_on_after_a_break(house: House, new_page: NewPage) -> None:
    cards = [house.issue(), house.issue()]
    page = signed_in(new_page("/console", signed_in=False), authority_key(house))
    page.locator("nav a[href='#feed']").click()
    expect(page.locator(".state-line").first).to_have_attribute("data-tone", "good")
    ids = [
        house.authority.post("/v1/cards/search", json={"number": card.text.number}).json()["items"][0]["id"]
        for card in cards
    ]
    report(house.authority, ids[0], "reported_stolen")
    newest = page.locator(".feed li").first
    expect(newest).to_contain_text("报失窃")
    expect(page.locator("[data-gauge=behind] dd")).to_have_text("0")
    expect(page.locator("[data-gauge=lag] dd")).to_contain_text("秒")
    before = int(newest.locator(".number").inner_text())
    page.route("**/v1/feed*", lambda route: route.abort())
    with ExitStack() as stack:
        # A replica keeps three streams of one key: the page's is the oldest, and is ended.
        for _ in range(3):
            stack.enter_context(house.authority.stream("GET", "/v1/feed", headers={"Accept": "text/event-stream"}))
        expect(page.locator(".state-line").first).to_have_attribute("data-tone", "bad")
    report(house.authority, ids[1], "reported_lost")
    shoot(page, "console-feed-broken-zh")
    page.unroute("**/v1/feed*")
    expect(page.locator(".feed li .number").first).to_have_text(str(before + 1))
    expect(page.locator(".feed li").first).to_contain_text("挂失")
    expect(page.locator("[data-gauge=gaps] dd")).to_have_text("0")
    shoot(page, "console-feed-zh")
    page.locator(".feed li a").first.click()
    expect(page.locator(".card .badge")).to_have_attribute("data-tone", "bad")


def test_a_supervisor_decides_overrides_disputes_and_alerts(house: House, new_page: NewPage, app: FastAPI) -> None:
    day = a_day(app, house)
    second = client(app, house.person("王主管", Role.SUPERVISOR))
    face = somebody()
    listed = propose(second, face)
    approve(client(app, house.person("张主管", Role.SUPERVISOR)), listed)
    authority = client(app, authority_key(house))
    _, card = register(authority, face=face)
    hit = verify(client(app, house.person("三号柜台", Role.TERMINAL, "counter")), card, face=face)
    assert hit["decision"] == "REVIEW"
    page = signed_in(new_page("/console", signed_in=False), day.supervisor_key)
    waiting = page.locator("section:has(> h2:text-is('放行')) .panel")
    waiting.first.locator("button.main").click()
    page.locator(".act button.main").click()
    expect(waiting.first.locator(".badge").first).to_have_attribute("data-tone", "good")
    waiting.nth(1).locator("summary").click()
    expect(waiting.nth(1).locator("table")).to_be_visible()
    disputed = page.locator("section:has(> h2:text-is('持证人的异议')) .panel").first
    disputed.locator("button.main").click()
    page.locator(".act textarea").fill("录像显示是本人")
    page.locator(".act select").select_option("rejected")
    page.locator(".act button.main").click()
    expect(disputed.locator(".badge")).to_have_text("异议不成立")
    shoot(page, "console-decisions-zh")
    page.locator("nav a[href='#cases']").click()
    alert = page.locator(".panel", has_text="与冒用名单上的人相像").first
    expect(alert.locator(".beside table")).to_be_visible()
    expect(alert.locator(".entry")).to_be_visible()
    shoot(page, "console-alert-zh")
    alert.locator(".entry button.second").click()
    page.locator(".act input").fill("30/12/2026")
    page.locator(".act button.main").click()
    expect(page.locator(".act .error")).to_contain_text("请写作 2026-11-22 的形式")
    page.keyboard.press("Escape")
    alert.locator(".entry button.stops").click()
    page.locator(".act input").fill("已查明系本人")
    page.locator(".act button.stops").click()
    expect(alert.locator(".entry .badge").first).to_have_text("已移除")
    alert.locator("> .choices button").click()
    page.locator(".act textarea").fill("误报，已移出名单")
    page.locator(".act button.main").click()
    expect(alert.locator("> header .badge")).to_have_text("已处理")


def test_a_case_of_two_identities_takes_two_people(house: House, new_page: NewPage, app: FastAPI) -> None:
    key = authority_key(house)
    authority = client(app, key)
    cards = [register(authority, face=somebody(), right_index=somebody())[0] for _ in range(2)]
    file_case(house.service, key, *cards)
    me = authority.get("/v1/me").json()
    colleague = new_key(house.service.database, house.service.keys, Role.AUTHORITY, me["institution"]["name"])
    page = new_page("/console", "mobile", lang="en", signed_in=False)
    signed_in(page, key)
    page.locator("nav a[href='#duplicates']").click()
    panel = page.locator("#work .panel").first
    expect(panel.locator("svg")).to_be_visible()
    for person, told in ((None, "proposed"), (colleague, "confirmed")):
        if person is not None:
            page.locator("#sign-out").click()
            signed_in(page, person)
            page.locator("nav a[href='#duplicates']").click()
            page.locator("#duplicates-filter").select_option("proposed")
        panel.locator("button.main").click()
        page.locator(".act textarea").fill("same person in both files")
        page.locator(".act button.main").click()
        expect(panel.locator(".badge").first).to_contain_text(told)
        shoot(page, f"console-duplicate-{told}-en")


def test_an_address_is_shown_after_signing_in_and_goes_with_who_signs_out(house: House, new_page: NewPage) -> None:
    page = new_page("/console", signed_in=False)
    page.goto(f"{house.url}/console?lang=zh#evidence/0")
    page.reload()
    signed_in(page, authority_key(house))
    expect(page.locator("#work h1")).to_have_text("存证日志")
    expect(page.locator("nav a[aria-current]")).to_have_attribute("href", "#evidence")
    page.locator("#sign-out").click()
    expect(page.locator("#key")).to_be_visible()
    assert page.evaluate("location.hash") == ""
    # What is no address of ours leads to the first section.
    page.evaluate("location.hash = '#%E0%A4%A'")
    signed_in(page, authority_key(house))
    expect(page.locator("nav a[aria-current]")).to_have_attribute("href", "#cards")


def test_a_section_whose_code_does_not_come_says_so(house: House, new_page: NewPage) -> None:
    page = signed_in(new_page("/console", signed_in=False), authority_key(house))
    expect(page.locator("#work form")).to_be_visible()
    page.route("**/pages/console/health.js", lambda route: route.abort())
    page.locator("nav a[href='#health']").click()
    expect(page.locator("#work .error")).to_contain_text("无法连接")
    page.locator("nav a[href='#policy']").click()
    expect(page.locator("#work .panel").first).to_contain_text(house.service.policy.version)


def test_a_replica_that_is_silent_is_not_called_well(house: House, new_page: NewPage) -> None:
    key = new_key(house.service.database, house.service.keys, Role.REGULATOR)
    page = signed_in(new_page("/console", signed_in=False, clock=True), key)
    page.locator("nav a[href='#health']").click()
    badges = page.locator("#work .panel header .badge")
    expect(badges).to_have_attribute("data-tone", "good")
    # Another replica answers from now on, and the first no more.
    answer = house.authority.get("/v1/standing", headers={"Authorization": f"Bearer {key}"}).json()
    page.route("**/v1/standing", lambda route: route.fulfill(json={**answer, "replica": "another"}))
    # Question by question: a busy machine would else answer the first when a minute of the page's time is over.
    for _ in range(11):
        with page.expect_response("**/v1/standing"):
            page.clock.run_for(6_000)
        expect(badges).to_have_count(2)
    expect(badges.first).to_have_attribute("data-tone", "bad")
    expect(badges.first).to_contain_text("没有回答")
    expect(badges.nth(1)).to_have_text("正常")
    shoot(page, "console-health-silent-zh")


def test_policy_replicas_and_packs_are_shown_as_they_are(house: House, new_page: NewPage) -> None:
    key = new_key(house.service.database, house.service.keys, Role.REGULATOR)
    page = signed_in(new_page("/console", signed_in=False), key)
    page.locator("nav a[href='#policy']").click()
    expect(page.locator("figure svg")).to_have_count(len(house.service.comparer.calibrations))
    expect(page.locator("#work .panel").first).to_contain_text(house.service.policy.version)
    shoot(page, "console-policy-zh")
    page.locator("nav a[href='#health']").click()
    expect(page.locator("#work .panel header .badge")).to_have_attribute("data-tone", "good")
    assert house.service.faces.look()
    counted = house.service.faces.found
    assert counted is not None
    expect(page.locator("#work .pairs")).to_contain_text(f"{counted.people} / {counted.threshold}（20")
    expect(page.locator("#work .pairs")).to_contain_text("统计，至多每小时一次")
    for pack in catalogue.packs():
        expect(page.locator("#work")).to_contain_text(pack.purpose_zh)
        expect(page.locator("tr", has_text=pack.licence).first).to_be_visible()
    shoot(page, "console-health-zh")
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("#language").click()
    expect(page.locator("#work .panel header .badge")).to_have_text("all is well")
    shoot(page, "console-health-mobile-en")
    page.locator("nav a[href='#policy']").click()
    expect(page.locator("figure svg").first).to_be_visible()
    shoot(page, "console-policy-mobile-en")
