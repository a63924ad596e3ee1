"""What files in the field do and standards don't foresee: read where the meaning is clear, refused where not."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from biometrics.errors import InvalidTemplate
from biometrics.finger.interchange import FingerPosition, Format, Impression, View, read, read_views, sniff, write
from biometrics.finger.interchange.iso_2011 import MOST_VIEWS
from biometrics.finger.parameters import MAX_RECORD_BYTES

from ..points import random_finger
from .golden import CARDS, GOLDEN, RECORDS

# Where the width, the pixels per cm across, and the first minutia stand in the golden files.
PLACES = {
    Format.ISO_2005: (14, 18, 28),
    Format.ANSI_2004: (16, 20, 30),
    Format.ISO_2011: (46, 41, 52),
    Format.ANSI_2009: (29, 33, 38),
}


def changed(form: Format, place: int, value: bytes) -> bytes:
    data = GOLDEN[form]
    return data[:place] + value + data[place + len(value) :]


def code_of(data: bytes, form: Format | None = None) -> str:
    with pytest.raises(InvalidTemplate) as raised:
        read(data, form)
    return raised.value.code


@pytest.mark.parametrize("form", RECORDS)
def test_other_resolutions_are_brought_to_500_dpi(form: Format) -> None:
    resolution = PLACES[form][1]
    (template,) = read(changed(form, resolution, struct.pack(">HH", 394, 787)))  # 1000 x 2000 dpi
    np.testing.assert_allclose(template.x, [50, 15], atol=0.1)
    np.testing.assert_allclose(template.y, [50, 10], atol=0.1)
    assert (template.width, template.height) == (150, 101)
    (template,) = read(changed(form, resolution, struct.pack(">HH", 196, 200)))  # nearly 500: meant to be it
    assert template.x.tolist() == [100, 30]


@pytest.mark.parametrize("form", RECORDS)
@pytest.mark.parametrize("per_cm", [0, 20, 40_000])
def test_a_resolution_that_no_scanner_has(form: Format, per_cm: int) -> None:
    assert code_of(changed(form, PLACES[form][1], struct.pack(">H", per_cm))) == "template_out_of_range"


@pytest.mark.parametrize("form", RECORDS)
def test_a_size_that_is_not_stated_or_too_small_grows(form: Format) -> None:
    (template,) = read(changed(form, PLACES[form][0], bytes(4)))
    assert (template.width, template.height) == (101, 201)
    assert template.x.tolist() == [100, 30]


@pytest.mark.parametrize("form", RECORDS)
def test_a_size_beyond_any_finger(form: Format) -> None:
    assert code_of(changed(form, PLACES[form][0], b"\xff\xff")) == "template_out_of_range"


@pytest.mark.parametrize("form", RECORDS)
def test_the_kinds_and_qualities_of_minutiae(form: Format) -> None:
    first = PLACES[form][2]
    (template,) = read(changed(form, first, b"\x00"))  # of no known kind
    assert template.kind.tolist() == [1, 2]
    assert code_of(changed(form, first, b"\xc0")) == "template_malformed"  # the reserved kind
    assert code_of(changed(form, first + 5, bytes([101]))) == "template_malformed"
    for not_stated in (0, 254, 255):
        (template,) = read(changed(form, first + 5, bytes([not_stated])))
        assert template.minutia_quality.tolist() == [70, 0]  # the surest first
        assert template.x.tolist() == [30, 100]


@pytest.mark.parametrize("form", RECORDS)
def test_further_data_is_skipped(form: Format) -> None:
    views = read_views(GOLDEN[form])
    block = struct.pack(">HHH", 7, 0x0102, 7) + b"any"  # 7 bytes: of type 0x0102, 7 bytes with its head
    lengths = {
        Format.ISO_2005: [(8, 4)],
        Format.ANSI_2004: [(8, 2)],
        Format.ISO_2011: [(8, 4), (15, 4)],
        Format.ANSI_2009: [(8, 4)],
    }
    data = bytearray(GOLDEN[form][:-2] + block)
    for place, size in lengths[form]:
        length = int.from_bytes(data[place : place + size], "big") + len(block) - 2
        data[place : place + size] = length.to_bytes(size, "big")
    (template,) = read(bytes(data))
    assert template.to_bytes() == views[0].template.to_bytes()
    longer = bytes(data[: -len(block)]) + b"\0\x09" + block[2:]
    assert code_of(longer) == "template_malformed"  # it says 9 bytes and has 7


@pytest.mark.parametrize("form", [*RECORDS, *CARDS, Format.SOURCEAFIS])
def test_a_chips_file_may_be_longer_than_its_record(form: Format) -> None:
    for padding in (bytes(1), bytes(400), b"\xff" * 100):
        (template,) = read(GOLDEN[form] + padding)
        assert template.to_bytes() == read(GOLDEN[form])[0].to_bytes()


@pytest.mark.parametrize("form", GOLDEN)
def test_every_file_that_was_cut_off_is_refused(form: Format) -> None:
    for length in range(len(GOLDEN[form])):
        assert code_of(GOLDEN[form][:length]) in {"template_malformed", "template_format_unknown"}


def test_no_view_is_no_template() -> None:
    for form, place in ((Format.ISO_2005, 22), (Format.ANSI_2004, 24), (Format.ANSI_2009, 19)):
        assert code_of(changed(form, place, b"\0")) == "template_malformed"
    assert code_of(bytes.fromhex("464d5200 30333000 0000000f 0000 00"), Format.ISO_2011) == "template_malformed"


def test_a_quality_judged_twice_and_certificates() -> None:
    """The first judgement that has a figure counts; certificates of the scanner are passed over."""
    data = bytearray(GOLDEN[Format.ISO_2011])
    data[33:39] = bytes.fromhex("02 ff 0001 0002 2d 0003 0004 02 000101 000202")
    data[14] = 1
    grown = len(data) - len(GOLDEN[Format.ISO_2011])
    data[8:12] = (66 + grown).to_bytes(4, "big")
    data[15:19] = (51 + grown).to_bytes(4, "big")
    (template,) = read(bytes(data))
    assert template.quality == 45
    assert template.x.tolist() == [100, 30]


def test_minutiae_without_a_quality_in_a_record_of_2011() -> None:
    finger = random_finger(3, 12)
    (plain,) = read(write([finger], Format.ISO_CARD_NORMAL))
    data = write([plain], Format.ISO_2011)
    assert len(data) == 15 + 34 + 5 * 12
    assert read(data)[0].minutia_quality.tolist() == [0] * 12
    assert code_of(changed(Format.ISO_2011, 50, b"\x71")) == "template_malformed"  # minutiae of 7 bytes


def test_the_amendment_of_2010_is_read_as_2009() -> None:
    data = changed(Format.ANSI_2009, 4, b"035")
    assert sniff(data) == Format.ANSI_2009
    assert read(data)[0].to_bytes() == read(GOLDEN[Format.ANSI_2009])[0].to_bytes()


@pytest.mark.parametrize("version", [b" 10\0", b"020\0", b"040\0", b"031\0", b"0300"])
def test_other_versions_are_named_as_such(version: bytes) -> None:
    for form in RECORDS:
        assert code_of(changed(form, 4, version)) == "template_version_unsupported"


def test_a_long_record_of_2004_states_its_length_in_six_bytes() -> None:
    finger = random_finger(4, 100)
    data = write([View(finger, position) for position in FingerPosition for _ in range(16)], Format.ANSI_2004)
    assert len(data) > 0xFFFF
    assert data[8:10] == b"\0\0"
    assert int.from_bytes(data[10:14], "big") == len(data)
    assert sniff(data) == Format.ANSI_2004
    assert len(read(data)) == 176
    iso = write(read_views(data), Format.ISO_2005)
    assert sniff(iso) == Format.ISO_2005
    assert len(read(iso)) == 176


def test_slaps_palms_and_unknown_impressions_have_no_finger_of_ours() -> None:
    for code in (11, 13, 15, 36, 255):
        (view,) = read_views(changed(Format.ISO_2005, 24, bytes([code])))
        assert view.position == 0
    (view,) = read_views(changed(Format.ISO_2005, 25, b"\x0c"))
    assert view.impression is Impression.UNKNOWN


def test_a_cards_minutiae_among_other_objects() -> None:
    minutiae = GOLDEN[Format.ISO_CARD_COMPACT][5:]
    inner = b"\x91\x02\x01\x02" + b"\x90\x06" + minutiae + b"\x92\x00"
    data = b"\x7f\x2e" + bytes([len(inner) + 2]) + b"\xa1" + bytes([len(inner)]) + inner
    assert sniff(data) == Format.ISO_CARD_COMPACT
    assert read(data)[0].to_bytes() == read(GOLDEN[Format.ISO_CARD_COMPACT])[0].to_bytes()
    assert code_of(b"\x7f\x2e\x04\x91\x02\x01\x02") == "template_malformed"


def test_bare_minutiae_of_a_card_need_their_format() -> None:
    bare = GOLDEN[Format.ISO_CARD_NORMAL][5:]
    assert read(bare, Format.ISO_CARD_NORMAL)[0].to_bytes() == read(GOLDEN[Format.ISO_CARD_NORMAL])[0].to_bytes()
    assert code_of(bare) == "template_format_unknown"
    assert code_of(bare, Format.ISO_CARD_COMPACT) == "template_malformed"  # 10 bytes are no threes


def test_the_size_of_a_cards_minutiae_is_told_where_one_reading_is_impossible() -> None:
    finger = random_finger(8, 15)
    compact, normal = (write([finger], form) for form in (Format.ISO_CARD_COMPACT, Format.ISO_CARD_NORMAL))
    assert sniff(compact) == Format.ISO_CARD_COMPACT  # 45 bytes: nine of five could be meant
    assert sniff(normal) == Format.ISO_CARD_NORMAL  # 75 bytes: 25 of three
    both = bytes.fromhex("7f2e11 810f") + bytes.fromhex("010203") * 5
    assert code_of(both) == "template_format_ambiguous"
    assert len(read(both, Format.ISO_CARD_COMPACT)[0]) == 5
    assert len(read(both, Format.ISO_CARD_NORMAL)[0]) == 3


def test_more_views_or_bytes_than_a_person_has() -> None:
    head = bytes.fromhex("464d5200 30333000")
    view = GOLDEN[Format.ISO_2011][15:]
    count = MOST_VIEWS + 1
    data = head + (15 + count * len(view)).to_bytes(4, "big") + count.to_bytes(2, "big") + b"\0" + view * count
    assert code_of(data, Format.ISO_2011) == "template_malformed"
    assert code_of(bytes(MAX_RECORD_BYTES + 1)) == "template_too_large"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("332e31382e31", "342e31382e31", "template_version_unsupported"),  # version 4
        ("6776657273696f6e", "6777657273696f6e", "template_malformed"),  # no version
        ("657769647468 19012c", "657769647468 191000", "template_out_of_range"),  # 4096 wide
        ("657769647468 19012c", "657769647468 00", "template_malformed"),
        ("657769647468 19012c", "657769647468 1832", "template_out_of_range"),  # a minutia beyond it
        ("657769647468 19012c", "657769647468 f5", "template_malformed"),  # true
        ("9f 1864 181e ff", "9f 1864 20 ff", "template_malformed"),  # -1
        ("9f 1864 181e ff", "9f 1864 ff", "template_malformed"),  # one x, two y
        ("9f 1864 181e ff", "9f 1864 811e ff", "template_malformed"),  # a list within the list
        ("9f 1864 181e ff", "9f 1864 c11e ff", "template_malformed"),  # a date
        ("9f 1864 181e ff", "61 78", "template_malformed"),  # a text
        ("fa407b53d1", "fa7fc00000", "template_malformed"),  # no number
        ("fa407b53d1", "fa7f800000", "template_malformed"),  # infinite
        ("fa407b53d1", "d823 62 5b61", "template_malformed"),  # an expression
        ("624542", "624543", "template_malformed"),  # of kind C
        ("66686569676874", "6577696474 68", "template_malformed"),  # the width twice
    ],
)
def test_each_field_of_sourceafis_is_checked(old: str, new: str, code: str) -> None:
    before, after = bytes.fromhex(old), bytes.fromhex(new)
    assert GOLDEN[Format.SOURCEAFIS].count(before) == 1
    assert code_of(GOLDEN[Format.SOURCEAFIS].replace(before, after)) == code
