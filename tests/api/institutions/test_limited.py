"""What is administered counts against the asker's requests per minute."""

from uuid import uuid4

from fastapi import FastAPI

from api.institutions.roles import Role
from tests.api.http.answers import assert_error
from tests.api.institutions.conftest import House, me

ROOMS = ("/v1/me", "/v1/institutions", "/v1/principals", "/v1/alerts")
READS = {"get", "head", "options"}


def test_every_act_takes_from_the_bucket_before_anything_else(app: FastAPI, bank: House) -> None:
    """Whatever was asked: rights, bodies and objects are looked at only where there was room for a request."""
    asker = bank.client(Role.OPERATOR, requests_per_minute=1)
    identifiers = {"institution_id", "principal_id", "key_id", "alert_id"}
    writing = [
        (method, path.format(**dict.fromkeys(identifiers, str(uuid4()))))
        for path, methods in app.openapi()["paths"].items()
        if path.startswith(ROOMS)
        for method in methods.keys() - READS
    ]
    assert len(writing) == 8
    me(asker)
    assert_error(
        asker.request("POST", "/v1/principals", json={"name": "a", "role": "terminal"}), 403, "role_not_allowed"
    )
    for method, path in writing:
        assert_error(asker.request(method, path), 429, "rate_limited")
    me(asker)
