"""Signed requests: whatever is changed on the way, sent again or sent late is refused."""

import base64
import json
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from starlette.datastructures import Headers
from starlette.testclient import TestClient

from api.client import signing
from api.errors import ServiceError
from api.http import signatures
from api.http.signatures import SignedRequest
from api.institutions import credentials, principals
from api.institutions.roles import Role
from api.service import Service
from api.storage import tables
from tests.api.bodies import fresh_key, new_card, registration
from tests.api.clients import KeyedClient
from tests.api.http.answers import assert_error

DOCUMENT = Path(__file__).parents[3] / "docs" / "institutions.md"
Headers_ = dict[str, str]


class Signer:
    """An authority whose key has a public key; signs what it is told to, and sends what it is told to."""

    def __init__(self, app: FastAPI, service: Service) -> None:
        self.private = Ed25519PrivateKey.generate()
        public = self.private.public_key().public_bytes_raw()
        with service.database.begin() as connection:
            made = principals.add(
                connection, service.keys, secrets.token_hex(8), "registry", Role.AUTHORITY, public_key=public
            )
        self.id, self.key = made.id, made.key
        self.http = KeyedClient(app, headers={"Authorization": f"Bearer {made.key}"}, raise_server_exceptions=False)

    def signed(self, method: str, url: str, body: bytes = b"", headers: Headers_ | None = None, **how: Any) -> Headers_:
        given = {"Content-Type": "application/json"} | (headers or {})
        return given | signing.sign(how.pop("key", self.private), method, url, given, body, **how)

    def send(self, method: str, url: str, body: bytes, headers: Any) -> Any:
        return self.http.request(method, url, content=body, headers=headers)


@pytest.fixture
def signer(app: FastAPI, service: Service) -> Signer:
    return Signer(app, service)


def a_card() -> bytes:
    return json.dumps(registration(new_card())).encode()


def nothing_registered(service: Service, signer: Signer) -> bool:
    with service.database.begin() as connection:
        found = select(func.count()).where(tables.cards.c.registered_by == signer.id)
        return connection.execute(found).scalar_one() == 0


@pytest.mark.parametrize("url", ["/v1/me", "/v1/me?a=1&b=%20x", "/v1/me?"])
def test_a_signed_request_is_answered(signer: Signer, url: str) -> None:
    answer = signer.send("GET", url, b"", signer.signed("GET", url))
    assert answer.status_code == 200, answer.text
    assert answer.json()["key"]["signed_by"] == credentials.fingerprint(signer.private.public_key().public_bytes_raw())


def test_a_signed_body_is_taken(signer: Signer) -> None:
    body, key = a_card(), {"Idempotency-Key": secrets.token_hex(8)}
    first = signer.send("POST", "/v1/cards", body, signer.signed("POST", "/v1/cards", body, key))
    assert first.status_code == 201, first.text
    # Signed anew under the same idempotency key: the same answer.
    again = signer.send("POST", "/v1/cards", body, signer.signed("POST", "/v1/cards", body, key))
    assert again.json() == first.json()


def test_without_a_signature_nothing_is_answered(signer: Signer, service: Service) -> None:
    assert_error(signer.http.get("/v1/me"), 401, "signature_missing")
    answer = signer.send("POST", "/v1/cards", a_card(), {"Content-Type": "application/json"})
    assert_error(answer, 401, "signature_missing")
    assert nothing_registered(service, signer)


Tamper = Callable[[Headers_], Headers_]


def without(name: str) -> Tamper:
    return lambda headers: {one: value for one, value in headers.items() if one != name}


def with_(name: str, change: Callable[[str], str]) -> Tamper:
    return lambda headers: headers | {name: change(headers[name])}


