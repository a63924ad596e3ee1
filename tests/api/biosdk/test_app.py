"""The service's door: MOSIP's form for everything, who is let in, and bodies that are none."""

import base64
import json
import logging
from dataclasses import replace
from importlib.metadata import version
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.biosdk.app import OPERATIONS, Door, create_app
from api.biosdk.engines import Engines
from api.biosdk.parameters import MAX_BRACKETS, MAX_QUOTES
from api.biosdk.statuses import Status
from api.errors import ServiceError
from api.operations.admission import Admission, Place
from tests.api.biosdk.mosip import GUARD, Mosip, face, finger, numbers, record, segment, wrapped

KEY = "a-key-of-more-than-sixteen-characters"
NAMES = ["init", *OPERATIONS]
UNSUPPORTED = ["segment", "convert-format"]


@pytest.fixture(scope="module")
def door(engines: Engines) -> Door:
    return Door(engines, GUARD)


def test_it_says_that_it_runs(mosip: Mosip) -> None:
    for path in ("/biosdk-service", "/biosdk-service/"):
        answer = mosip.http.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.text.startswith("Service is running... ")


def test_init_tells_what_there_is(mosip: Mosip, engines: Engines) -> None:
    found = mosip.ask("init", {"initParams": {"purpose": "registration"}})
    assert found["errors"] == []
    told = found["response"]
    assert set(told) == {
        "apiVersion", "sdkVersion", "supportedModalities", "supportedMethods", "otherInfo", "productOwner",
    }  # fmt: skip
    assert (told["apiVersion"], told["sdkVersion"]) == ("0.9", version("renzheng"))
    assert told["supportedModalities"] == ["FINGER", "FACE"]
    assert told["supportedMethods"] == {name: ["FINGER", "FACE"] for name in ("MATCH", "QUALITY_CHECK", "EXTRACT")}
    assert all(isinstance(value, str) for value in told["otherInfo"].values())
    assert told["otherInfo"]["faceEngine"] == engines.face.engine
    assert mosip.ask("init", {})["response"] == told
    assert mosip.ask("init", {"initParams": [1]})["errors"][0]["code"] == "BIOSDK_LIB_EXCEPTION"


@pytest.mark.parametrize("name", NAMES)
def test_a_slash_too_many_is_taken(mosip: Mosip, name: str) -> None:
    """MOSIP's client puts one before the name, also where the address ends with one."""
    inner = {"initParams": {}, "sample": record(face(50)), "gallery": [record(face(50))]}
    one, two = (mosip.http.post(f"/biosdk-service{slashes}{name}", json=wrapped(inner)) for slashes in ("/", "//"))
    assert one.status_code == two.status_code == 200
    assert one.json()["response"] == two.json()["response"]


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_is_not_done_here_is_told(mosip: Mosip, name: str) -> None:
    told = mosip.ask(name, {"sample": record(face(50))})
    assert [one["code"] for one in told["errors"]] == ["BIOSDK_LIB_EXCEPTION"]
    assert name in told["errors"][0]["message"]


