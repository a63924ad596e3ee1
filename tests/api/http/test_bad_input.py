"""Bad input at the door: a status, a code, two languages, and never what was sent."""

import base64
import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from starlette.testclient import TestClient

from api.cards.text_block import build
from tests.api.bodies import Json, encoded, fresh, fresh_key, new_card, registration, verification
from tests.api.cards.test_text_block import TEXT
from tests.api.http.answers import MARK, assert_error
from tests.api.http.test_openapi import BODIES

NUL, SURROGATE = f"{MARK}\0", f"{MARK}\ud800"
NUMBER = "11010519491231002X"
Path = tuple[str | int, ...]


def changed(body: Json, path: Path, value: Any) -> Json:
    """The body with one value replaced."""
    place: Any = body
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return body


def chip(**changes: Any) -> str:
    return base64.b64encode(build(type(TEXT)(**{**vars(TEXT), **changes}))).decode()


def finger(**changes: Any) -> Json:
    return {"position": "right_index", "image": encoded("person:a"), **changes}


CARD: list[tuple[Path, Any, str]] = [
    (("number",), "110105194912310021", "number_check_digit"),
    (("number",), MARK, "number_invalid"),
    (("number",), "11010519491231002", "number_invalid"),
    (("number",), NUL, "number_invalid"),
    (("number",), SURROGATE, "number_invalid"),
    (("number",), 110105194912310021, "number_invalid"),
    (("number",), None, "number_invalid"),
    (("number",), [NUMBER], "number_invalid"),
    (("valid_to",), "2016-02-29", "valid_to_before_valid_from"),
    (("valid_to",), "永久", "day_invalid"),
    (("valid_to",), "2036-02-30", "day_invalid"),
    (("valid_from",), "长期", "day_invalid"),
    (("valid_from",), "2016-3-1", "day_invalid"),
    (("valid_from",), 20160301, "day_invalid"),
    (("valid_from",), 1456790400, "day_invalid"),
    (("valid_from",), None, "day_invalid"),
    (("valid_from",), "0000-00-00", "day_invalid"),
    (("valid_from",), "２０１６０３０１", "day_invalid"),
    (("issuer",), "", "request_invalid"),
    (("issuer",), " \u3000", "request_invalid"),
    (("issuer",), "长" * 61, "request_invalid"),
    (("issuer",), NUL, "request_invalid"),
    (("issuer",), SURROGATE, "request_invalid"),
    (("issuer",), 7, "request_invalid"),
    (("type",), "foreign_permanent_resident", "card_type_unsupported"),
    (("type",), "hk_macao_taiwan_residence_permit", "card_type_unsupported"),
    (("type",), MARK, "card_type_unsupported"),
    (("type",), None, "card_type_unsupported"),
    (("type",), ["resident"], "card_type_unsupported"),
    (("serial",), "", "request_invalid"),
    (("serial",), NUL, "request_invalid"),
    (("serial",), 5, "request_invalid"),
    (("text",), "%%%", "base64_invalid"),
    (("text",), encoded(MARK), "card_text_invalid"),
    (("text",), base64.b64encode(b"\x00\xd8" * 128).decode(), "card_text_invalid"),
    (("text",), chip(), "card_text_inconsistent"),
    (("text",), 5, "base64_invalid"),
    (("extra",), MARK, "request_invalid"),
]
CAPTURES: list[tuple[Path, Any, str]] = [
    (("face",), None, "capture_missing"),
    (("face",), MARK, "request_invalid"),
    (("face",), {}, "request_invalid"),
    (("face", "image"), "%%%EchoMe", "base64_invalid"),
    (("face", "image"), "YWI", "base64_invalid"),
    (("face", "image"), "YWJj\n", "base64_invalid"),
    (("face", "image"), "YW-_", "base64_invalid"),
    (("face", "image"), "图像", "base64_invalid"),
    (("face", "image"), SURROGATE, "base64_invalid"),
    (("face", "image"), 5, "base64_invalid"),
    (("face", "image"), None, "base64_invalid"),
    (("face", "image"), ["YWJj"], "base64_invalid"),
    (("fingers",), None, "request_invalid"),
    (("fingers",), {"position": "right_index"}, "request_invalid"),
    (("fingers",), [finger(position="sixth_finger")], "finger_position_unknown"),
    (("fingers",), [finger(position=MARK)], "finger_position_unknown"),
    (("fingers",), [finger(position=2)], "finger_position_unknown"),
    (("fingers",), [finger(position=None)], "finger_position_unknown"),
    (("fingers",), [finger(position={})], "finger_position_unknown"),
    (("fingers",), [finger(), finger()], "finger_duplicate"),
    (("fingers",), [finger() for _ in range(11)], "request_invalid"),
    (("fingers",), [finger(dpi=0)], "dpi_invalid"),
    (("fingers",), [finger(dpi=99.9)], "dpi_invalid"),
    (("fingers",), [finger(dpi=2001)], "dpi_invalid"),
    (("fingers",), [finger(dpi=-500)], "dpi_invalid"),
    (("fingers",), [finger(dpi=1e400)], "dpi_invalid"),
    (("fingers",), [finger(dpi=float("nan"))], "dpi_invalid"),
    (("fingers",), [finger(dpi="500")], "request_invalid"),
    (("fingers",), [finger(dpi=True)], "request_invalid"),
    (("fingers",), [finger(image=encoded("x"), extra=1)], "request_invalid"),
    (("fingers",), [{"position": "right_index"}], "request_invalid"),
]
TOP: list[tuple[Path, Any, str]] = [
    (("card",), None, "request_invalid"),
    (("card",), [], "request_invalid"),
    (("card",), MARK, "request_invalid"),
    (("captures",), 5, "request_invalid"),
    (("channel",), "web", "request_invalid"),
    (("channel",), 1, "request_invalid"),
    (("purpose",), "", "purpose_invalid"),
    (("purpose",), "x" * 65, "purpose_invalid"),
    (("purpose",), "张三", "purpose_invalid"),
    (("purpose",), "opening 11010519491231002X", "purpose_invalid"),
    (("purpose",), "a110105", "purpose_invalid"),
    (("purpose",), NUL, "purpose_invalid"),
    (("purpose",), SURROGATE, "request_invalid"),
    (("nonce",), "EchoMe12\0", "request_invalid"),
    (("nonce",), "EchoMe12\udfff", "request_invalid"),
    (("captured_at",), MARK, "request_invalid"),
    (("decision",), "PASS", "request_invalid"),
]


