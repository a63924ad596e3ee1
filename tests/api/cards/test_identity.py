"""What identifies a card instance, and under which hashes it is looked up."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from api.cards.identity import CardIdentity, indexes
from tests.api.cards.test_text_block import TEXT

KEY = bytes(32)
CARD = CardIdentity(TEXT.number, TEXT.issuer, TEXT.valid_from, TEXT.valid_to, serial="0011223344556677", text=TEXT)


@pytest.mark.parametrize(
    "changes",
    [
        {"number": "440524188001010014"},
        {"issuer": "北京市公安局海淀分局"},
        {"valid_from": date(2016, 3, 2)},
        {"valid_to": date(2036, 3, 2)},
        {"valid_to": None},
    ],
)
def test_each_of_the_four_makes_another_instance(changes: dict[str, Any]) -> None:
    assert indexes(KEY, replace(CARD, **changes)).instance != indexes(KEY, CARD).instance


@pytest.mark.parametrize("changes", [{"serial": None}, {"text": None}])
def test_serial_and_text_are_no_part_of_the_instance(changes: dict[str, Any]) -> None:
    assert indexes(KEY, replace(CARD, **changes)).instance == indexes(KEY, CARD).instance


def test_two_cards_of_a_person_share_the_number_only() -> None:
    renewed = indexes(KEY, replace(CARD, valid_from=date(2026, 3, 1), valid_to=None))
    assert renewed.number == indexes(KEY, CARD).number
    assert renewed.instance != indexes(KEY, CARD).instance


def test_a_value_cannot_slide_from_one_field_into_the_next() -> None:
    one = replace(CARD, number="1", issuer="23")
    other = replace(CARD, number="12", issuer="3")
    assert indexes(KEY, one).instance != indexes(KEY, other).instance


def test_another_deployment_has_other_hashes() -> None:
    ours, theirs = indexes(KEY, CARD), indexes(bytes(31) + b"\1", CARD)
    assert ours.instance != theirs.instance
    assert ours.number != theirs.number
    assert ours.serial != theirs.serial
    assert ours.text is not None
    assert theirs.text is not None
    assert not set(ours.text.values()) & set(theirs.text.values())


def test_equal_texts_of_different_fields_have_different_hashes() -> None:
    same = indexes(KEY, replace(CARD, text=replace(TEXT, sex="1", nation="1"))).text
    assert same is not None
    assert same["sex"] != same["nation"]


def test_what_is_not_given_has_no_hash() -> None:
    bare = indexes(KEY, replace(CARD, serial=None, text=None))
    assert bare.serial is None
    assert bare.text is None
