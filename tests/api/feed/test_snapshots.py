"""Snapshots: what is in them, one consistent look, made once and served alike, whole or from a byte on."""

import base64
import hashlib
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from fastapi import FastAPI
from sqlalchemy import select, text, update
from starlette.testclient import TestClient

from api.feed import records
from api.feed.snapshots import publishing, reading
from api.feed.snapshots.making import SnapshotMaker, is_due
from api.feed.snapshots.parameters import AGE_S, CHANGED_AGE_S, CHANGES, PAUSE_S
from api.feed.snapshots.publishing import Copies, Published, SnapshotDamaged
from api.feed.snapshots.reading import TagsIncomplete
from api.service import Service
from api.storage.tables import feed_events, feed_snapshot_pieces, feed_snapshots
from api.terminal.naming import key_id
from api.terminal.snapshot import Snapshot, open_snapshot
from tests.api.bodies import register, report
from tests.api.conftest import NewDatabase
from tests.api.feed.test_events import tag
from tests.api.http.answers import assert_error

PATH = "/v1/feed/snapshot"


def newest(service: Service) -> Published:
    with service.database.begin() as connection:
        found = publishing.newest(connection, key_id(service.keys.feed))
    assert found is not None
    return found


def fetched(service: Service, terminal: TestClient) -> Snapshot:
    answer = terminal.get(PATH)
    assert answer.status_code == 200, answer.text
    return open_snapshot(answer.content, service.keys.trusted)


def state_at(service: Service, seq: int) -> set[bytes]:
    """The invalid cards' tags at a number, by going through the events one by one."""
    state: dict[object, tuple[bool, bytes]] = {}
    with service.database.begin() as connection:
        rows = connection.execute(select(feed_events).where(feed_events.c.seq <= seq).order_by(feed_events.c.seq))
        for row in rows:
            state[row.card_id] = (row.invalid, row.tag)
    return {tag for invalid, tag in state.values() if invalid}


def test_the_replica_makes_one_by_itself(service: Service) -> None:
    deadline = time.monotonic() + 60
    while True:
        with service.database.begin() as connection:
            if publishing.newest(connection, key_id(service.keys.feed)) is not None:
                return
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_snapshot_holds_every_invalid_card(service: Service, authority: TestClient, terminal: TestClient) -> None:
    lost_id, lost = register(authority)
    found_id, _ = register(authority)
    report(authority, lost_id, "reported_lost")
    report(authority, found_id, "reported_lost")
    report(authority, found_id, "found")
    service.snapshots.make()
    shown = fetched(service, terminal)
    expected = state_at(service, shown.head.seq)
    with service.database.begin() as connection:
        head = records.head(connection)
        deployment = publishing.deployment_id(connection)
    assert (shown.head.seq, shown.head.key_id, shown.head.deployment) == (head.seq, head.key_id, deployment)
    assert timedelta(0) < head.as_of - shown.head.as_of < timedelta(minutes=1)
    assert shown.head.count == len(expected)
    assert tag(service, lost) in expected
    assert all(one in shown.filter for one in expected)


def test_one_look_is_of_one_number(service: Service, authority: TestClient) -> None:
    cards = [register(authority)[0] for _ in range(4)]
    ended = threading.Event()

    def change() -> None:
        while not ended.is_set():
            for one in cards:
                report(authority, one, "reported_lost")
            for one in cards:
                report(authority, one, "found")

    thread = threading.Thread(target=change)
    thread.start()
    looks: dict[int, reading.Invalid] = {}
    deadline = time.monotonic() + 60
    try:
        while len(looks) < 8 and time.monotonic() < deadline:
            looked = reading.read_invalid(service.database)
            looks[looked.seq] = looked
    finally:
        ended.set()
        thread.join()
    assert len(looks) == 8, "cards changed meanwhile"
    for one in looks.values():
        expected = sorted(int.from_bytes(tag[:8], "little") for tag in state_at(service, one.seq))
        assert sorted(one.keys.tolist()) == expected


def test_nothing_is_made_of_cards_without_tags(new_database: NewDatabase, service: Service, tmp_path: Path) -> None:
    database = new_database(migrated=True)
    with pytest.raises(TagsIncomplete):
        reading.read_invalid(database)
    maker = SnapshotMaker(database, service.keys, tmp_path)
    with database.begin() as connection:
        connection.execute(text("UPDATE feed_head SET key_id = :other"), {"other": "0" * 16})
    with pytest.raises(TagsIncomplete):
        maker.make_if_due()
    with database.begin() as connection:
        connection.execute(text("UPDATE feed_head SET key_id = :own"), {"own": key_id(service.keys.feed)})
    assert maker.make_if_due()
    assert not maker.make_if_due()
    maker.stop()


def test_one_replica_makes_it(new_database: NewDatabase, service: Service, tmp_path: Path) -> None:
    database = new_database(pool_size=8, migrated=True)
    with database.begin() as connection:
        connection.execute(text("UPDATE feed_head SET key_id = :own"), {"own": key_id(service.keys.feed)})
    makers = [SnapshotMaker(database, service.keys, tmp_path / str(number)) for number in range(4)]
    made: list[bool] = []
    threads = [threading.Thread(target=lambda one=one: made.append(one.make_if_due())) for one in makers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False, False, False, True]
    with database.begin() as connection:
        held = publishing.newest(connection, key_id(service.keys.feed))
    assert held is not None
    assert len({one.copies.file(held).read_bytes() for one in makers}) == 1
    for one in makers:
        one.stop()


def published(seq: int, as_of: datetime) -> Published:
    return Published(uuid4(), seq, "0" * 16, "0" * 16, as_of, 1, b"")


