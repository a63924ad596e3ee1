"""What is sent again, when, and under which key; over scripted answers."""

import asyncio
import random
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api.client import (
    AnswerUnusable,
    AsyncClient,
    Captures,
    Card,
    Client,
    Conflict,
    Invalid,
    LimitReached,
    NotAllowed,
    NotFound,
    RenzhengError,
    Retrying,
    ServiceFailed,
    Unreachable,
)
from api.client.answers import Nonce
from api.client.clock import Clock
from api.client.retrying import asked_to_wait_s
from tests.api.client.sides import KEY, URL, Kind, Script, error, opened
from tests.api.client.told import LOST, NOW, PASSED, nonce

BUSY: Any = {"retryable": True, "headers": {"Retry-After": "3"}}
DONE = httpx.Response(201, json=LOST)


class Ticking:
    """A clock that goes on by so many seconds whenever it is looked at."""

    def __init__(self, each_s: float = 0.0) -> None:
        self._each_s, self._now_s = each_s, 0.0

    def __call__(self) -> float:
        self._now_s += self._each_s
        return self._now_s


@pytest.mark.parametrize(
    "trouble",
    [
        error(503, "service_overloaded", **BUSY),
        error(500, "internal", retryable=True),
        error(400, "body_incomplete", retryable=True),
        error(429, "rate_limited", **BUSY),
        httpx.Response(502, text="<html>bad gateway</html>"),
        httpx.ReadTimeout("no answer"),
        httpx.ConnectError("refused"),
        httpx.RemoteProtocolError("cut"),
    ],
    ids=str,
)
def test_it_is_sent_again_the_same_under_the_same_key(kind: Kind, trouble: Any) -> None:
    script = Script(trouble, trouble, DONE)
    with opened(kind, over=script) as side:
        answer = side.report_card(LOST["card_id"], "reported_lost")
    assert str(answer.id) == LOST["id"]
    assert len(script.seen) == 3
    assert len(set(script.keys)) == 1
    assert script.keys[0]
    assert len({request.content for request in script.seen}) == 1
    assert len(side.paused) == 2


def test_two_acts_have_two_keys_and_a_given_one_is_kept(kind: Kind) -> None:
    script = Script(DONE)
    with opened(kind, over=script) as side:
        for _ in range(2):
            side.report_card(LOST["card_id"], "reported_lost")
        side.report_card(LOST["card_id"], "reported_lost", idempotency_key="mine-1")
        side.request("GET", "/v1/standing")
    first, second, third, reading = script.keys
    assert first != second
    assert (third, reading) == ("mine-1", None)


def test_pauses_double_are_drawn_and_add_to_what_the_service_asks(kind: Kind) -> None:
    drawn: list[float] = []

    def draw(low: float, high: float) -> float:
        drawn.append(high)
        return (low + high) / 2

    away, busy = httpx.ConnectError("refused"), error(503, "service_busy", **BUSY)
    script = Script(away, busy, away, away, DONE)
    with opened(kind, over=script, retrying=Retrying(first_pause_s=1, longest_pause_s=3, draw=draw)) as side:
        side.report_card(LOST["card_id"], "reported_lost")
    assert drawn == [1, 2, 3, 3]
    assert side.paused == [0.5, 3 + 1, 1.5, 1.5]


def test_jitter_spreads_and_stays_below_the_limit() -> None:
    chance = random.Random(1)
    retrying = Retrying(tries=99, first_pause_s=1, longest_pause_s=8, give_up_after_s=1e9, draw=chance.uniform)
    pauses = [retrying.pause_s(Unreachable("x"), 10, 0) or 0.0 for _ in range(200)]
    assert min(pauses) < 1 < 7 < max(pauses) <= 8


@pytest.mark.parametrize(
    ("status", "code", "kind_of"),
    [
        (422, "nonce_expired", Invalid),
        (401, "key_invalid", NotAllowed),
        (403, "not_allowed", NotAllowed),
        (404, "not_found", NotFound),
        (409, "idempotency_key_reused", Conflict),
        (503, "models_unavailable", ServiceFailed),
    ],
)
def test_what_will_not_pass_is_not_sent_again(kind: Kind, status: int, code: str, kind_of: type[RenzhengError]) -> None:
    script = Script(error(status, code, details=[{"field": "body.nonce", "code": code}]))
    with opened(kind, over=script) as side, pytest.raises(kind_of) as caught:
        side.report_card(LOST["card_id"], "reported_lost")
    problem = caught.value
    assert (problem.code, problem.http, problem.retryable) == (code, status, False)
    assert (problem.message.zh, problem.operator.en) == ("请稍候", "try again")
    assert getattr(problem, "request_id", "") == "0123456789abcdef"
    assert f"body.nonce: {code}" in str(problem)
    assert [problem.idempotency_key] == script.keys