def cases(prefix: str, rows: list[tuple[Path, Any, str]]) -> list[Any]:
    return [
        pytest.param((prefix, *path), value, code, id=f"{prefix}-{'.'.join(map(str, path))}-{index}-{code}")
        for index, (path, value, code) in enumerate(rows)
    ]


def send(client: TestClient, path: str, body: Any) -> Any:
    """As a terminal that writes any JSON there is: lone surrogates and NaN too."""
    content = json.dumps(body).encode()
    return client.post(path, content=content, headers={"Content-Type": "application/json", **fresh_key()})


@pytest.mark.parametrize(("path", "value", "code"), [*cases("card", CARD), *cases("captures", CAPTURES)])
def test_registrations(authority: TestClient, path: Path, value: Any, code: str) -> None:
    body = changed(registration(new_card()), path, value)
    assert_error(send(authority, "/v1/cards", body), 422, code)


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [*cases("card", CARD), *cases("captures", CAPTURES), *(pytest.param(*row) for row in TOP)],
)
def test_verifications(terminal: TestClient, path: Path, value: Any, code: str) -> None:
    body = changed(verification(new_card()), path, value)
    assert_error(send(terminal, "/v1/verifications", body), 422, code)


def test_the_chip_photograph_is_base64_too(terminal: TestClient) -> None:
    body = verification(new_card(), chip_photo="person:a")
    body["captures"]["chip_photo"] = "%%%"
    assert_error(send(terminal, "/v1/verifications", body), 422, "base64_invalid")


@pytest.mark.parametrize("field", ["card", "channel", "purpose", "captures", "captured_at", "nonce"])
def test_every_field_is_needed_and_named(terminal: TestClient, field: str) -> None:
    body = verification(new_card())
    del body[field]
    answer = assert_error(send(terminal, "/v1/verifications", body), 422, "request_invalid")
    assert answer["details"] == [{"field": f"body.{field}", "code": "field_missing"}]


def test_all_faults_are_named_at_once(terminal: TestClient) -> None:
    body = verification(new_card(number="1", type="other"), channel="web")
    answer = assert_error(send(terminal, "/v1/verifications", body), 422, "number_invalid")
    assert answer["details"] == [
        {"field": "body.card.number", "code": "number_invalid"},
        {"field": "body.card.type", "code": "card_type_unsupported"},
        {"field": "body.channel", "code": "request_invalid"},
    ]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("colour", "body.colour"),
        (NUMBER, "body.?"),
        ("王伟", "body.?"),
        ("\ud800", "body"),
        ("x" * 1000, "body.?"),
        ("", "body.?"),
    ],
)
def test_unknown_fields_are_named_only_when_they_are_names(terminal: TestClient, name: str, shown: str) -> None:
    body = verification(new_card()) | {name: 1}
    answer = assert_error(send(terminal, "/v1/verifications", body), 422, "request_invalid")
    # A name that is no text is a fault of the whole.
    code = "request_invalid" if shown == "body" else "field_unknown"
    assert answer["details"] == [{"field": shown, "code": code}]


def test_a_thousand_faults_are_answered_with_a_few(terminal: TestClient) -> None:
    body = verification(new_card()) | {f"x{index}": 1 for index in range(1000)}
    answer = assert_error(send(terminal, "/v1/verifications", body), 422, "request_invalid")
    assert 1 < len(answer["details"]) <= 20


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
PLACES: list[Path] = [
    ("card",),
    ("captures",),
    ("captures", "face"),
    ("captures", "face", "image"),
    ("captures", "fingers"),
    ("captures", "chip_photo"),
    ("channel",),
    ("purpose",),
    ("captured_at",),
    ("nonce",),
    *(("card", field) for field in ("number", "issuer", "valid_from", "valid_to", "serial", "type", "text")),
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.sampled_from(PLACES), ANYTHING)
def test_anything_anywhere_is_answered(terminal: TestClient, path: Path, value: Any) -> None:
    answer = send(terminal, "/v1/verifications", changed(fresh(terminal, new_card()), path, value))
    if answer.status_code != 200:
        assert_error(answer, 422, answer.json()["code"])


def whole_numbers(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        kinds = {field.annotation, *get_args(field.annotation)}
        if int in kinds:
            yield f"{model.__name__}.{name}", field
        inner = {one for kind in kinds for one in (kind, *get_args(kind))}
        for one in inner:
            if isinstance(one, type) and issubclass(one, BaseModel):
                yield from whole_numbers(one)


def test_a_truth_value_or_a_text_is_no_number_in_any_body() -> None:
    """Pydantic would take `true` for 1 and "5" for 5, which the document does not allow."""
    found = {name: field for model in BODIES.values() for name, field in whole_numbers(model)}
    assert "WebhookBody.after" in found
    assert [name for name, field in found.items() if not any(getattr(one, "strict", 0) for one in field.metadata)] == []