def test_a_copy_that_was_damaged_is_fetched_anew(service: Service, terminal: TestClient) -> None:
    service.snapshots.make()
    whole = terminal.get(PATH).content
    path = service.snapshots.copies.file(newest(service))
    path.write_bytes(whole[: len(whole) // 2])
    assert terminal.get(PATH).content == whole
    path.write_bytes(bytes(len(whole)))
    assert publishing.Copies(service.database, path.parent).file(newest(service)).read_bytes() == whole


@pytest.mark.parametrize(
    ("age_s", "changes", "due"),
    [
        (PAUSE_S - 1, 10 * CHANGES, False),
        (PAUSE_S, CHANGES, True),
        (PAUSE_S, CHANGES - 1, False),
        (CHANGED_AGE_S, 1, True),
        (CHANGED_AGE_S, 0, False),
        (AGE_S, 0, True),
        (-1, 0, True),
        (-12 * 3600, 0, True),
    ],
)
def test_when_one_is_due(age_s: float, changes: int, due: bool) -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert is_due(published(7, now - timedelta(seconds=age_s)), 7 + changes, now) is due


def test_one_that_a_clock_ahead_has_dated_is_replaced(service: Service) -> None:
    """Once: the right one, of the same number and an earlier time, is then the newest."""
    service.snapshots.make()
    with service.database.begin() as connection:
        connection.execute(update(feed_snapshots).values(as_of=feed_snapshots.c.as_of + timedelta(hours=12)))
    # This or the replica's own thread, which looks every few seconds, makes it; whoever comes second waits for no lock.
    deadline = time.monotonic() + 60
    while not service.snapshots.make_if_due() and newest(service).as_of > datetime.now(UTC) + timedelta(minutes=1):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert newest(service).as_of < datetime.now(UTC) + timedelta(minutes=1)
    assert not service.snapshots.make_if_due()


def test_old_ones_go(service: Service) -> None:
    for _ in range(3):
        service.snapshots.make()
    with service.database.begin() as connection:
        assert len(connection.execute(select(feed_snapshots.c.id)).all()) == 2
        pieces = connection.execute(select(feed_snapshot_pieces.c.snapshot_id).distinct()).all()
    assert len(pieces) == 2


def test_the_file_and_its_digests(service: Service, terminal: TestClient) -> None:
    service.snapshots.make()
    whole = terminal.get(PATH)
    digest = hashlib.sha256(whole.content).digest()
    said = f"sha-256=:{base64.b64encode(digest).decode()}:"
    assert whole.headers["etag"] == f'"{digest.hex()}"'
    assert (whole.headers["repr-digest"], whole.headers["content-digest"]) == (said, said)
    assert int(whole.headers["content-length"]) == len(whole.content) == newest(service).size

    known = terminal.get(PATH, headers={"If-None-Match": f'"other", {whole.headers["etag"]}'})
    assert (known.status_code, known.content) == (304, b"")
    assert terminal.get(PATH, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_download_is_gone_on_with(service: Service, terminal: TestClient) -> None:
    service.snapshots.make()
    whole = terminal.get(PATH)
    size = len(whole.content)
    etag = whole.headers["etag"]
    rest = terminal.get(PATH, headers={"Range": "bytes=100-", "If-Range": etag})
    assert (rest.status_code, rest.content) == (206, whole.content[100:])
    assert rest.headers["content-range"] == f"bytes 100-{size - 1}/{size}"
    assert "content-digest" not in rest.headers, "it would have the rest of the file read for every part"
    assert rest.headers["repr-digest"] == whole.headers["repr-digest"]
    middle = terminal.get(PATH, headers={"Range": "bytes=1-3"})
    assert (middle.status_code, middle.content) == (206, whole.content[1:4])


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=100-", "If-Range": '"another"'},
        {"Range": "bytes=99999999999-"},
        {"Range": "bytes=5-2"},
        {"Range": "bytes=-5"},
        {"Range": "bytes=0-1,4-5"},
        {"Range": "pages=1-"},
        {"Range": "bytes=" + "9" * 400 + "-"},
    ],
)
def test_what_is_no_such_range_gets_the_whole(service: Service, terminal: TestClient, headers: dict[str, str]) -> None:
    service.snapshots.make()  # then none is due while this asks twice
    assert terminal.get(PATH, headers=headers).content == terminal.get(PATH).content


def test_before_the_first_one_is_asked_for_later(terminal: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "newest", lambda *_: None)
    answer = terminal.get(PATH)
    assert_error(answer, 503, "snapshot_not_ready")
    assert answer.headers["retry-after"] == "5"


def test_a_damaged_one_is_not_served(service: Service, app: FastAPI, terminal: TestClient, tmp_path: Path) -> None:
    service.snapshots.make()
    one = newest(service)
    with service.database.begin() as connection:
        piece = feed_snapshot_pieces.c.content
        changed = update(feed_snapshot_pieces).where(feed_snapshot_pieces.c.snapshot_id == one.id)
        connection.execute(changed.values(content=text("set_byte(content, 7, 1 - least(1, get_byte(content, 7)))")))
        assert connection.execute(select(piece).where(feed_snapshot_pieces.c.snapshot_id == one.id)).first() is not None
    with pytest.raises(SnapshotDamaged):
        Copies(service.database, tmp_path).file(one)
    assert list(tmp_path.iterdir()) == []
    assert_error(terminal.get(PATH), 500, "internal")
    service.snapshots.make()
    assert terminal.get(PATH).status_code == 200


def test_keys_come_from_postgresql_as_they_are(service: Service) -> None:
    looked = reading.read_invalid(service.database)
    expected = {int.from_bytes(one[:8], "little") for one in state_at(service, looked.seq)}
    assert looked.keys.dtype == np.uint64
    assert set(looked.keys.tolist()) == expected
