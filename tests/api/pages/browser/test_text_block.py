"""The page reads a chip's text as the service does: the same blocks, the same fields, the same refusals."""

import base64
import random
import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from playwright.sync_api import expect

from api.cards.parameters import TEXT_BYTES, TEXT_FIELDS
from api.cards.text_block import CardText, OtherCardType, TextBlockInvalid, build, parse
from api.reader.cards import demo_card
from tests.api.pages.browser.conftest import House, NewPage

pytestmark = pytest.mark.long

READ = """async ([blocks]) => {
  const { parseText } = await import("/pages/card.js");
  const { text_block: layout } = await (await fetch("/pages/config.json")).json();
  const read = (block) => { try { return parseText(block, layout); } catch (error) { return error.code ?? "?"; } };
  return blocks.map(read);
}"""
TAKEN = """async (card) => {
  const { fromReader } = await import("/pages/card.js");
  const { text_block: layout } = await (await fetch("/pages/config.json")).json();
  return fromReader(card, layout);
}"""
TEXT = demo_card("valid").text
NUMBER = re.compile(r"[0-9]{17}[0-9Xx]")
SOUND = [
    TEXT,
    replace(TEXT, valid_to=None),
    replace(TEXT, name="欧阳·阿卜杜拉", address="𠮷林省長春市〇〇路" + "１" * 9),
    replace(TEXT, valid_from=date(2024, 2, 29), number=TEXT.number[:-1] + "X"),
    replace(TEXT, issuer="某某市公安局 某某分局"),
]


def over(field: str, written: str) -> bytes:
    """A sound block with a field written over."""
    block, start = bytearray(build(TEXT)), 0
    for name, length in TEXT_FIELDS:
        if name == field:
            block[start : start + length] = written.encode("utf-16-le").ljust(length, b" \0"[:1])[:length]
        start += length
    return bytes(block)


def damaged() -> list[bytes]:
    """Blocks that are wrong in one way, and blocks with a few bytes changed by chance."""
    drawn = random.Random(7)
    made = [b"", build(TEXT)[:-1], build(TEXT) + b" ", bytes(TEXT_BYTES), b"\xff" * TEXT_BYTES]
    made += [over("valid_from", day) for day in ("20230229", "20231301", "2023 101", "２０２３０１０１", "长期")]
    made += [over("valid_to", day) for day in ("00000101", "99991231", "长 期")]
    made += [over("reserved", " " * 14 + sign) for sign in "IYJK"]
    for _ in range(300):
        block = bytearray(build(TEXT))
        for _ in range(drawn.randrange(1, 4)):
            block[drawn.randrange(TEXT_BYTES)] = drawn.randrange(256)
        made.append(bytes(block))
    return made


def shown(text: CardText) -> dict[str, Any]:
    to = None if text.valid_to is None else text.valid_to.isoformat()
    days = {"valid_from": text.valid_from.isoformat(), "valid_to": to}
    return {**text.fields(), "number": text.number, "issuer": text.issuer, **days}


def test_the_page_reads_what_the_service_reads(new_page: NewPage) -> None:
    page = new_page("/kiosk", signed_in=False)
    blocks = [build(text) for text in SOUND] + damaged()
    read = page.evaluate(READ, [[base64.b64encode(block).decode() for block in blocks]])
    for text, found in zip(SOUND, read, strict=False):
        assert {name: found[name] for name in shown(text)} == shown(text)
    refused = 0
    for block, found in zip(blocks, read, strict=True):
        try:
            text = parse(block)
        except OtherCardType:
            assert found == "card_type_unsupported"
        except TextBlockInvalid:
            assert found == "card_garbled"
        else:
            # The page looks at the number's form too, which the service refuses by another name.
            refused += isinstance(found, str)
            if not isinstance(found, str):
                assert {name: found[name] for name in shown(text)} == shown(text)
            else:
                assert NUMBER.fullmatch(text.number) is None or not text.issuer
    assert refused < len(blocks) / 3, "most blocks are compared"


def test_what_nobody_can_read_is_kept_and_not_sent(house: House, new_page: NewPage) -> None:
    page = new_page("/counter")
    read = demo_card("valid").read().as_json()
    taken = page.evaluate(TAKEN, read)
    assert taken["opaque"] == {"photo": read["photo_blob"], "fingers": read["finger_blobs"]}
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.post_data or ""))
    house.reader.place(house.issue())
    laid = house.reader._card
    assert laid is not None
    told = laid[1].as_json()
    expect(page.locator("#verify")).to_be_enabled()
    page.locator("#verify").click()
    expect(page.locator("#outcome")).to_be_visible()
    assert any(told["text"] in body for body in sent), "the text block goes along"
    for blob in (told["photo_blob"], *told["finger_blobs"]):
        assert len(base64.b64decode(blob)) in {1024, 512}
        assert not [body for body in sent if blob in body]