def test_a_bad_picture_is_not_sent_again_although_another_may_do(kind: Kind) -> None:
    script = Script(error(422, "image_truncated", retryable=True))
    with opened(kind, over=script) as side, pytest.raises(Invalid) as caught:
        side.report_card(LOST["card_id"], "reported_lost")
    assert (len(script.seen), caught.value.retryable) == (1, True)


def test_it_gives_up_and_tells_the_key_to_go_on_with(kind: Kind) -> None:
    script = Script(httpx.ReadTimeout("no answer"))
    with opened(kind, over=script, retrying=Retrying(tries=3)) as side, pytest.raises(Unreachable) as caught:
        side.report_card(LOST["card_id"], "reported_lost")
    problem = caught.value
    assert len(script.seen) == 3
    assert (problem.code, problem.http, problem.retryable) == ("unreachable", None, True)
    assert problem.idempotency_key == script.keys[0]
    assert "ReadTimeout" in str(problem)


def test_it_gives_up_when_the_time_is_over(kind: Kind) -> None:
    script = Script(error(503, "service_busy", retryable=True))
    clock = Clock(ticks=Ticking(4.0))
    retrying = Retrying(tries=100, give_up_after_s=10, draw=lambda _, high: high)
    with opened(kind, over=script, retrying=retrying, clock=clock) as side, pytest.raises(ServiceFailed):
        side.report_card(LOST["card_id"], "reported_lost")
    assert len(script.seen) == 3
    assert len(side.paused) == 2


def test_it_does_not_wait_for_longer_than_it_may(kind: Kind) -> None:
    script = Script(error(429, "rate_limited", retryable=True, headers={"Retry-After": "3600"}))
    with opened(kind, over=script) as side, pytest.raises(LimitReached) as caught:
        side.report_card(LOST["card_id"], "reported_lost")
    assert (len(script.seen), side.paused, caught.value.retry_after_s) == (1, [], 3600)


def test_waiting_until_a_time_counts_by_the_services_clock() -> None:
    date, until = "Sun, 22 Nov 2026 08:00:00 GMT", "Sun, 22 Nov 2026 08:00:07 GMT"
    assert asked_to_wait_s(until, date) == 7
    assert asked_to_wait_s(date, until) == 0
    assert asked_to_wait_s("soon", date) is None
    assert asked_to_wait_s("-1", date) is None


@pytest.mark.parametrize(
    ("answer", "http"),
    [
        (httpx.Response(200, text="<html>sign in to the network</html>"), 200),
        (httpx.Response(200, json=[]), 200),
        (httpx.Response(200, json={"id": "no identifier"}), 200),
        (httpx.Response(200, content=b'{"id": 1, "id": 2}'), 200),
        (httpx.Response(200, content=b"[" * 100_000), 200),
        (httpx.Response(404, text="nothing here"), 404),
        (httpx.Response(302, headers={"Location": "https://elsewhere.example/"}), 302),
    ],
    ids=str,
)
def test_answers_of_something_else_are_told_apart(kind: Kind, answer: httpx.Response, http: int) -> None:
    script = Script(answer)
    with opened(kind, over=script) as side, pytest.raises(AnswerUnusable) as caught:
        side.report_card(LOST["card_id"], "reported_lost")
    assert (caught.value.http, len(script.seen)) == (http, 1), "a redirect would take the key along"
    assert "no identifier" not in str(caught.value), "an answer's content is nobody's"


CARD = Card("11010519491231002X", "北京市公安局", NOW.date(), None)


def test_the_person_is_captured_anew_where_the_nonce_ran_out(kind: Kind) -> None:
    script = Script(nonce("first"), error(422, "nonce_expired"), nonce("second"), PASSED)
    shots: list[str] = []

    def take(given: Any) -> Captures:
        shots.append(given.nonce)
        return Captures(face=given.nonce.encode())

    async def take_slowly(given: Any) -> Captures:
        return take(given)

    with opened(kind, over=script) as side:
        answer = side.attend(CARD, take if kind == "sync" else take_slowly, purpose="test")
    assert answer.decision == "PASS"
    assert shots == ["first", "second"]
    first, second = (script.bodies[1] if number == 1 else script.bodies[3] for number in (1, 3))
    assert (first["nonce"], second["nonce"]) == ("first", "second")
    assert first["captures"] != second["captures"], "old pictures under a new nonce would be a lie"
    assert script.keys[1] != script.keys[3], "another request"
    assert (script.keys[0], second["card"]["valid_to"]) == (None, "长期")


