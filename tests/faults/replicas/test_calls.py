"""Calls are counted out exactly, and no two have one number: idempotency keys are made of it."""

from tests.faults.replicas.calls import Calls


def test_a_number_that_was_given_back_is_given_to_nobody_else() -> None:
    calls = Calls(wanted=3)
    first, second = calls.begin(), calls.begin()
    calls.give_back()  # the first one, while the second is still out
    later = [calls.begin(), calls.begin(), calls.begin()]
    assert len({first, second, *later[:2]}) == 4
    assert later[2] is None, "three are made in the end"
