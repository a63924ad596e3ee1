"""Images at the door, through the real decoder: each fault has its code, names the capture, and writes nothing."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import func, select
from starlette.testclient import TestClient

from api.institutions.roles import Role
from api.service import Service
from api.storage.tables import cards, evidence
from tests.api.bodies import fresh, fresh_key, new_card, registration, verification
from tests.api.conftest import NewClient
from tests.api.decoding import DecodingComparer
from tests.api.http.answers import assert_error
from tests.api.pictures import BROKEN, noise, sound, written

CASES = [pytest.param(picture, code, id=name) for name, (picture, code) in BROKEN.items()]


@pytest.fixture(scope="module")
def decoding(service: Service) -> Service:
    return replace(service, comparer=DecodingComparer())


@pytest.fixture
def client(decoding: Service, new_client: NewClient) -> TestClient:
    return new_client(service=decoding)


@pytest.fixture
def registrar(decoding: Service, new_client: NewClient) -> TestClient:
    return new_client(Role.AUTHORITY, service=decoding)


def rows(service: Service) -> tuple[int, int]:
    with service.database.begin() as connection:
        made = connection.execute(select(func.count()).select_from(cards)).scalar_one()
        # Not of acts, which the service's clocks record too.
        told = connection.execute(select(func.count()).where(evidence.c.kind != "administration")).scalar_one()
    return made, told


@pytest.mark.parametrize(("picture", "code"), CASES)
def test_a_broken_face(client: TestClient, registrar: TestClient, service: Service, picture: bytes, code: str) -> None:
    before = rows(service)
    registered = registrar.post("/v1/cards", json=registration(new_card(), face=picture))
    verified = client.post("/v1/verifications", json=fresh(client, new_card(), face=picture), headers=fresh_key())
    for answer in (registered, verified):
        assert assert_error(answer, 422, code)["details"] == [{"field": "face", "code": code}]
    assert rows(service) == before


@pytest.mark.parametrize(("picture", "code"), CASES)
def test_a_broken_finger(client: TestClient, picture: bytes, code: str) -> None:
    body = fresh(client, new_card(), face=sound(), fingers={"left_thumb": picture})
    answer = client.post("/v1/verifications", json=body, headers=fresh_key())
    assert assert_error(answer, 422, code)["details"] == [{"field": "left_thumb", "code": code}]


@pytest.mark.parametrize("name", ["no bytes", "words", "half a jpeg", "bomb"])
def test_a_broken_chip_photograph(client: TestClient, name: str) -> None:
    picture, code = BROKEN[name]
    body = fresh(client, new_card(), face=sound(), chip_photo=picture)
    answer = client.post("/v1/verifications", json=body, headers=fresh_key())
    assert assert_error(answer, 422, code)["details"] == [{"field": "chip_photo", "code": code}]


def test_twenty_megabytes_are_more_than_a_request_may_have(client: TestClient) -> None:
    picture = written(Image.fromarray(noise(2600, 2600)), "BMP")
    assert len(picture) > 20_000_000
    answer = client.post("/v1/verifications", json=verification(new_card(), face=picture), headers=fresh_key())
    assert_error(answer, 413, "body_too_large")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "JPEG2000"])
def test_sound_pictures_are_taken(client: TestClient, kind: str) -> None:
    body = fresh(client, new_card(), face=sound(kind), fingers={"right_index": sound(kind)})
    answer = client.post("/v1/verifications", json=body, headers=fresh_key())
    assert (answer.status_code, answer.json()["decision"]) == (200, "REVIEW")


def test_grey_and_black_and_white_are_taken(client: TestClient) -> None:
    for picture in (Image.fromarray(noise(64, 64, 1)[:, :, 0]), Image.fromarray(np.eye(64, dtype=bool))):
        body = fresh(client, new_card(), face=written(picture, "PNG"))
        assert client.post("/v1/verifications", json=body, headers=fresh_key()).status_code == 200
