"""BIRs in XML: one as MOSIP writes it, what comes back of what is written, and what hostile documents meet."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biometrics.errors import InvalidRecord
from biometrics.interchange import bir_xml, elements
from biometrics.interchange.birs import (
    FACE,
    FINGER,
    BdbInfo,
    Bir,
    BirInfo,
    Level,
    Purpose,
    Quality,
    RegisteredId,
    Version,
)
from biometrics.interchange.parameters import (
    FED_BYTES,
    MAX_ATTRIBUTES,
    MAX_BIRS,
    MAX_ELEMENTS,
    MAX_ENVELOPE_BYTES,
    MAX_TEXT,
)

from .golden import AS_MOSIP_WRITES_IT


def test_a_document_as_mosip_writes_it() -> None:
    found = bir_xml.read(AS_MOSIP_WRITES_IT)
    face, finger = found.children
    assert found.bdb is None
    assert face == Bir(
        version=Version(1, 1),
        cbeff_version=Version(1, 1),
        bdb=b"FAC\x00030\0",
        bdb_info=BdbInfo(
            types=(FACE,),
            subtypes=("UNKNOWN",),
            format=RegisteredId("257", "8"),
            level=Level.RAW,
            purpose=Purpose.VERIFY,
            quality=Quality(RegisteredId("HMAC", "SHA-256"), 100),
            created=datetime(2019, 6, 24, 18, 12, 32, 755_000, UTC),
        ),
        others=(("EXCEPTION", "false"),),
    )
    assert finger.bdb_info is not None
    assert (finger.bdb_info.types, finger.bdb_info.subtypes) == ((FINGER,), ("Left", "IndexFinger"))
    assert finger.bdb_info.quality == Quality(RegisteredId("HMAC", "SHA-256"), None, "no finger")
    assert found.blocks() == (face,), "an envelope without data holds none"


texts = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0x2FFF, exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]),
    min_size=1,
    max_size=12,
)
ids = st.builds(RegisteredId, texts, texts)
moments = st.integers(0, 2**33).map(lambda second: datetime.fromtimestamp(second, UTC))
versions = st.builds(Version, st.integers(0, 99), st.integers(0, 99))
some = st.none()
infos = st.builds(
    BirInfo,
    st.booleans(),
    some | texts,
    some | st.uuids(),
    some | st.binary(max_size=9),
    some | moments,
    some | moments,
)
qualities = st.builds(Quality, ids, st.integers(0, 100)) | st.builds(Quality, ids, some, texts)
bdb_infos = st.builds(
    BdbInfo,
    types=st.lists(st.sampled_from([FACE, FINGER]), max_size=2).map(tuple),
    subtypes=st.lists(st.sampled_from(["Left", "Right", "Thumb"]), max_size=2).map(tuple),
    format=some | ids,
    level=some | st.sampled_from(list(Level)),
    purpose=some | st.sampled_from(list(Purpose)),
    quality=some | qualities,
    encrypted=some | st.booleans(),
    index=some | st.uuids(),
    challenge_response=some | st.binary(max_size=9),
    created=some | moments,
    product=some | ids,
    capture_device=some | ids,
    extraction_algorithm=some | ids,
    comparison_algorithm=some | ids,
    compression_algorithm=some | ids,
)


def envelopes(children: st.SearchStrategy[tuple[Bir, ...]]) -> st.SearchStrategy[Bir]:
    return st.builds(
        Bir,
        info=infos,
        bdb_info=some | bdb_infos,
        bdb=some | st.binary(max_size=40),
        children=children,
        version=some | versions,
        cbeff_version=some | versions,
        security=some | st.binary(max_size=9),
        security_format=some | ids,
        others=st.lists(st.tuples(texts, texts), max_size=2).map(tuple),
    )


@settings(max_examples=40)
@given(envelopes(st.lists(envelopes(st.just(())), max_size=2).map(tuple)))
def test_an_envelope_comes_back(bir: Bir) -> None:
    assert bir_xml.read(bir_xml.write(bir)) == bir


def test_elements_are_written_in_the_order_of_the_schema() -> None:
    bir = Bir(
        version=Version(1, 1),
        bdb=b"a",
        bdb_info=BdbInfo(types=(FACE,), level=Level.RAW, quality=Quality(RegisteredId("a", "b"), 1), index=UUID(int=5)),
        children=(Bir(),),
        others=(("a", "b"),),
    )
    document = bir_xml.write(bir).decode()
    order = [
        "<Version>",
        "<BIRInfo>",
        "<BDBInfo>",
        "<Index>",
        "<Type>",
        "<Level>",
        "<Quality>",
        "<BIR>",
        "<BDB>",
        "<others>",
    ]
    places = [document.index(name) for name in order]
    assert places == sorted(places)


def test_a_text_that_xml_cannot_hold_is_not_written() -> None:
    with pytest.raises(ValueError, match="XML"):
        bir_xml.write(Bir(info=BirInfo(creator="a\x00b")))


def test_nothing_of_a_person_is_in_a_repr() -> None:
    assert "FAC" not in repr(bir_xml.read(AS_MOSIP_WRITES_IT))


def of(inside: str, head: str = "") -> bytes:
    return f'{head}<BIR xmlns="{bir_xml.NAMESPACE}">{inside}</BIR>'.encode()


def info(inside: str) -> bytes:
    return of(f"<BDBInfo>{inside}</BDBInfo>")


def code_of(data: bytes) -> str:
    with pytest.raises(InvalidRecord) as caught:
        bir_xml.read(data)
    return caught.value.code


LAUGHS = '<!DOCTYPE BIR [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
FETCHES = '<!DOCTYPE BIR [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"words", id="no XML"),
        pytest.param(of("")[:-3], id="cut off"),
        pytest.param(b"<BDB/>", id="another element"),
        pytest.param(b'<BIR xmlns="urn:another"/>', id="another namespace"),
        pytest.param(of("<BDB>&b;</BDB>", LAUGHS), id="entities"),
        pytest.param(of("<BDB>&a;</BDB>", FETCHES), id="a file of ours"),
        pytest.param(of("", "<!DOCTYPE BIR>"), id="a document type"),
        pytest.param(of("<BIR>" * 20 + "</BIR>" * 20), id="depth"),
        pytest.param(of('<x xmlns="urn:another">' * 100_000), id="depth of others"),
        pytest.param(of("<BIR/>" * (MAX_BIRS + 1)), id="many envelopes"),
        pytest.param(of("<x/>" * (MAX_ELEMENTS + 1)), id="many elements"),
        pytest.param(b'<?xml version="1.0" encoding="nonsense"?><BIR/>', id="encoding"),
        pytest.param(of("<BDB>abc</BDB>"), id="base64 cut off"),
        pytest.param(of("<BDB>ab*=</BDB>"), id="no base64"),
        pytest.param(of("<BDB>\u00e9\u00e9\u00e9\u00e9</BDB>"), id="no ASCII"),
        pytest.param(of("<Version><Major>-1</Major></Version>"), id="a negative number"),
        pytest.param(of("<Version><Major>" + "9" * 5000 + "</Major></Version>"), id="a large number"),
        pytest.param(of("<BIRInfo><Integrity>perhaps</Integrity></BIRInfo>"), id="no truth value"),
        pytest.param(of("<BIRInfo><Index>1</Index></BIRInfo>"), id="no UUID"),
        pytest.param(of(f"<BIRInfo><Creator>{'a' * 5000}</Creator></BIRInfo>"), id="a long name"),
        pytest.param(info("<CreationDate>yesterday</CreationDate>"), id="no time"),
        pytest.param(info("<CreationDate>0001-01-01T00:00:00+14:00</CreationDate>"), id="a time before all"),
        pytest.param(info("<Level>Cooked</Level>"), id="no level"),
        pytest.param(info("<Purpose>Fun</Purpose>"), id="no purpose"),
        pytest.param(of("<x " + " ".join(f'a{n}="1"' for n in range(MAX_ATTRIBUTES + 1)) + "/>"), id="many attributes"),
        # Each within what a tag may be, and each kept under a name of its own: a file of 3 MB took 4 GB.
        pytest.param(of(f'<x xmlns:q="{"u" * 4000}"><y q:a="1"/></x>'), id="a long name of an attribute"),
        pytest.param(of(f'<x xmlns:q="{"u" * 4000}"><q:y/></x>'), id="a long name of an element"),
        pytest.param(of(f'<others><entry key="{"k" * (MAX_TEXT + 1)}">v</entry></others>'), id="a long key"),
        pytest.param(info("<Quality><Score>101</Score></Quality>"), id="too good"),
    ],
)
def test_a_document_that_is_none_has_a_code(data: bytes) -> None:
    assert code_of(data) == "record_malformed"


def test_a_document_that_is_too_large_is_not_looked_at() -> None:
    assert code_of(bytes(MAX_ENVELOPE_BYTES + 1)) == "record_too_large"


# What the parser would make something of, and of how much: (the tag, where it would end).
LONG = {
    "an attribute": f'<x a="{"a" * 1_000_000}"/>',
    "attributes": "<x " + " ".join(f'a{n}="1"' for n in range(100_000)) + "/>",
    "a namespace of many names": f'<x xmlns:q="{"u" * 1_000_000}"><y '
    + " ".join(f'q:a{n}=""' for n in range(500))
    + "/></x>",
    "namespaces": "<x " + " ".join(f'xmlns:a{n}="u"' for n in range(100_000)) + "/>",
    "a name": f"<{'x' * 1_000_000}/>",
    "an attribute without an end": f'<x a="{"a" * 1_000_000}',
    "a comment": f"<!--{'a' * 1_000_000}-->",
    "an instruction": f"<?a {'a' * 1_000_000}?>",
}


@pytest.mark.parametrize("inside", LONG.values(), ids=LONG)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_long_tag_is_refused_before_it_is_expanded(
    inside: str, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A namespace's name is written out for each attribute that bears it: a megabyte became 6 GB."""
    begun: list[str] = []
    start = elements._Target.start

    def noted(target: elements._Target, tag: str, attributes: Mapping[str, str]) -> None:
        begun.append(tag)
        start(target, tag, attributes)

    monkeypatch.setattr(elements._Target, "start", noted)
    assert code_of(of(inside).decode().encode(encoding)) == "record_malformed"
    assert len(begun) == 1, "the outermost"


