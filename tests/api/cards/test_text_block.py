"""The chip's text block: 256 bytes in, fields out, and back."""

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cards.parameters import TEXT_BYTES, TEXT_FIELDS
from api.cards.text_block import CardText, OtherCardType, TextBlockInvalid, build, parse

TEXT = CardText(
    name="欧阳建国",
    sex="1",
    nation="01",
    birth="19491231",
    address="北京市朝阳区建国门外大街1号",
    number="11010519491231002X",
    issuer="北京市公安局朝阳分局",
    valid_from=date(2016, 3, 1),
    valid_to=date(2036, 3, 1),
)
WORDS = {
    name: st.text(alphabet=st.characters(codec="utf-16-le", exclude_characters="\0"), max_size=length // 4).map(
        str.strip
    )
    for name, length in TEXT_FIELDS
    if name in {"name", "sex", "nation", "birth", "address", "number", "issuer"}
}
BLOCKS = st.binary(min_size=TEXT_BYTES, max_size=TEXT_BYTES)


def written(**fields: str) -> bytes:
    """TEXT's block with some fields written over, laid out by hand."""
    block, start = bytearray(build(TEXT)), 0
    for name, length in TEXT_FIELDS:
        if name in fields:
            raw = fields[name].encode("utf-16-le")
            block[start : start + length] = raw + b" \0" * ((length - len(raw)) // 2)
        start += length
    assert len(block) == TEXT_BYTES
    return bytes(block)


def test_the_fields_lie_where_readers_put_them() -> None:
    block = build(TEXT)
    assert len(block) == 256
    assert block[:30].decode("utf-16-le") == "欧阳建国" + " " * 11
    assert block[30:32].decode("utf-16-le") == "1"
    assert block[36:52].decode("utf-16-le") == "19491231"
    assert block[122:158].decode("utf-16-le") == "11010519491231002X"
    assert block[188:204].decode("utf-16-le") == "20160301"
    assert block[204:220].decode("utf-16-le") == "20360301"
    assert block[220:].decode("utf-16-le") == " " * 18


@given(
    texts=st.builds(
        CardText,
        **WORDS,
        valid_from=st.dates(),
        valid_to=st.none() | st.dates(),
    )
)
def test_what_was_written_is_read(texts: CardText) -> None:
    assert parse(build(texts)) == texts


def test_long_term_has_no_last_day() -> None:
    assert parse(written(valid_to="长期")).valid_to is None
    assert build(parse(written(valid_to="长期"))) == written(valid_to="长期")


@pytest.mark.parametrize("padding", [" ", "\0", "\u3000"])
def test_padding_of_any_kind_is_trimmed(padding: str) -> None:
    assert parse(written(name="王伟".ljust(15, padding))).name == "王伟"


@pytest.mark.parametrize("length", [0, 1, 255, 257, 1024])
def test_another_length_is_refused(length: int) -> None:
    with pytest.raises(TextBlockInvalid):
        parse((build(TEXT) * 4)[:length])


@pytest.mark.parametrize(
    "day",
    [
        "",
        "长期",
        "20160230",
        "2016",
        "2016-3-1",
        "201631",
        "2016 3 1",
        "00000101",
        "２０１６０３",
        "20161301",
        "abcdefgh",
    ],
)
def test_a_first_day_that_is_none_is_refused(day: str) -> None:
    with pytest.raises(TextBlockInvalid):
        parse(written(valid_from=day))


def test_a_last_day_that_is_none_is_refused() -> None:
    with pytest.raises(TextBlockInvalid):
        parse(written(valid_to="永久"))


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(TextBlockInvalid):
        parse(b"\x00\xd8" + build(TEXT)[2:])


@given(BLOCKS)
def test_garbage_is_refused_and_nothing_else_happens(block: bytes) -> None:
    # A block that happens to hold two days is sound; few random ones do.
    with contextlib.suppress(TextBlockInvalid):
        assert parse(block).valid_from


def test_the_content_does_not_get_into_the_error() -> None:
    with pytest.raises(TextBlockInvalid) as refused:
        parse(written(valid_from="20161301"))
    assert not str(refused.value)


def test_a_text_that_does_not_fit_is_refused() -> None:
    with pytest.raises(TextBlockInvalid):
        build(CardText(**{**vars(TEXT), "name": "名" * 16}))


def test_the_compared_fields_are_those_that_do_not_identify_the_card() -> None:
    assert TEXT.fields() == {
        "name": "欧阳建国",
        "sex": "1",
        "nation": "01",
        "birth": "19491231",
        "address": "北京市朝阳区建国门外大街1号",
    }


@pytest.mark.parametrize("sign", ["I", "Y", "J"])
def test_another_cards_block_is_named_as_such(sign: str) -> None:
    """Its fields lie elsewhere or mean other things, and may look sound all the same."""
    with pytest.raises(OtherCardType):
        parse(written(reserved=" " * 14 + sign))
    assert parse(written(reserved=" " * 13 + sign)) == TEXT, "only where the sign stands"
