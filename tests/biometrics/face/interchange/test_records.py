"""Records of face pictures: what hand-made ones say, and that what is written comes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biometrics.errors import InvalidRecord
from biometrics.face.interchange import (
    Capture,
    Coding,
    FacePicture,
    Format,
    ImageType,
    Judgement,
    Point,
    Subject,
    read,
    sniff,
    write,
)
from biometrics.images import decode
from biometrics.interchange.parameters import MAX_PICTURES, MAX_RECORD_BYTES
from tests.biometrics.pictures import encode, scene

from .golden import GOLDEN, JPEG

CODES = {"record_format_unknown", "record_malformed", "record_too_large", "record_version_unsupported"}


def test_the_record_of_2005_means_what_its_text_says() -> None:
    assert sniff(GOLDEN[Format.ISO_2005]) is Format.ISO_2005
    (found,) = read(GOLDEN[Format.ISO_2005])
    assert found == FacePicture(
        JPEG,
        Coding.JPEG,
        256,
        320,
        image_type=ImageType.FULL_FRONTAL,
        points=(Point(1, 0xC1, 100, 120), Point(1, 0xC2, 160, 121)),
        subject=Subject(2, 3, 4, 0, 3, 1, (1, 91, 180), (2, 3, 4)),
        colour_space=1,
        source=2,
        capture=Capture(device=0x1234),
    )


def test_the_record_of_2011_means_what_its_text_says() -> None:
    assert sniff(GOLDEN[Format.ISO_2011]) is Format.ISO_2011
    (found,) = read(GOLDEN[Format.ISO_2011])
    assert found == FacePicture(
        JPEG,
        Coding.JPEG2000_LOSSLESS,
        240,
        320,
        points=(Point(1, 0xC1, 100, 120),),
        subject=Subject(1, 2, 3, 170, 1, 1, (2, 179, 91), (1, 1, 1)),
        colour_space=1,
        sampling=0x78,
        processing=1,
        capture=Capture(
            datetime(2022, 11, 8, 18, 28, 29, 697_000, UTC),
            1,
            0x0102,
            0x0304,
            (Judgement(80, 1, 1), Judgement(None, 1, 2)),
        ),
    )


@pytest.mark.parametrize("form", list(Format))
def test_what_is_written_is_the_golden_record(form: Format) -> None:
    golden = GOLDEN[form]
    written = write(read(golden), form)
    assert written == golden[: len(written)]
    assert set(golden[len(written) :]) <= {0}, "only what a file has behind the record is left out"


byte = st.integers(0, 255)
word = st.integers(0, 0xFFFF)
triple = st.tuples(byte, byte, byte)
points = st.lists(st.builds(Point, byte, byte, word, word, word), max_size=5).map(tuple)
judgements = st.lists(st.builds(Judgement, st.none() | st.integers(0, 100), word, word), max_size=3).map(tuple)
moments = st.none() | st.integers(0, 2**36).map(lambda ms: datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms))
common = {
    "image": st.binary(min_size=1, max_size=50),
    "width": word,
    "height": word,
    "image_type": byte,
    "points": points,
    "colour_space": byte,
}
of_2005 = st.builds(
    FacePicture,
    coding=st.sampled_from([Coding.JPEG, Coding.JPEG2000]),
    source=byte,
    subject=st.builds(Subject, byte, byte, byte, st.just(0), st.integers(0, 0xFFFFFF), word, triple, triple),
    capture=st.builds(Capture, device=word),
    **common,
)
of_2011 = st.builds(
    FacePicture,
    coding=st.sampled_from(list(Coding)),
    sampling=byte,
    processing=word,
    cross_reference=byte,
    subject=st.builds(Subject, byte, byte, byte, byte, st.integers(0, 0xFFFFFF), word, triple, triple),
    capture=st.builds(Capture, moments, byte, word, word, judgements),
    **common,
)


@given(st.lists(of_2005, min_size=1, max_size=3).map(tuple))
def test_pictures_of_2005_come_back(pictures: tuple[FacePicture, ...]) -> None:
    assert read(write(pictures, Format.ISO_2005)) == pictures


@given(st.lists(of_2011, min_size=1, max_size=3).map(tuple))
def test_pictures_of_2011_come_back(pictures: tuple[FacePicture, ...]) -> None:
    assert read(write(pictures, Format.ISO_2011)) == pictures


def test_what_one_year_cannot_say_is_left_out_in_it() -> None:
    (newer,) = read(GOLDEN[Format.ISO_2011])
    (older,) = read(write([newer], Format.ISO_2005))
    assert (older.image, older.points, older.coding) == (newer.image, newer.points, Coding.JPEG2000)
    assert older.capture == Capture(device=0x0304)
    assert older.subject.height_cm == 0


@pytest.mark.parametrize(
    ("kind", "coding"), [("JPEG", Coding.JPEG), ("JPEG2000", Coding.JPEG2000), ("PNG", Coding.PNG)]
)
def test_the_picture_inside_is_the_file_as_it_was(kind: str, coding: Coding) -> None:
    file = encode(scene(), kind)
    (found,) = read(write([FacePicture(file, coding, 64, 48)]))
    assert found.image == file
    assert decode(found.image).pixels.shape == (48, 64, 3)


def test_nothing_of_a_person_is_in_a_repr() -> None:
    (found,) = read(GOLDEN[Format.ISO_2011])
    assert "ffd8" not in repr(found)
    assert "\\xff" not in repr(found)
    assert "170" not in repr(found)


@pytest.mark.parametrize(
    ("pictures", "form"),
    [
        ((), Format.ISO_2011),
        ((FacePicture(b"", Coding.JPEG, 1, 1),), Format.ISO_2011),
        ((FacePicture(JPEG, Coding.PNG, 1, 1),), Format.ISO_2005),
        ((FacePicture(JPEG, Coding.JPEG, 70_000, 1),), Format.ISO_2005),
        ((FacePicture(JPEG, Coding.JPEG, -1, 1),), Format.ISO_2011),
        ((FacePicture(JPEG, Coding.JPEG, 1, 1, subject=Subject(pose=(256, 0, 0))),), Format.ISO_2011),
        ((FacePicture(JPEG, Coding.JPEG, 1, 1, subject=Subject(properties=1 << 24)),), Format.ISO_2005),
        ((FacePicture(JPEG, Coding.JPEG, 1, 1),) * (MAX_PICTURES + 1), Format.ISO_2011),
    ],
)
def test_what_does_not_fit_is_not_written(pictures: tuple[FacePicture, ...], form: Format) -> None:
    with pytest.raises(ValueError, match=r"record|19794|bytes must be"):
        write(pictures, form)


def code_of(data: bytes) -> str:
    with pytest.raises(InvalidRecord) as caught:
        read(data)
    return caught.value.code


@pytest.mark.parametrize("form", list(Format))
def test_damage_has_a_code(form: Format) -> None:
    whole = write(read(GOLDEN[form]), form)
    assert {code_of(whole[:length]) for length in range(8, len(whole))} == {"record_malformed"}
    assert code_of(b"FAC\x00040\0" + whole[8:]) == "record_version_unsupported"
    assert code_of(b"") == "record_format_unknown"
    assert code_of(b"FIR\x00010\0") == "record_format_unknown"
    assert code_of(whole + bytes(MAX_RECORD_BYTES)) == "record_too_large"


def test_counts_that_no_record_has_are_refused_before_they_are_read() -> None:
    older, newer = bytearray(GOLDEN[Format.ISO_2005]), bytearray(GOLDEN[Format.ISO_2011])
    for data, pictures, landmarks in ((older, 12, 18), (newer, 12, 46)):
        for place, value in ((pictures, 0), (pictures, 0xFFFF), (landmarks, 0xFFFF)):
            changed = bytearray(data)
            changed[place : place + 2] = value.to_bytes(2, "big")
            assert code_of(bytes(changed)) == "record_malformed"


def test_a_time_that_there_is_not_is_no_time() -> None:
    data = bytearray(GOLDEN[Format.ISO_2011])
    for written in (bytes(9), b"\xff" * 9):
        data[21:30] = written
        (found,) = read(bytes(data))
        assert found.capture.at is None
        assert found.image == JPEG


@settings(max_examples=200)
@given(
    st.sampled_from(list(GOLDEN.values())),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=4),
    st.integers(0, 40),
    st.binary(max_size=8),
)
def test_damaged_records(data: bytes, changes: list[tuple[float, int]], cut: int, added: bytes) -> None:
    damaged = bytearray(data)
    for where, value in changes:
        damaged[round(where * (len(damaged) - 1))] = value
    try:
        found = read(bytes(damaged[: len(damaged) - cut]) + added)
    except InvalidRecord as error:
        code, found = error.code, ()
    else:
        code = ""
    assert (code in CODES) != bool(found)
    assert all(one.image for one in found)