@pytest.mark.parametrize("before", range(0, FED_BYTES, 331))
def test_tags_are_whole_wherever_the_pieces_end(before: int) -> None:
    """The longest key that is taken, and what stands around it, across the ends of what the parser is given."""
    key, filler = "k" * MAX_TEXT, base64.b64encode(bytes(before)).decode()
    found = bir_xml.read(of(f'<BDB>{filler}</BDB><others><entry key="{key}">v</entry></others>'))
    assert (found.others, found.bdb) == (((key, "v"),), bytes(before))


def test_words_are_taken_in_any_case() -> None:
    found = bir_xml.read(info("<Level>PROCESSED</Level><Purpose>ENROLL</Purpose>"))
    assert found.bdb_info is not None
    assert (found.bdb_info.level, found.bdb_info.purpose) == (Level.PROCESSED, Purpose.ENROLL)


def test_a_block_of_data_may_be_large() -> None:
    block = bytes(range(256)) * 8000
    found = bir_xml.read(of(f"<BDB>{base64.b64encode(block).decode()}</BDB>"))
    assert found.bdb == block


@settings(max_examples=150)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=3)), min_size=1, max_size=3),
    st.integers(0, 30),
)
def test_damaged_documents(changes: list[tuple[float, bytes]], cut: int) -> None:
    damaged = bytearray(AS_MOSIP_WRITES_IT)
    for where, part in changes:
        place = round(where * (len(damaged) - 1))
        damaged[place : place + 2] = part
    try:
        found = bir_xml.read(bytes(damaged[: len(damaged) - cut]))
    except InvalidRecord as error:
        code = error.code
    else:
        code = "record_malformed"
        again = bir_xml.read(bir_xml.write(found))
        assert [one.bdb for one in again.blocks()] == [one.bdb for one in found.blocks()]
    assert code == "record_malformed"