def test_it_stops_where_nonces_never_hold(kind: Kind) -> None:
    script = Script(*[one for number in range(3) for one in (nonce(str(number)), error(422, "nonce_expired"))])
    with opened(kind, over=script) as side, pytest.raises(Invalid, match="nonce_expired"):
        side.attend(CARD, lambda _: Captures(face=b"x"), purpose="test")
    assert len(script.seen) == 6


def test_other_refusals_capture_nobody_anew(kind: Kind) -> None:
    script = Script(nonce("1"), error(409, "capture_duplicate"))
    with opened(kind, over=script) as side, pytest.raises(Conflict):
        side.attend(CARD, lambda _: Captures(face=b"x"), purpose="test")
    assert len(script.seen) == 2


def test_what_a_camera_raises_comes_out(kind: Kind) -> None:
    def take(_: Any) -> Captures:
        raise OSError("the camera is unplugged")

    with opened(kind, over=Script(nonce("1"))) as side, pytest.raises(OSError, match="unplugged"):
        side.attend(CARD, take, purpose="test")


@pytest.mark.parametrize("behind", [timedelta(hours=8), timedelta(minutes=-10), timedelta(0)], ids=str)
def test_a_wrong_clock_spoils_no_capture(kind: Kind, behind: timedelta) -> None:
    """The stamp is told by the service's clock, as the nonce showed it."""
    clock = Clock(wall=lambda: NOW - behind)
    script = Script(nonce("1"), PASSED)
    taken = Captures(face=b"x", taken_at=NOW - behind + timedelta(seconds=2))
    with opened(kind, over=script, clock=clock) as side:
        side.attend(CARD, lambda _: taken, purpose="test")
    told = datetime.fromisoformat(script.bodies[1]["captured_at"])
    assert told == NOW + timedelta(seconds=2)


def test_a_stamp_needs_its_offset() -> None:
    with pytest.raises(ValueError, match="offset"):
        Captures(face=b"x", taken_at=datetime(2026, 11, 22, 8, 0))  # noqa: DTZ001


def created(request: httpx.Request) -> int:
    told = request.headers["signature-input"]
    return int(told.partition("created=")[2].partition(";")[0])


def test_every_repetition_is_signed_anew(kind: Kind) -> None:
    script = Script(error(503, "service_busy", retryable=True), DONE)
    with opened(kind, over=script, signing_key=Ed25519PrivateKey.generate()) as side:
        side.report_card(LOST["card_id"], "reported_lost")
    first, second = (request.headers["signature-input"] for request in script.seen)
    assert first != second, "a signature is good once"
    assert '"idempotency-key"' in first


def test_a_signature_by_a_wrong_clock_is_made_again_by_the_services(kind: Kind) -> None:
    """Once: a service that goes on saying so is believed."""
    date: Any = {"headers": {"Date": "Sun, 22 Nov 2026 08:00:00 GMT"}}
    script = Script(error(401, "signature_expired", **date), DONE)
    clock = Clock(wall=lambda: NOW - timedelta(hours=1))
    with opened(kind, over=script, clock=clock, signing_key=Ed25519PrivateKey.generate()) as side:
        side.report_card(LOST["card_id"], "reported_lost")
        assert [created(one) for one in script.seen] == [(NOW - timedelta(hours=1)).timestamp(), NOW.timestamp()]
    assert side.paused == []
    script = Script(error(401, "signature_expired", **date))
    with opened(kind, over=script, signing_key=Ed25519PrivateKey.generate()) as side, pytest.raises(NotAllowed):
        side.report_card(LOST["card_id"], "reported_lost")
    assert len(script.seen) == 2


