"""A register moved to another recogniser: pictures card by card, with event and leaf, resumable, bad ones told.

The recogniser sees a person in a picture's grey level; level 0 is nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import func, select
from starlette.testclient import TestClient

from api.cards import templates as sealed
from api.cards.bulk import reenrolling
from api.cards.bulk.reading import FileUnusable
from api.cards.bulk.reenrolling import Tally
from api.evidence.sequencer import drain
from api.institutions import credentials, principals
from api.institutions.caller import Caller
from api.institutions.roles import Role
from api.matching import transforms
from api.service import Service
from api.storage.tables import capture_digests, card_events, cards, templates
from biometrics.errors import NotAssessable
from biometrics.face import FaceEngine, FaceTemplate
from biometrics.scoring.calibration import Calibration
from tests.api.bodies import encoded, fresh_key, new_card, register, report
from tests.api.conftest import NewClient
from tests.api.entries import new_key
from tests.api.pictures import written


@dataclass
class Grey:
    """A recogniser of grey levels."""

    engine: str = "grey-2"

    def extract_pixels(self, rgb: np.ndarray) -> FaceTemplate:
        level = int(rgb.flat[0])
        if level == 0:
            raise NotAssessable("no_face")
        return FaceTemplate.of(self.engine, np.eye(128)[level // 10], 50)

    compare = FaceEngine.compare
    consolidate = FaceEngine.consolidate


LINE = Calibration("grey-2", np.array([0.0, 1.0]), np.array([0.0, -12.0]), np.array([-5.0, 5.0]), 1e-4, {})


@dataclass
class Desk:
    """An authority with its key, and what it holds."""

    service: Service
    caller: Caller
    client: TestClient
    faults: list[tuple[str, str]]

    def move(self, source: Path, engine: str = "grey-2", *, first: bool = False) -> Tally:
        self.faults.clear()
        return reenrolling.re_enrol(
            self.service.database, self.service.keys, self.caller, cast(FaceEngine, Grey(engine)), LINE, source,
            lambda *fault: self.faults.append(fault), first=first,
        )  # fmt: skip

    def held(self, card_id: str) -> list[tuple[str, bytes | None]]:
        with self.service.database.begin() as connection:
            index = connection.execute(select(cards.c.instance_index).where(cards.c.id == UUID(card_id))).scalar_one()
            found = sealed.of_instance(connection, self.service.keys, index)
        return [(one.engine, one.template) for one in found if one.modality == "face"]

    def events(self, card_id: str) -> list[str]:
        with self.service.database.begin() as connection:
            told = select(card_events.c.event).where(card_events.c.card_id == UUID(card_id))
            return list(connection.execute(told.order_by(card_events.c.recorded_at)).scalars())


@pytest.fixture
def desk(service: Service, app: object) -> Desk:
    key = new_key(service.database, service.keys, Role.AUTHORITY)
    with service.database.begin() as connection:
        caller = principals.authenticate(connection, key)
    assert caller is not None
    client = TestClient(app, headers={"Authorization": f"Bearer {key}"})  # type: ignore[arg-type]
    return Desk(service, caller, client, [])


def picture(path: Path, level: int, size: int = 32) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(written(Image.new("L", (size, size), level), "PNG"))


def test_a_folder_of_pictures_moves_its_cards(desk: Desk, tmp_path: Path) -> None:
    (one, _), (several, _), (unasked, _) = (register(desk.client) for _ in range(3))
    picture(tmp_path / f"{one}.png", 20)
    for number in range(3):
        picture(tmp_path / several / f"{number}.png", 30, 32 + number)
    (tmp_path / "notes.txt").write_text("no picture")
    assert desk.move(tmp_path) == Tally(made=2)
    assert not desk.faults
    for card_id, level in ((one, 2), (several, 3)):
        ((engine, data),) = desk.held(card_id)
        assert engine == "grey-2"
        assert data is not None
        as_made = transforms.original(desk.service.keys, data)
        assert as_made != data
        assert int(np.argmax(FaceTemplate.from_bytes(as_made).vector)) == level
        assert desk.events(card_id) == ["registered", "face_re_enrolled"]
    assert desk.held(unasked)[0][0] == "scripted-1"
    drain(desk.service.database, desk.service.keys)


def test_a_run_that_was_broken_off_goes_on(desk: Desk, tmp_path: Path) -> None:
    ids = [register(desk.client)[0] for _ in range(3)]
    lines = ["card,picture"]
    for number, card_id in enumerate(ids):
        picture(tmp_path / f"{number}.png", 20)
        lines.append(f"{card_id},{number}.png")
    (tmp_path / "first.csv").write_text("\n".join(lines[:2]))
    (tmp_path / "all.csv").write_text("\ufeff" + "\n".join(lines), encoding="utf-8")
    assert desk.move(tmp_path / "first.csv") == Tally(made=1)
    assert desk.move(tmp_path / "all.csv") == Tally(made=2, there=1)
    assert desk.move(tmp_path / "all.csv") == Tally(there=3)
    assert desk.events(ids[0]) == ["registered", "face_re_enrolled"]
    assert desk.move(tmp_path / "all.csv", engine="grey-3") == Tally(made=3)


def test_bad_ones_are_left_out_with_their_code_and_keep_what_they_have(
    desk: Desk, tmp_path: Path, new_client: NewClient
) -> None:
    (nobody, _), (broken, _), (two, _), (none, _), (missing, _) = (register(desk.client) for _ in range(5))
    fingers_only, _ = register(desk.client, face=None, right_index="person:a")
    others, _ = register(new_client(Role.AUTHORITY))
    unknown = str(uuid4())
    for card_id, level in ((nobody, 0), (others, 20), (unknown, 20), ("not-an-identifier", 20), (fingers_only, 20)):
        picture(tmp_path / f"{card_id}.png", level)
    (tmp_path / f"{broken}.png").write_bytes(b"no picture")
    picture(tmp_path / two / "1.png", 20)
    picture(tmp_path / two / "2.png", 90)
    (tmp_path / none).mkdir()
    assert desk.move(tmp_path) == Tally(left_out=8)
    assert dict(desk.faults) == {
        nobody: "no_face", broken: "image_not_an_image", two: "pictures_disagree", none: "capture_missing",
        fingers_only: "no_reference", others: "card_unknown", unknown: "card_unknown",
        "not-an-identifier": "card_unknown",
    }  # fmt: skip
    for card_id in (nobody, broken, two, none):
        assert desk.held(card_id)[0][0] == "scripted-1"
        assert desk.events(card_id) == ["registered"]
    (tmp_path / "missing.csv").write_text(f"card,picture\n{missing},nowhere.png\n{missing},\n")
    assert desk.move(tmp_path / "missing.csv") == Tally(left_out=1)
    assert desk.faults == [(missing, "capture_missing")]


def test_a_lost_card_stays_lost_and_the_log_is_sound(desk: Desk, tmp_path: Path) -> None:
    card_id, _ = register(desk.client)
    report(desk.client, card_id, "reported_lost")
    picture(tmp_path / f"{card_id}.png", 20)
    assert desk.move(tmp_path) == Tally(made=1)
    with desk.service.database.begin() as connection:
        found = connection.execute(select(cards.c.status).where(cards.c.id == UUID(card_id))).scalar_one()
    assert found == "card_reported_lost"


def test_the_pictures_are_remembered_as_enrolled(desk: Desk, tmp_path: Path) -> None:
    """So that none of them passes as a live capture."""
    card_id, _ = register(desk.client, face=f"person:a#{new_card()['number']}")
    picture(tmp_path / f"{card_id}.png", 20, 61)
    with desk.service.database.begin() as connection:
        before = connection.execute(select(func.count()).select_from(capture_digests)).scalar_one()
    desk.move(tmp_path)
    with desk.service.database.begin() as connection:
        after = connection.execute(select(func.count()).select_from(capture_digests)).scalar_one()
    assert after == before + 1


@pytest.mark.parametrize("content", [b"number,file\n1,2\n", b"", b"\xff\xfe\x00"])
def test_what_is_no_list_of_pictures_is_told(desk: Desk, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "list.csv").write_bytes(content)
    with pytest.raises(FileUnusable):
        desk.move(tmp_path / "list.csv")


def test_one_template_a_card(desk: Desk, tmp_path: Path) -> None:
    card_id, _ = register(desk.client)
    picture(tmp_path / f"{card_id}.png", 20)
    desk.move(tmp_path)
    desk.move(tmp_path, engine="grey-3")
    with desk.service.database.begin() as connection:
        kept = select(func.count()).select_from(templates).where(templates.c.card_id == UUID(card_id))
        assert connection.execute(kept).scalar_one() == 1


def test_cards_without_a_face_get_their_first_one_where_that_is_asked_for(desk: Desk, tmp_path: Path) -> None:
    (fresh, _), (lost, _) = (register(desk.client, face=None, right_index="person:a") for _ in range(2))
    there, _ = register(desk.client)
    report(desk.client, lost, "reported_lost")
    for card_id in (fresh, lost, there):
        picture(tmp_path / f"{card_id}.png", 20)
    assert desk.move(tmp_path) == Tally(made=1, left_out=2)
    assert {code for _, code in desk.faults} == {"no_reference"}
    assert desk.move(tmp_path, first=True) == Tally(made=1, there=1, left_out=1)
    assert desk.faults == [(lost, "card_not_valid")]
    assert desk.events(fresh) == ["registered", "face_added"]
    assert desk.events(there) == ["registered", "face_re_enrolled"]
    assert [engine for engine, _ in desk.held(fresh)] == ["grey-2"]
    assert desk.held(lost) == []
    assert desk.move(tmp_path, first=True) == Tally(there=2, left_out=1)


def test_a_card_that_is_given_a_face_meanwhile_keeps_it(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card_id, _ = register(desk.client, face=None, right_index="person:a")
    picture(tmp_path / f"{card_id}.png", 20)
    real = reenrolling._template

    def meanwhile(*arguments: Any) -> Any:
        body = {"face": {"image": encoded("person:a")}}
        assert desk.client.post(f"/v1/cards/{card_id}/face", json=body, headers=fresh_key()).status_code == 201
        return real(*arguments)

    monkeypatch.setattr(reenrolling, "_template", meanwhile)
    assert desk.move(tmp_path, first=True) == Tally(left_out=1)
    assert desk.faults == [(card_id, "face_enrolled")]
    assert [engine for engine, _ in desk.held(card_id)] == ["scripted-1"]
    assert desk.events(card_id) == ["registered", "face_added"], "nothing of it is left"


def test_a_revoked_key_moves_no_further_card(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card_id, _ = register(desk.client)
    picture(tmp_path / f"{card_id}.png", 20)
    with desk.service.database.begin() as connection:
        credentials.revoke(connection, desk.service.keys, desk.caller.key_id, desk.caller.institution_id, actor_id=None)
    with pytest.raises(credentials.KeyRevoked):
        desk.move(tmp_path)
    assert desk.events(card_id) == ["registered"]
