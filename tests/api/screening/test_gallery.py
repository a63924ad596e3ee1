"""A replica's gallery: the rotation, fingers, snapshots and what becomes of damaged ones, rebuilding."""

import logging
from collections.abc import Iterator
from datetime import date
from itertools import cycle
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import select, text, update

from api.institutions.roles import Role
from api.screening.faces import Faces, ListedFace
from api.screening.fingers import Fingers, ListedFinger
from api.screening.parameters import DEAD_FINGERS
from api.storage import tables
from biometrics.face import FaceTemplate, Transform
from biometrics.face.template import similarity
from biometrics.finger import FingerTemplate
from tests.api.screening.conftest import Town, build
from tests.api.screening.entries import act, somebody
from tests.api.screening.test_screening import paused, reasons
from tests.api.scripted import ENGINE, template_of

OLD, NEW = Transform("old", b"o" * 32), Transform("new", b"n" * 32)


def face(word: str) -> FaceTemplate:
    made = template_of("face", word)
    assert isinstance(made, FaceTemplate)
    return made


def finger(word: str) -> FingerTemplate:
    made = template_of("finger", word)
    assert isinstance(made, FingerTemplate)
    return made


def test_a_candidate_is_whoever_may_reach_the_threshold() -> None:
    """Also those that a renewal has not come to yet, and those from before anything was turned."""
    faces = Faces.of(NEW, ENGINE, 128)
    people = [ListedFace(key, face(f"person:{key}"), date(2027, 1, 1)) for key in range(1, 400)]
    stored = [
        one if under is None else one._replace(template=under.turn(one.template), transform=under)
        for one, under in zip(people, cycle((None, OLD, NEW)), strict=False)
    ]
    faces.change(7, stored, [])
    day = date(2026, 12, 31)
    for place in (1, 200, 399):
        probe = face(f"maybe:{place}")
        score = similarity(probe, people[place - 1].template)
        assert faces.candidates(probe, score, day) == [place]
        assert faces.candidates(probe, score + 0.01, day) == []
    faces.change(8, [], [200])
    assert faces.candidates(face("person:200"), 0.9, day) == []
    assert (len(faces), faces.gallery.sequence) == (398, 8)


def test_who_is_listed_often_is_found_as_often() -> None:
    """A bank that enters somebody a dozen times does not keep another's entry of them from being told."""
    faces = Faces.of(NEW, ENGINE, 128)
    listed = [ListedFace(key, face("person:flood"), date(2027, 1, 1)) for key in range(1, 31)]
    faces.change(30, [*listed, ListedFace(31, face("person:other"), date(2027, 1, 1))], [])
    assert sorted(faces.candidates(face("person:flood"), 0.9, date(2026, 12, 31))) == list(range(1, 31))


def test_fingers_are_found_after_adds_and_removals() -> None:
    fingers = Fingers(ListedFinger(key, finger(f"person:{key}")) for key in range(1, 30))
    assert fingers.candidates(finger("person:7"), 50.0) == [7]
    fingers = fingers.changed([ListedFinger(30, finger("person:30")), ListedFinger(30, finger("person:31"))], [7])
    assert (fingers.candidates(finger("person:7"), 50.0), len(fingers)) == ([], 30)
    assert fingers.candidates(finger("person:31"), 50.0) == [30], "either finger of one entry"
    many = fingers.changed([ListedFinger(key, finger(f"person:{key}")) for key in range(100, 200)], [])
    fewer = many.changed([], range(100, 102 + DEAD_FINGERS))
    assert len(fewer._keys) == len(fewer), "the dead are gone when they are many"
    assert fewer.candidates(finger("person:199"), 50.0) == [199]
    assert fewer.candidates(finger("person:100"), 50.0) == []
    assert Fingers().candidates(finger("person:1"), 0.0) == []


@pytest.fixture
def snapshot(town: Town) -> Iterator[tuple[str, Path]]:
    """A face that is listed and in the first replica's snapshot, and the snapshot's folder."""
    word = somebody()
    town.listed(word)
    town.checked(word)
    with paused(town):
        keeper = town.service.impostors
        keeper.look()
        keeper.save()
        (manifest,) = (town.service.settings.home / "impostors").glob("*/*/manifest.json")
        yield word, manifest.parent


def third(town: Town) -> Town:
    """A replica that starts now."""
    url = town.service.database.url.render_as_string(hide_password=False)
    return Town([build(town.service.settings.home, url)], town.mark)


