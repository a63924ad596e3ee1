"""Files that SourceAFIS and FingerJetFX wrote: what they say, and that prints of one finger match."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biometrics.finger import FingerEngine
from biometrics.finger.interchange import Format, read, sniff, write

DATA = Path(__file__).parents[5] / "shared" / "data" / "templates"
pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"NOT RUN: other makers' templates are not there ({DATA})"),
]
FOLDERS = {"iso19794_2_fingerjet": Format.ISO_2005, "sourceafis_cbor": Format.SOURCEAFIS}


def files(folder: str) -> list[Path]:
    found = sorted((DATA / folder).iterdir())
    assert len(found) == 16
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_they_are_read(folder: str) -> None:
    for path in files(folder):
        data = path.read_bytes()
        (template,) = read(data)
        assert sniff(data) == FOLDERS[folder]
        assert (template.width, template.height) == (388, 374)
        assert 10 <= len(template) < 80
        assert 50 < np.ptp(template.x) < 388
        assert set(template.kind.tolist()) == {1, 2}


def test_what_fingerjet_wrote_is_written_alike() -> None:
    """Byte for byte, but for minutiae of no known kind, which become endings."""
    for path in files("iso19794_2_fingerjet"):
        data = bytearray(path.read_bytes())
        for place in range(28, len(data) - 2, 6):
            if data[place] >> 6 == 0:
                data[place] |= 0x40
        assert write(read(bytes(data)), Format.ISO_2005) == bytes(data)


@pytest.mark.parametrize("folder", FOLDERS)
def test_prints_of_one_finger_match_and_of_two_do_not(folder: str) -> None:
    engine = FingerEngine.__new__(FingerEngine)  # comparing needs no network
    prepared = {path.stem: engine.prepare_imported(read(path.read_bytes())[0]) for path in files(folder)}
    mated: list[float] = []
    others: list[float] = []
    for one, probe in prepared.items():
        for two, reference in prepared.items():
            if one < two:
                scores = mated if one.split("_")[0] == two.split("_")[0] else others
                scores.append(engine.compare(probe, reference))
    assert (len(mated), len(others)) == (24, 96)
    assert np.median(mated) > max(others)
    assert np.mean(np.array(mated) > max(others)) > 0.7
