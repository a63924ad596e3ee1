"""Calibrations of an operator's own: taken where they are of the engine and pack in use, refused where they are not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from api.matching import calibrations
from api.matching.captures import Captures
from api.matching.engines import BiometricComparer
from api.settings import Settings
from biometrics.face import FaceEngine
from biometrics.finger import FingerEngine
from biometrics.scoring import Calibration, CalibrationError
from tests.api.matching.test_engines import Faces, Fingers, enrolled, photograph, square

ENGINES = (FaceEngine.engine, FingerEngine.engine)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "calibrations"
    made.mkdir()
    return made


def flattened(engine: str) -> dict[str, Any]:
    """The shipped file of an engine with every ratio halved: another calibration, and an honest one."""
    body: dict[str, Any] = json.loads(Calibration.load(engine).to_json())
    body["knots"]["llr"] = [min(value, value / 2) if value > 0 else value for value in body["knots"]["llr"]]
    return body


def write(path: Path, body: dict[str, Any]) -> None:
    path.write_text(json.dumps(body), encoding="utf-8")


def test_without_a_folder_the_shipped_ones_are_taken() -> None:
    assert calibrations.load(ENGINES, None) == {engine: Calibration.load(engine) for engine in ENGINES}


def test_an_own_file_takes_the_place_of_the_shipped_one(folder: Path) -> None:
    write(folder / "our lobby.json", flattened(FaceEngine.engine))
    found = calibrations.load(ENGINES, folder)
    assert found[FingerEngine.engine] is Calibration.load(FingerEngine.engine)
    own = found[FaceEngine.engine]
    assert own.assess(0.5).llr == pytest.approx(Calibration.load(FaceEngine.engine).assess(0.5).llr / 2)
    assert own.version != Calibration.load(FaceEngine.engine).version
    assert own.version.startswith(str(own.provenance["when"]) + "+")


def test_the_comparer_uses_it_and_names_it(folder: Path) -> None:
    write(folder / "face.json", flattened(FaceEngine.engine))
    faces, fingers = cast(FaceEngine, Faces()), cast(FingerEngine, Fingers())
    shipped, own = BiometricComparer(faces, fingers, 1), BiometricComparer(faces, fingers, 1, folder)
    captures = Captures(photograph(9))
    before, after = (one.compare(captures, enrolled(one)) for one in (shipped, own))
    assert before.llr is not None
    assert after.llr == pytest.approx(before.llr / 2)
    assert dict(before.calibrations) == {engine: Calibration.load(engine).version for engine in ENGINES}
    assert dict(after.calibrations)[FaceEngine.engine] != dict(before.calibrations)[FaceEngine.engine]
    assert before.capture_digests == after.capture_digests
    assert square(9) != photograph(9)


def _other_engine(body: dict[str, Any]) -> None:
    body["engine"] = "sface-1"


def _other_pack(body: dict[str, Any]) -> None:
    body["provenance"]["pack"]["version"] = "0.9"


def _no_pack(body: dict[str, Any]) -> None:
    body["provenance"]["pack"] = None


def _other_networks(body: dict[str, Any]) -> None:
    name = next(key for key in body["provenance"]["pack"] if key not in {"name", "version"})
    body["provenance"]["pack"][name] = "0" * 64


def _no_order(body: dict[str, Any]) -> None:
    body["knots"]["llr"].reverse()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_other_engine, "calibration_engine_mismatch"),
        (_other_pack, "calibration_pack_mismatch"),
        (_no_pack, "calibration_pack_mismatch"),
        (_other_networks, "calibration_pack_mismatch"),
        (_no_order, "calibration_damaged"),
    ],
)
def test_what_is_of_another_version_is_refused_with_its_name(
    folder: Path, change: Callable[[dict[str, Any]], None], code: str
) -> None:
    body = flattened(FaceEngine.engine)
    change(body)
    write(folder / "own.json", body)
    with pytest.raises(CalibrationError) as refused:
        calibrations.load(ENGINES, folder)
    assert refused.value.code == code
    if code != "calibration_damaged":
        assert str(folder / "own.json") in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff\xfe", b'{"engine": 7}', b"NaN"])
def test_what_is_no_calibration_is_refused(folder: Path, content: bytes) -> None:
    (folder / "own.json").write_bytes(content)
    with pytest.raises(CalibrationError) as refused:
        calibrations.load(ENGINES, folder)
    assert refused.value.code in {"calibration_damaged", "calibration_engine_mismatch"}


def test_two_files_of_one_engine_are_refused(folder: Path) -> None:
    for name in ("a.json", "b.json"):
        write(folder / name, flattened(FaceEngine.engine))
    with pytest.raises(CalibrationError) as refused:
        calibrations.load(ENGINES, folder)
    assert refused.value.code == "calibration_repeated"


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CalibrationError) as refused:
        calibrations.load(ENGINES, tmp_path / "nowhere")
    assert refused.value.code == "calibration_missing"


def test_a_folder_in_the_home_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RENZHENG_HOME", str(tmp_path))
    assert Settings().calibration_path is None
    (tmp_path / "calibrations").mkdir()
    assert Settings().calibration_path == tmp_path / "calibrations"
    monkeypatch.setenv("RENZHENG_CALIBRATION_DIR", str(tmp_path / "mine"))
    assert Settings().calibration_path == tmp_path / "mine"
