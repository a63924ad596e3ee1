"""The citizen's number and its check character."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cards.number import CheckDigitWrong, NumberInvalid, check_character, normalise

SEVENTEEN = st.text(alphabet="0123456789", min_size=17, max_size=17)


def iso_7064_mod_11_2(digits: str) -> str:
    """The check character by the standard's recursion, which uses no table of weights (ISO/IEC 7064, 6.1)."""
    product = 0
    for digit in digits:
        product = (product + int(digit)) * 2 % 11
    check = (12 - product) % 11
    return "X" if check == 10 else str(check)


@pytest.mark.parametrize(
    "number",
    [
        "11010519491231002X",  # the example of GB 11643-1999
        "440524188001010014",  # likewise
        "34052419800101001X",
    ],
)
def test_known_numbers_are_sound(number: str) -> None:
    assert normalise(number) == number


@given(SEVENTEEN)
def test_check_character_is_that_of_the_standard(digits: str) -> None:
    assert check_character(digits) == iso_7064_mod_11_2(digits)


@given(SEVENTEEN)
def test_lower_case_and_surrounding_space_are_forgiven(digits: str) -> None:
    number = digits + iso_7064_mod_11_2(digits)
    assert normalise(f" {number.lower()}\n") == number


@given(SEVENTEEN, st.integers(0, 16), st.integers(1, 9))
def test_every_single_slip_is_caught(digits: str, place: int, change: int) -> None:
    slipped = (int(digits[place]) + change) % 10
    wrong = f"{digits[:place]}{slipped}{digits[place + 1 :]}{iso_7064_mod_11_2(digits)}"
    with pytest.raises(CheckDigitWrong):
        normalise(wrong)


@given(SEVENTEEN, st.integers(0, 15))
def test_every_swap_of_neighbours_is_caught(digits: str, place: int) -> None:
    swapped = digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]
    wrong = swapped + iso_7064_mod_11_2(digits)
    if swapped == digits:
        assert normalise(wrong) == wrong
    else:
        with pytest.raises(CheckDigitWrong):
            normalise(wrong)


@pytest.mark.parametrize(
    "number",
    [
        "",
        "11010519491231002",  # 17
        "11010519491231002XX",
        "110105491231002",  # the 15-digit form of before 1999
        "11010519491231002Y",
        "1101051949123100XX",
        "١١٠١٠٥١٩٤٩١٢٣١٠٠٢X",  # digits of another script
        "１１０１０５１９４９１２３１００２Ｘ",
        "11010519491231\0002X",
        "1101 0519 4912 3100 2X",
    ],
)
def test_other_forms_are_refused(number: str) -> None:
    with pytest.raises(NumberInvalid):
        normalise(number)
