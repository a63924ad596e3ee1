"""The service does what its OpenAPI document says, whatever the document allows or forbids; see `contract.py`.

Every answer has a documented status and form and is no failure of the service; what the schemas forbid is refused, and
so is who brings no key.
"""

import functools
import os
import sys
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import update

from api.institutions.roles import Role
from api.service import Service
from api.storage import tables
from tests.api.http import contract
from tests.api.test_objects import BANK, BUREAU, World

EXAMPLES = 12
# The same requests each time, so that what is found is found again; `CONTRACT_SEED` looks elsewhere.
SEED = int(os.environ.get("CONTRACT_SEED", "20261122"))
HOUSES = {Role.TERMINAL: BANK, Role.AUTHORITY: BUREAU, Role.SUPERVISOR: BANK}


def _say_why(service: Service, alert_id: str) -> None:
    told = {"failures": 3, "locked_until": "2026-11-22T09:00:00+08:00", "verifications": []}
    with service.database.begin() as connection:
        connection.execute(update(tables.alerts).where(tables.alerts.c.id == UUID(alert_id)).values(details=told))


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("role", HOUSES)
def test_every_route_keeps_to_the_document(
    app: FastAPI, service: Service, role: Role, capsys: pytest.CaptureFixture[str]
) -> None:
    house, seed = HOUSES[role], SEED
    world = World(app, service)

    @functools.cache
    def known(name: str) -> str | None:
        if name == "key_id":
            return world.key_of(str(known("principal_id")))
        make = getattr(world, name.removesuffix("_id"), None)
        made = None if make is None else str(make(house))
        if name == "alert_id":
            _say_why(service, str(made))
        return made

    strict, client = contract.strict(service), world.client(house, role)
    outcome = contract.run(strict, client, role, known, seed=seed, examples=EXAMPLES)
    with capsys.disabled():
        sys.stdout.write(f"\n{role}: {outcome.requests} requests, answered {sorted(outcome.statuses.items())}\n")
    assert outcome.requests > 1000
    assert outcome.statuses[200] > 50, "some requests have to get past the door"
    assert not outcome.failures, "\n\n".join(f"{what} (seed {seed})\n{why}" for what, why in outcome.failures.items())