TAMPERED: dict[str, Tamper] = {
    "other idempotency key": with_("Idempotency-Key", lambda _: "another"),
    "no idempotency key": without("Idempotency-Key"),
    "an operator's key added": lambda headers: headers | {"Operator-Key": "rz_somebody"},
    "no signature": without("Signature"),
    "no signature input": without("Signature-Input"),
    "no digest": without("Content-Digest"),
    "truncated signature": with_("Signature", lambda value: value[:-8]),
    "truncated input": with_("Signature-Input", lambda value: value[:-8]),
    "truncated digest": with_("Content-Digest", lambda value: value[:-8]),
    "empty signature": with_("Signature", lambda _: ""),
    "empty input": with_("Signature-Input", lambda _: "sig=()"),
    "other label": with_("Signature", lambda value: "other" + value),
    "two labels": lambda headers: headers | {
        "Signature": headers["Signature"] + ", " + headers["Signature"].replace("sig=", "two=", 1),
        "Signature-Input": headers["Signature-Input"] + ", " + headers["Signature-Input"].replace("sig=", "two=", 1),
    },
    "other nonce": with_("Signature-Input", lambda value: re.sub(r'nonce="[^"]+"', 'nonce="0123456789abcdef"', value)),
    "no nonce": with_("Signature-Input", lambda value: re.sub(r';nonce="[^"]+"', "", value)),
    "other time": with_("Signature-Input", lambda value: re.sub(r"created=\d+", "created=1", value)),
    "time as text": with_("Signature-Input", lambda value: re.sub(r"created=(\d+)", r'created="\1"', value)),
    "time beyond time": with_("Signature-Input", lambda value: re.sub(r"created=\d+", f"created={10**15 - 1}", value)),
    "no time": with_("Signature-Input", lambda value: re.sub(r";created=\d+", "", value)),
    "other key": with_("Signature-Input", lambda value: re.sub(r'keyid="[^"]+"', 'keyid="0123456789abcdef"', value)),
    "other algorithm": with_("Signature-Input", lambda value: value.replace("ed25519", "hmac-sha256")),
    "uncovered body": with_("Signature-Input", lambda value: value.replace(' "content-digest"', "")),
    "uncovered method": with_("Signature-Input", lambda value: value.replace('"@method" ', "")),
    "uncovered query": with_("Signature-Input", lambda value: value.replace('"@query" ', "")),
    "signature of zeros": with_("Signature", lambda _: f"sig=:{'A' * 86}==:"),
    "no structured field": with_("Signature-Input", lambda _: "EchoMe \x7f ((("),
    "a weak digest": with_("Content-Digest", lambda _: "md5=:1B2M2Y8AsgTpgAmY7PhCfg==:"),
}  # fmt: skip


@pytest.mark.parametrize("how", TAMPERED)
def test_a_tampered_signature_is_refused(signer: Signer, service: Service, how: str) -> None:
    body = a_card()
    headers = signer.signed("POST", "/v1/cards", body, {"Idempotency-Key": secrets.token_hex(8)})
    changed = TAMPERED[how](headers)
    assert changed != headers
    assert_error(signer.send("POST", "/v1/cards", body, changed), 401, "signature_invalid")
    assert nothing_registered(service, signer)
    # What was tampered with did not use up the nonce: the request as signed still goes through.
    assert signer.send("POST", "/v1/cards", body, headers).status_code == 201


def test_another_body_path_method_or_query_is_refused(signer: Signer, service: Service) -> None:
    body = a_card()
    headers = signer.signed("POST", "/v1/cards", body)
    swapped = body.replace(b"2036-03-01", b"2037-03-01")
    assert swapped != body
    assert_error(signer.send("POST", "/v1/cards", swapped, headers), 401, "signature_invalid")
    # With a digest that fits the other body, which the signature does not cover then.
    digest = signer.signed("POST", "/v1/cards", swapped)["Content-Digest"]
    fitted = headers | {"Content-Digest": digest}
    assert_error(signer.send("POST", "/v1/cards", swapped, fitted), 401, "signature_invalid")
    assert_error(signer.send("POST", "/v1/me/key", body, headers), 401, "signature_invalid")
    assert_error(signer.send("POST", "/v1/cards?a=1", body, headers), 401, "signature_invalid")
    assert nothing_registered(service, signer)
    read = signer.signed("GET", "/v1/institutions?limit=1")
    assert_error(signer.send("POST", "/v1/institutions?limit=1", b"", read), 401, "signature_invalid")
    assert_error(signer.send("GET", "/v1/institutions?limit=2", b"", read), 401, "signature_invalid")