def test_neither_key_nor_card_is_shown(kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    shown: list[str] = [repr(CARD), repr(Captures(face=b"a face"))]
    for trouble in (httpx.ReadTimeout("no answer"), error(401, "key_invalid"), httpx.Response(200, text="?")):
        with opened(kind, over=Script(trouble), retrying=Retrying(tries=2)) as side:
            with pytest.raises(RenzhengError) as caught:
                side.find_cards(CARD.number)
            shown += [repr(side.client), repr(side.client.core), str(caught.value), repr(caught.value)]
    shown += [caplog.text]
    assert not [text for text in shown if KEY in text or CARD.number in text or "a face" in text]


@pytest.mark.parametrize(
    "url", ["http://renzheng.example", "https://a:b@renzheng.example", "ftp://x", "renzheng.example", "https://x?y=1"]
)
def test_the_key_goes_nowhere_else(kind: Kind, url: str) -> None:
    with pytest.raises(ValueError, match=r"https|address") as caught:
        (Client if kind == "sync" else AsyncClient)(url, KEY)
    assert KEY not in str(caught.value)


def test_no_proxy_stands_before_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would get the key in the clear; before other machines there is TLS."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with Client("http://127.0.0.1", KEY) as near, Client("https://renzheng.example", KEY) as far:
        assert near._http._mounts == {}
        assert far._http._mounts != {}


@pytest.mark.parametrize("key", ["", " ", "钥匙", "a\nb"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="no key"):
        Client("https://renzheng.example", key)


ODD_TIMES = ("9999-12-31T23:59:59.999999+00:00", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+14:00")


@pytest.mark.parametrize("at", ODD_TIMES)
def test_a_nonce_of_no_time_ends_in_an_error_of_the_clients(kind: Kind, at: str) -> None:
    """It sets the clock, and what is added to it left the calendar."""
    told = {**nonce("a").json(), "issued_at": at}
    with opened(kind, over=Script(httpx.Response(201, json=told))) as side, pytest.raises(AnswerUnusable, match="time"):
        side.nonce()


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 -1200", "Wed, 01 Jan 3000 00:00:00 GMT"])
def test_a_date_of_no_time_does_not_set_the_clock(kind: Kind, date: str) -> None:
    script = Script(error(401, "signature_expired", headers={"date": date}))
    with (
        opened(kind, over=script, signing_key=Ed25519PrivateKey.generate()) as side,
        pytest.raises(NotAllowed, match="signature_expired"),
    ):
        side.report_card(LOST["card_id"], "reported_lost")
    assert len(script.seen) == 1


@pytest.mark.parametrize("path", ["@evil.example/v1/me", ":99/v1/me", ".evil.example/", "v1/me", ""])
def test_a_path_cannot_name_another_host(kind: Kind, path: str) -> None:
    """The key would go there."""
    with opened(kind, over=Script(httpx.Response(200, json={}))) as side, pytest.raises(ValueError, match="path"):
        side.request("GET", path)


@pytest.mark.parametrize("key", ["", "a b", "a\nb", "\u00e9", "a" * 129])
def test_what_is_no_key_is_not_sent(kind: Kind, key: str) -> None:
    script = Script(DONE)
    with opened(kind, over=script) as side, pytest.raises(ValueError, match="idempotency key"):
        side.report_card(LOST["card_id"], "reported_lost", idempotency_key=key)
    assert script.seen == []


def test_a_task_that_is_cancelled_leaves_the_client_as_it_was() -> None:
    """While it waits for an answer, for its pause, and for the captures; the next request goes through, and the act is
    gone on with under the key that was given."""

    async def cancelled(work: Coroutine[Any, Any, Any], begun: asyncio.Event) -> None:
        task = asyncio.ensure_future(work)
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def walk() -> None:
        begun, keys = asyncio.Event(), []

        async def answer(request: httpx.Request) -> httpx.Response:
            keys.append(request.headers.get("idempotency-key"))
            if len(keys) == 1:
                begun.set()
                await asyncio.Event().wait()
            return nonce("a") if request.url.path == "/v1/captures" else DONE

        async def take(_: Nonce) -> Captures:
            begun.set()
            await asyncio.Event().wait()
            raise AssertionError

        async with AsyncClient(URL, KEY, transport=httpx.MockTransport(answer)) as client:
            asked = LOST["card_id"], "reported_lost"
            await cancelled(client.report_card(*asked, idempotency_key="mine"), begun)  # type: ignore[arg-type]
            told = await client.report_card(*asked, idempotency_key="mine")  # type: ignore[arg-type]
            assert str(told.id) == LOST["id"]
            assert keys == ["mine", "mine"]
            begun.clear()
            await cancelled(client.attend(CARD, take, purpose="test"), begun)
            assert len(keys) == 3

    asyncio.run(walk())
