"""The alarm at the number of stored faces: told once, to the authorities, with what has to be done."""

import time
from collections.abc import Callable

import pytest
from sqlalchemy import select

from api.evidence import fsck
from api.institutions.roles import Role
from api.personal import faces
from api.personal.faces import KIND, FaceWatch, StoredFaces
from api.storage.tables import acts, alerts
from tests.api.bodies import fresh_key, new_card, register
from tests.api.conftest import NewClient
from tests.api.personal.retention.conftest import Town, town  # noqa: F401 - a fixture


def told(town: Town) -> list[str]:  # noqa: F811
    with town.service.database.begin() as connection:
        found = select(acts.c.act).where(acts.c.act.like("stored_faces_%")).order_by(acts.c.at)
        return list(connection.execute(found).scalars())


def test_the_number_is_told_once_when_it_is_reached(town: Town, new_client: NewClient) -> None:  # noqa: F811
    here = town.service
    watch = FaceWatch(here.database, here.keys, 2)
    card = new_card()
    first, _ = register(town.authority, card)
    register(town.authority, {**card, "valid_from": "2020-03-01"})
    register(town.authority, face=None, right_index="person:a")
    found = looked(watch)
    assert (found.people, found.threshold, found.reached) == (1, 2, False), "people with a face, not templates or cards"
    assert told(town) == []
    register(town.authority)
    assert looked(watch).reached
    assert looked(watch).reached
    assert told(town) == ["stored_faces_reached"], "once"
    (alert,) = [one for one in town.authority.get("/v1/alerts").json()["items"] if one["kind"] == KIND]
    assert alert["details"] == {"people": 2, "threshold": 2}
    with here.database.begin() as connection:
        assert len(connection.execute(select(alerts)).all()) == 1, "for those who register faces alone"
        assert fsck.check(connection, here.keys).findings == []
    closed = town.authority.post(f"/v1/alerts/{alert['id']}/close", json={"note": "filed"}, headers=fresh_key())
    assert closed.status_code == 200, closed.text
    erased = town.authority.post(f"/v1/cards/{first}/erasure", json={"ground": "order"}, headers=fresh_key())
    assert erased.status_code == 201, erased.text
    assert not looked(watch).reached
    register(town.authority)
    assert looked(watch).reached
    assert told(town) == ["stored_faces_reached", "stored_faces_below", "stored_faces_reached"]
    auditor = new_client(Role.REGULATOR, None, here)
    shown = auditor.get("/v1/standing").json()["faces"]
    assert shown["threshold"] == 100_000, "this replica's own, whose service has not counted here"
    assert shown["filing"]["zh"].startswith("存储的人脸")
    assert fsck_findings(town) == []


def looked(watch: FaceWatch) -> StoredFaces:
    assert watch.look()
    assert watch.found is not None
    return watch.found


def test_one_replica_counts_at_a_time(town: Town) -> None:  # noqa: F811
    here = town.service
    watch = FaceWatch(here.database, here.keys, 2)
    before = looked(watch)
    with here.database.begin() as connection:
        assert connection.execute(faces._ALONE).scalar_one()
        assert not watch.look()
    assert watch.found is before, "what it counted before stands"
    assert looked(watch).at > before.at


def test_a_large_register_is_counted_later_and_more_rarely(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    here = town.service
    small = FaceWatch(here.database, here.keys, 2)
    small.start()
    assert within(lambda: small.found is not None), "a small one at once"
    small.stop()
    monkeypatch.setattr(faces, "LARGE", -2)  # the server says -1 of a table that it never looked at
    large = FaceWatch(here.database, here.keys, 2)
    assert large._first_pause_s() == faces.LATER_S
    large.start()
    assert not within(lambda: large.found is not None, 0.5)
    large.stop()
    assert faces.pause_after(3.0) == 3600.0
    assert faces.pause_after(90.0) == 9000.0


def within(what: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not what() and time.monotonic() < deadline:
        time.sleep(0.01)
    return what()


def fsck_findings(town: Town) -> list[str]:  # noqa: F811
    return town.fsck().findings