def test_a_replay_is_refused_under_every_key_of_the_principal(signer: Signer) -> None:
    headers = signer.signed("GET", "/v1/me")
    assert signer.send("GET", "/v1/me", b"", headers).status_code == 200
    assert_error(signer.send("GET", "/v1/me", b"", headers), 401, "signature_replayed")
    rotation = signer.signed("POST", "/v1/me/key", b"{}", fresh_key())
    new = signer.send("POST", "/v1/me/key", b"{}", rotation).json()
    signer.http.headers["Authorization"] = f"Bearer {new['key']}"
    assert_error(signer.send("GET", "/v1/me", b"", headers), 401, "signature_replayed")
    assert signer.send("GET", "/v1/me", b"", signer.signed("GET", "/v1/me")).status_code == 200


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (-3600, "signature_expired"),
        (-75, "signature_expired"),
        (-20, None),
        (45, None),
        (110, "signature_expired"),
        (3600, "signature_expired"),
    ],
)
def test_the_time_is_near(signer: Signer, seconds: int, code: str | None) -> None:
    headers = signer.signed("GET", "/v1/me", created=datetime.now(UTC) + timedelta(seconds=seconds))
    answer = signer.send("GET", "/v1/me", b"", headers)
    if code is None:
        assert answer.status_code == 200, answer.text
    else:
        assert_error(answer, 401, code)


def test_another_private_key_is_refused(signer: Signer) -> None:
    other = Ed25519PrivateKey.generate()
    assert_error(signer.send("GET", "/v1/me", b"", signer.signed("GET", "/v1/me", key=other)), 401, "signature_invalid")


def test_two_signature_headers_are_refused(signer: Signer) -> None:
    headers = list(signer.signed("GET", "/v1/me").items())
    for name in ("Signature", "Signature-Input"):
        doubled = [*headers, (name, dict(headers)[name])]
        assert_error(signer.send("GET", "/v1/me", b"", doubled), 401, "signature_invalid")


def test_a_short_nonce_is_refused(signer: Signer) -> None:
    headers = signer.signed("GET", "/v1/me", nonce="short")
    assert_error(signer.send("GET", "/v1/me", b"", headers), 401, "signature_invalid")


def test_a_covered_host_is_refused(signer: Signer) -> None:
    """The service does not know by which name it was called: what it cannot check it does not take for checked."""
    from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
    from http_message_signatures.algorithms import ED25519

    key_id = credentials.fingerprint(signer.private.public_key().public_bytes_raw())
    message = signing.Message("GET", "https://renzheng.invalid/v1/me", {})
    HTTPMessageSigner(
        signature_algorithm=ED25519,
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={key_id: signer.private}),
    ).sign(
        message,
        key_id=key_id,
        nonce=secrets.token_hex(16),
        body=b"",
        covered_component_ids=("@method", "@path", "@query", "@authority"),
    )
    assert_error(signer.send("GET", "/v1/me", b"", message.headers), 401, "signature_invalid")


def test_a_rotation_keeps_the_signatures(signer: Signer, service: Service) -> None:
    rotation = signer.signed("POST", "/v1/me/key", b"{}", fresh_key())
    new = signer.send("POST", "/v1/me/key", b"{}", rotation).json()
    signer.http.headers["Authorization"] = f"Bearer {new['key']}"
    assert_error(signer.http.get("/v1/me"), 401, "signature_missing")


