"""The programs of docs/fingers.md run, one after the other, on two impressions of a generated finger."""

from pathlib import Path
from typing import Any

import pytest

from biometrics.finger.interchange import Format, write
from models import home
from models.errors import ModelError
from tests.docs import reader
from tests.docs.pages import blocks

PAGE = "docs/fingers.md"


@pytest.mark.long
def test_the_programs_of_fingers_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = [block.text for block in blocks(PAGE) if block.language == "python"]
    try:
        person = reader.people()[0]
    except ModelError as error:
        pytest.skip(f"no packs under {home()}: {error}")
    monkeypatch.chdir(tmp_path)
    Path("first.png").write_bytes(person.finger_reference)
    Path("second.png").write_bytes(person.finger_capture)
    names: dict[str, Any] = {}
    exec(compile(programs[0], PAGE, "exec"), names)
    assert names["kept"].to_bytes() == names["first"].to_bytes()
    assert names["score"] > names["engine"].compare(names["first"], stranger(names["engine"]))
    assert names["order"][0] in {"right_index", "left_index"}
    assert names["found"]
    Path("card.fmr").write_bytes(write([names["second"]], Format.ISO_2005))
    exec(compile(programs[1], PAGE, "exec"), names)
    assert names["data"].startswith(b"FMR\0")


def stranger(engine: Any) -> Any:
    return engine.extract(reader.people()[1].finger_reference)