def hits(town: Town, word: str) -> bool:
    return "screening_hit" in reasons(town.checked(word))


def test_a_replica_starts_from_a_snapshot_and_what_came_after_it(
    town: Town, snapshot: tuple[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    word, _ = snapshot
    later = somebody()
    town.listed(later)
    removed = somebody()
    act(town.new(Role.SUPERVISOR), town.listed(removed), "remove")
    caplog.set_level(logging.INFO, "api.screening")
    started = third(town)
    try:
        assert not [one for one in caplog.messages if "is made" in one], "nothing was built anew"
        assert [hits(started, one) for one in (word, later, removed)] == [True, True, False]
    finally:
        started.service.close()


def test_a_damaged_snapshot_is_built_anew_and_said_so(
    town: Town, snapshot: tuple[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    word, folder = snapshot
    (numbers,) = folder.glob("*.numbers")
    content = bytearray(numbers.read_bytes())
    content[0] ^= 1
    numbers.write_bytes(content)
    caplog.set_level(logging.INFO, "api.screening")
    started = third(town)
    try:
        assert [one for one in caplog.messages if "is made: [####################]" in one], "how far it is, to the end"
        said = [one for one in caplog.messages if "snapshot" in one]
        assert said == ["the snapshot of the impostors' gallery cannot be used and is made anew: snapshot_damaged"]
        assert hits(started, word)
    finally:
        started.service.close()


def test_the_snapshot_of_another_list_is_not_taken(
    town: Town, snapshot: tuple[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    """As after the database was brought back to an earlier state: more people, or later ones, than are listed."""
    word, _ = snapshot
    gallery = town.service.impostors.gallery
    assert gallery.faces is not None
    listed = gallery.faces
    stranger = ListedFace(gallery.sequence + 1000, face(somebody()), date(2030, 1, 1))
    listed.change(gallery.sequence + 1000, [stranger], [])
    town.service.impostors.save()
    started = third(town)
    try:
        assert [one for one in caplog.messages if "not of this list" in one]
        assert hits(started, word)
        other = started.service.impostors.gallery
        assert other.faces is not None
        assert len(other.faces) == len(listed) - 1
    finally:
        started.service.close()


def exchange(town: Town, one: str, other: str) -> None:
    """Give two entries each other's number, as if they had been approved in the other order."""
    entries = tables.impostors
    with town.service.database.begin() as connection:
        numbers = [
            connection.execute(select(entries.c.listed_seq).where(entries.c.id == UUID(who))).scalar_one()
            for who in (one, other)
        ]
        for who, number in ((one, -1), (other, numbers[0]), (one, numbers[1])):
            connection.execute(update(entries).where(entries.c.id == UUID(who)).values(listed_seq=number))


def test_a_database_that_was_brought_back_and_went_on_has_another_list(
    town: Town, snapshot: tuple[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    """It has the same number and as many people as before, but the numbers are others'."""
    words = [somebody(), somebody()]
    entries = [town.listed(word) for word in words]
    keeper = town.service.impostors
    keeper.look()
    keeper.save()
    exchange(town, *entries)
    started = third(town)
    try:
        assert [one for one in caplog.messages if "not of this list" in one]
        assert [hits(started, word) for word in words] == [True, True]
    finally:
        started.service.close()
    keeper.look()
    assert [one for one in caplog.messages if "another impostor list" in one], "one that runs notices it too"
    assert [hits(town, word) for word in words] == [True, True]
    exchange(town, *entries)
    for one in town.services:
        one.impostors.look()


def test_snapshots_under_other_transforms_are_deleted(town: Town, snapshot: tuple[str, Path]) -> None:
    _, folder = snapshot
    old = folder.with_name("0123456789abcdef")
    old.mkdir()
    (old / "manifest.json").write_text("{}")
    third(town).service.close()
    assert (old.exists(), folder.exists()) == (False, True)


def test_nobodys_vector_is_in_the_snapshot(town: Town, snapshot: tuple[str, Path]) -> None:
    word, folder = snapshot
    vector = face(word).vector
    (numbers,) = folder.glob("*.numbers")
    rows = np.fromfile(numbers, np.float16).reshape(-1, 128).astype(np.float32)
    assert np.abs(rows @ vector).max() < 0.6
    faces = town.service.impostors.gallery.faces
    assert faces is not None
    assert np.abs(rows @ faces.transform.apply(ENGINE, vector)).max() > 0.99
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_removed_faces_leave_the_memory_and_the_next_snapshot(town: Town) -> None:
    words = [somebody() for _ in range(3)]
    entries = [town.listed(word) for word in words]
    act(town.new(Role.SUPERVISOR), entries[0], "remove")
    with paused(town):
        keeper = town.service.impostors
        keeper.look()
        faces = keeper.gallery.faces
        assert faces is not None
        assert faces.gallery.condition().removed == 0
        with faces.gallery.held() as (rows, register, _):
            assert len(rows) == len(register) == len(faces)
    assert [hits(town, word) for word in words] == [False, True, True]


def test_a_rebuilding_loses_nothing_that_came_meanwhile(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [somebody() for _ in range(3)]
    entries = [town.listed(word) for word in words[:2]]
    supervisor = town.new(Role.SUPERVISOR)
    with paused(town):
        keeper = town.service.impostors
        keeper.look()
        act(supervisor, entries[0], "remove")
        with town.service.database.single() as connection:
            keeper.gallery.catch_up(connection, town.sequence)
        rebuilt = type(keeper.gallery.faces.gallery).rebuilt  # type: ignore[union-attr]

        def slowly(gallery: object) -> object:
            fresh = rebuilt(gallery)  # type: ignore[arg-type]
            town.listed(words[2], fingers={"left_thumb": words[2]})
            act(supervisor, entries[1], "remove")
            assert hits(town, words[2]), "searches go on, and know of it"
            return fresh

        monkeypatch.setattr(type(keeper.gallery.faces.gallery), "rebuilt", slowly)  # type: ignore[union-attr]
        with town.service.database.single() as connection:
            keeper.gallery.rebuild(connection)
    assert [hits(town, word) for word in words] == [False, False, True]
    gallery = town.service.impostors.gallery
    assert gallery.fingers.candidates(finger(words[2]), 50.0) != []


@pytest.mark.usefixtures("snapshot")
def test_entries_of_another_engine_are_told_and_not_found(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    entry = update(tables.impostor_templates).values(engine="older-1")
    gallery = town.service.impostors.gallery
    assert gallery.faces is not None
    newest = select(tables.impostors.c.id).order_by(tables.impostors.c.listed_seq.desc().nulls_last()).limit(1)
    mine = tables.impostor_templates.c.impostor_id == newest.scalar_subquery()
    with town.service.database.begin() as connection:
        connection.execute(entry.where(mine))
    try:
        started = third(town)
        started.service.close()
        said = [one for one in caplog.messages if "other engines" in one]
        assert len(said) == 1
        assert said[0].endswith("propose them anew: 1 of older-1")
        assert started.service.impostors.gallery.faces is not None
        assert len(started.service.impostors.gallery.faces) == len(gallery.faces) - 1
    finally:
        with town.service.database.begin() as connection:
            connection.execute(entry.where(mine).values(engine=ENGINE))


def test_a_gallery_that_does_not_follow_is_read_anew(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    word = somebody()

    def broken(*_: object) -> None:
        raise ValueError

    with paused(town):
        town.listed(word)
        keeper = town.service.impostors
        with monkeypatch.context() as patched:
            patched.setattr(keeper.gallery, "catch_up", broken)
            keeper.look()
        assert keeper.gallery.sequence == town.sequence
        assert hits(town, word)


def test_a_list_of_which_nothing_opens_is_not_an_empty_one(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    """As after a database came back whose faces' transform was renewed since."""
    word = somebody()
    town.listed(word)
    spoil = text(
        "UPDATE impostor_templates SET template_sealed = set_byte(template_sealed, length(template_sealed) - 1,"
        " get_byte(template_sealed, length(template_sealed) - 1) # 255)"
    )
    with town.left_alone() as keeper:

        def filled() -> None:
            with town.service.database.begin() as connection:
                connection.execute(spoil)
            keeper._filler.fill()

        filled()
        try:
            assert "face" in keeper.gallery.lost
            assert "face templates do not open" in caplog.text
            answer = town.checked(somebody())
            assert (answer["decision"], answer["screening"]["status"]) == ("REVIEW", "unavailable")
        finally:
            filled()
        assert keeper.gallery.lost == frozenset()
        assert hits(town, word)
        assert town.checked(somebody())["decision"] == "PASS"