def test_a_signature_under_a_plain_key_is_passed_over(authority: TestClient) -> None:
    answer = authority.get("/v1/me", headers={"Signature": "sig=:AA==:", "Signature-Input": "sig=()"})
    assert answer.status_code == 200


def test_a_key_that_needs_signatures_cannot_be_lent_to_a_counter(app: FastAPI, service: Service) -> None:
    with service.database.begin() as connection:
        bank = secrets.token_hex(8)
        terminal = principals.add(connection, service.keys, bank, "counter", Role.TERMINAL)
        lent = principals.add(
            connection, service.keys, bank, "teller", Role.OPERATOR, public_key=secrets.token_bytes(32)
        )
        plain = principals.add(connection, service.keys, bank, "other", Role.OPERATOR)
        caller = principals.authenticate(connection, terminal.key)
        assert caller is not None
        assert principals.attending(connection, lent.key, caller) is None
        assert principals.attending(connection, plain.key, caller) is not None


PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PRIVATE.public_key().public_bytes_raw()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["signature", "signature-input", "content-digest", "operator-key", "Idempotency-Key"]),
            st.text(st.characters(codec="latin-1"))
            | st.from_regex(
                r'sig=\("@method"( "@path")?\);created=[0-9]{1,19}', alphabet=st.characters(codec="latin-1")
            ),
        ),
        max_size=6,
    ),
    st.text(st.characters(codec="latin-1")),
    st.binary(max_size=64),
)
def test_no_headers_break_the_check(headers: list[tuple[str, str]], target: str, body: bytes) -> None:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    request = SignedRequest("POST", signing.ANY_HOST + "/" + target, Headers(raw=raw), body)
    with pytest.raises(ServiceError) as caught:
        signatures.check(PUBLIC, request)
    assert caught.value.code == "signature_invalid"


def test_the_worked_example_of_the_documentation() -> None:
    """The numbers of docs/institutions.md are those that this program makes and takes."""
    body = b'{"event":"reported_lost"}'
    path = "/v1/cards/0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11/events"
    made = signing.sign(
        PRIVATE,
        "POST",
        path,
        {"Idempotency-Key": "report-1"},
        body,
        created=datetime(2026, 11, 21, 1, 30, tzinfo=UTC),
        nonce="4fTqS1cXw0yQm2vB9rLk3A",
    )
    text = DOCUMENT.read_text(encoding="utf-8")
    for value in (*made.values(), PRIVATE.private_bytes_raw().hex(), PUBLIC.hex(), body.decode(), path):
        assert value in text, value
    base = re.search(r"```signature-base\n(.*?)\n```", text, re.DOTALL)
    assert base is not None
    raw = base64.b64decode(made["Signature"].removeprefix("sig=:").removesuffix(":"))
    PRIVATE.public_key().verify(raw, base[1].encode())
    request = SignedRequest("POST", signing.ANY_HOST + path, Headers({**made, "Idempotency-Key": "report-1"}), body)
    found = signatures.check(PUBLIC, request)
    assert datetime.fromtimestamp(found.created, UTC) == datetime(2026, 11, 21, 1, 30, tzinfo=UTC)


def test_a_signing_key_is_read_from_a_file(tmp_path: Path) -> None:
    def pem(key: Any, encryption: Any) -> bytes:
        made: bytes = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        return made

    plain = serialization.NoEncryption()
    file = tmp_path / "signing.pem"
    file.write_bytes(pem(PRIVATE, plain))
    assert signing.read_key(file).private_bytes_raw() == bytes(range(32))
    for content in (
        b"",
        b"no key",
        pem(X25519PrivateKey.generate(), plain),
        pem(PRIVATE, serialization.BestAvailableEncryption(b"secret")),
    ):
        file.write_bytes(content)
        with pytest.raises(signing.SigningKeyInvalid, match=r"signing\.pem holds"):
            signing.read_key(file)