@pytest.mark.parametrize("name", NAMES)
def test_another_specification_is_refused(mosip: Mosip, name: str) -> None:
    for body in (wrapped({}, "2.0"), {"request": "e30="}, {}):
        told = mosip.http.post(f"/biosdk-service/{name}", json=body)
        assert told.status_code == 200
        assert [one["code"] for one in told.json()["errors"]] == ["BIO_SDK_001"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"EchoMe",
        b"[]",
        b"\xff\xfe",
        b'{"version": "1.0"}',
        b'{"version": "1.0", "request": null}',
        b'{"version": "1.0", "request": "EchoMe*"}',
        b'{"version": "1.0", "request": "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"}',
        json.dumps({"version": "1.0", "request": base64.b64encode(b"EchoMe").decode()}).encode(),
        json.dumps({"version": "1.0", "request": base64.b64encode(b"[1]").decode()}).encode(),
        json.dumps({"version": "1.0", "request": base64.b64encode(b"[" * 3000).decode()}).encode(),
        json.dumps({"version": "1.0", "request": base64.b64encode(b"[" * 100_000).decode()}).encode(),
        json.dumps({"version": "1.0", "request": base64.b64encode(b'{"a": ' + b"9" * 5000 + b"}").decode()}).encode(),
    ],
    ids=lambda body: repr(body[:50]),
)
def test_a_body_that_is_none_is_refused(mosip: Mosip, body: bytes) -> None:
    for name in NAMES:
        answer = mosip.http.post(f"/biosdk-service/{name}", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 200
        assert answer.json()["response"] == ""
        assert [one["code"] for one in answer.json()["errors"]] == ["INVALID_REQUEST_BODY"] or b"version" not in body
        assert "EchoMe" not in answer.text


@pytest.mark.parametrize("inner", [b'{"a": [%s]}' % (b"{}," * MAX_BRACKETS), b'{"a": [%s]}' % (b'"",' * MAX_QUOTES)])
def test_structure_without_end_is_not_parsed(mosip: Mosip, inner: bytes) -> None:
    sound = inner.replace(b",]", b"]")
    json.loads(sound)
    body = {"version": "1.0", "request": base64.b64encode(sound).decode()}
    answer = mosip.http.post("/biosdk-service/match", json=body)
    assert answer.json()["errors"][0]["code"] == "INVALID_REQUEST_BODY"


def test_bodies_have_a_limit(mosip: Mosip) -> None:
    answer = mosip.http.post("/biosdk-service/match", json=wrapped({"a": "a" * GUARD.max_body_bytes}))
    assert answer.status_code == 413
    assert [one["code"] for one in answer.json()["errors"]] == ["body_too_large"]


def test_other_places_and_methods(mosip: Mosip) -> None:
    for method, path, status in (
        ("GET", "/biosdk-service/match", 405),
        ("POST", "/biosdk-service/other", 404),
        ("GET", "/", 404),
        ("GET", "/docs", 404),
        ("GET", "/openapi.json", 404),
        ("POST", "/v1/verifications", 404),
    ):
        answer = mosip.http.request(method, path)
        assert answer.status_code == status, path
        assert answer.json()["errors"][0]["code"] in {"not_found", "method_not_allowed"}


def test_a_key_is_asked_for_where_one_is_set(engines: Engines) -> None:
    guarded = Mosip(engines, replace(GUARD, key=KEY))
    assert KEY not in repr(replace(GUARD, key=KEY))
    for name in [*NAMES, *UNSUPPORTED]:
        for sent, code in (
            ([], "key_missing"),
            ([(b"Authorization", b"Basic abc")], "key_missing"),
            ([(b"Authorization", b"Bearer wrong")], "key_invalid"),
            ([(b"Authorization", "Bearer \u00e9".encode())], "key_invalid"),
        ):
            answer = guarded.http.post(f"/biosdk-service/{name}", json=wrapped({}), headers=sent)
            assert answer.status_code == 401
            assert [one["code"] for one in answer.json()["errors"]] == [code]
            assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert guarded.http.get("/biosdk-service").status_code == 200, "whether it runs may be seen by whoever watches"
    guarded.http.headers["Authorization"] = f"Bearer {KEY}"
    assert guarded.ask("init", {})["errors"] == []


def test_more_than_can_be_done_is_refused_at_once(mosip: Mosip, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whom the admission (`api.operations.admission`) does not let in gets 503, and when to come again."""

    def refuse(self: Admission, now: float) -> Place:
        raise ServiceError("service_overloaded", retry_after_s=7)

    monkeypatch.setattr(Admission, "enter", refuse)
    answer = mosip.http.post("/biosdk-service/match", json=wrapped({}))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert [one["code"] for one in answer.json()["errors"]] == ["service_overloaded"]


def test_whoever_was_let_in_leaves_again(mosip: Mosip, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    leave = Admission.leave

    def noted(self: Admission, place: Place, now: float, *, answered: bool) -> None:
        seen.append(answered)
        leave(self, place, now, answered=answered)
        assert self.inside == 0

    monkeypatch.setattr(Admission, "leave", noted)
    mosip.ask("init", {})
    mosip.http.post("/biosdk-service/match", content=b"EchoMe")
    assert seen == [True, False], "what was refused says nothing of the load"


@pytest.mark.parametrize("odd", [b"NaN", b"-Infinity", b"1e999"])
def test_numbers_that_cannot_be_sent_back_are_refused(mosip: Mosip, odd: bytes) -> None:
    inner = json.dumps({"sample": {**record(face(50)), "others": {"a": 5}}}).encode().replace(b'"a": 5', b'"a": ' + odd)
    body = {"version": "1.0", "request": base64.b64encode(inner).decode()}
    answer = mosip.http.post("/biosdk-service/extract-template", json=body)
    assert answer.status_code == 200
    assert [one["code"] for one in answer.json()["errors"]] == ["INVALID_REQUEST_BODY"]


def test_half_a_surrogate_pair_goes_back_as_it_came(mosip: Mosip) -> None:
    sample = {**record(face(50)), "others": {"a": "\ud800"}}
    assert mosip.done("extract-template", {"sample": sample})["others"] == {"a": "\ud800"}


def test_nothing_of_a_person_gets_into_a_log(mosip: Mosip, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sample = record(segment("FACE", b"EchoMe, no picture"), finger(60, "Left", "Thumb"))
    for name in NAMES:
        mosip.ask(name, {"sample": sample, "gallery": [sample]})
    for secret in ("Echo", base64.b64encode(b"Echo").decode()[:5], str(numbers(b"Echo"))[1:-1]):
        assert secret not in caplog.text
        assert not [one for one in caplog.records if secret in str(one.__dict__)]


# Anything that JSON can say, in places where MOSIP has something else.
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
SEGMENT = ("sample", "segments", 0)
PATHS: list[tuple[str | int, ...]] = [
    ("sample",),
    ("gallery",),
    ("gallery", 0),
    ("gallery", 0, "segments", 0, "bdb"),
    ("modalitiesToMatch",),
    ("sample", "segments"),
    SEGMENT,
    *((*SEGMENT, name) for name in ("bdb", "bdbInfo", "others")),
    *((*SEGMENT, "bdbInfo", name) for name in ("type", "subtype")),
]
BEGINNINGS = [
    b"FAC\x00010\0",
    b"FAC\x00030\0",
    b"FIR\x00010\0",
    b"FIR\x00020\0",
    b"FMR\x00 20\0",
    b"RZFT\1",
    b"RZMT\1",
    b"",
]


def statuses(door: Door, inner: Any) -> set[int]:
    """Of every operation, without HTTP around it."""
    told = [door.operate(operation, inner) for operation in OPERATIONS.values()]
    json.dumps(told, allow_nan=False)
    return {one["statusCode"] for one in told}


@settings(max_examples=150)
@given(st.sampled_from(PATHS), junk)
def test_whatever_is_sent_has_a_status(door: Door, path: tuple[str | int, ...], value: Any) -> None:
    person = record(finger(60, "Left", "Thumb"))
    inner: Any = json.loads(json.dumps({"sample": person, "gallery": [person], "modalitiesToMatch": ["FINGER"]}))
    place = inner
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert statuses(door, inner) <= set(Status) - {Status.UNKNOWN_ERROR}


@settings(max_examples=150)
@given(st.sampled_from([b"", *BEGINNINGS]), st.binary(max_size=80), st.sampled_from(["FACE", "FINGER"]))
def test_whatever_a_segment_holds_has_a_status(door: Door, beginning: bytes, rest: bytes, kind: str) -> None:
    sample, sound = record(segment(kind, beginning + rest)), record(face(50), finger(60))
    for inner in ({"sample": sample, "gallery": [sound]}, {"sample": sound, "gallery": [sample]}):
        assert statuses(door, inner) <= set(Status) - {Status.UNKNOWN_ERROR}


def test_the_application_has_no_documentation_and_no_database(engines: Engines) -> None:
    app = create_app(engines, GUARD)
    assert {route.path for route in app.routes if hasattr(route, "path")} == {
        "/biosdk-service", "/biosdk-service/",
        *(f"/biosdk-service{slashes}{name}" for slashes in ("/", "//") for name in (*NAMES, *UNSUPPORTED)),
    }  # fmt: skip
    assert not hasattr(app.state, "service")
