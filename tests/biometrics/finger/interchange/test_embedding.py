"""Our template in a record of ISO/IEC 19794-2: others find a record, we find the template."""

from __future__ import annotations

import numpy as np
import pytest

from biometrics.errors import InvalidTemplate
from biometrics.finger.interchange import FingerPosition, Format, View, embedding, read, read_views, sniff, write
from biometrics.finger.parameters import ENGINE

from ..points import random_finger
from .golden import GOLDEN

OWN = random_finger(3, 40)
VIEW = View(OWN, FingerPosition.LEFT_THUMB)


def test_it_is_a_record_as_others_read_it() -> None:
    record = embedding.write(VIEW)
    assert sniff(record) is Format.ISO_2005
    assert int.from_bytes(record[8:12], "big") == len(record)
    (found,) = read_views(record)
    (plain,) = read_views(write([VIEW], Format.ISO_2005))
    assert found.position is FingerPosition.LEFT_THUMB
    assert found.template.engine == "import:iso-19794-2:2005"
    assert found.template.to_bytes() == plain.template.to_bytes()


def test_the_further_data_are_one_block_of_a_maker() -> None:
    record = embedding.write(VIEW)
    plain = write([VIEW], Format.ISO_2005)
    further = record[len(plain) - 2 :]
    own = OWN.to_bytes()
    assert int.from_bytes(further[:2], "big") == len(further) - 2 == len(own) + 4
    assert int.from_bytes(further[2:4], "big") >= 0x0100, "below are types that the standard defines"
    assert int.from_bytes(further[4:6], "big") == len(own) + 4
    assert further[6:] == own


def test_our_own_template_comes_back_to_the_bit() -> None:
    found = embedding.read(embedding.write(VIEW))
    assert found is not None
    assert found.engine == ENGINE
    assert found.to_bytes() == OWN.to_bytes()
    again = embedding.read(embedding.write(VIEW) + bytes(20))
    assert again is not None, "what a file has behind the record is not looked at"


@pytest.mark.parametrize("data", [*GOLDEN.values(), b"", b"FMR\x00 20\0", write([OWN, OWN], Format.ISO_2005)])
def test_records_of_others_hold_none_of_ours(data: bytes) -> None:
    assert embedding.read(data) is None


def test_a_block_of_another_maker_is_not_ours() -> None:
    record = bytearray(embedding.write(VIEW))
    at = record.index(b"RZMT")
    record[at : at + 4] = b"ABCD"
    assert embedding.read(bytes(record)) is None
    assert len(read(bytes(record))) == 1


def test_damage_is_told() -> None:
    record = embedding.write(VIEW)
    at = record.index(b"RZMT")
    for length in range(at + 4, len(record)):
        with pytest.raises(InvalidTemplate):
            embedding.read(record[:length])
    changed = bytearray(record)
    for place in range(24, len(record)):
        changed[:] = record
        changed[place] ^= 0xFF
        try:
            found = embedding.read(bytes(changed))
        except InvalidTemplate:
            continue
        assert found is None or np.isfinite(found.x).all()
