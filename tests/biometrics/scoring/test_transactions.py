"""Whole transactions against counting and against the products that independent attempts have."""

import math

import numpy as np
import pytest

from biometrics.scoring.transactions import (
    Presentation,
    far,
    frr,
    generalised_far,
    generalised_frr,
    independent_transactions,
    transaction_scores,
)
from tests.biometrics.scoring.samples import normal_tail

FAILED = -math.inf


def tried(transaction: str, *attempts: float, mated: bool = True) -> list[Presentation]:
    people = ("ann", "ann") if mated else ("ann", "bob")
    return [Presentation(transaction, number, *people, mated, score) for number, score in enumerate(attempts)]


def test_a_transaction_is_accepted_with_its_best_attempt() -> None:
    rows = [*tried("a", 1.0, 5.0), *tried("b", FAILED, 2.0, 9.0), *tried("c", FAILED), *tried("x", 4.0, mated=False)]
    once = transaction_scores(rows, attempts=1)
    twice = transaction_scores(rows, attempts=2)
    thrice = transaction_scores(rows, attempts=3)
    assert once.mated.tolist() == [1.0, FAILED, FAILED]
    assert twice.mated.tolist() == [5.0, 2.0, FAILED]
    assert thrice.mated.tolist() == [5.0, 9.0, FAILED]
    assert [float(one.curve().fnmr(3.0)) for one in (once, twice, thrice)] == pytest.approx([1, 2 / 3, 1 / 3])
    assert once.non_mated.tolist() == [4.0]
    assert once.non_mated_subjects.tolist() == [[0, 1]]


def test_instances_of_one_attempt_become_one_score() -> None:
    rows = [Presentation("a", 0, "ann", "ann", True, score) for score in (2.0, 3.0)]
    rows += [Presentation("x", 0, "ann", "bob", False, score) for score in (FAILED, 1.0)]
    found = {way: transaction_scores(rows, attempts=1, together=way) for way in ("any", "all", "sum")}
    assert [found[way].mated.tolist() for way in ("any", "all", "sum")] == [[3.0], [2.0], [5.0]]
    assert [found[way].non_mated.tolist() for way in ("any", "all", "sum")] == [[1.0], [FAILED], [FAILED]]


def test_rates_of_independent_attempts_are_their_products() -> None:
    random = np.random.default_rng(1)
    rows: list[Presentation] = []
    for number in range(20_000):
        for attempt in range(2):
            acquired = random.random() >= 0.1
            mated = number % 2 == 0
            score = float(random.normal(2.0 if mated else 0.0)) if acquired else FAILED
            rows.append(Presentation(number, attempt, 0, 0 if mated else 1, mated, score))
    curve = transaction_scores(rows, attempts=2).curve()
    fnmr, fmr = normal_tail(1.0), normal_tail(1.0)
    rejected = independent_transactions(frr(fnmr, 0.1), 2, accepted=False)
    accepted = independent_transactions(far(fmr, 0.1), 2, accepted=True)
    assert float(curve.fnmr(1.0)) == pytest.approx(rejected, abs=0.008)
    assert float(curve.fmr(1.0)) == pytest.approx(accepted, abs=0.012)


def test_generalised_rates_count_whoever_could_not_be_enrolled() -> None:
    assert far(0.01, 0.1) == pytest.approx(0.009)
    assert frr(0.02, 0.1) == pytest.approx(0.118)
    assert generalised_far(0.01, 0.1, 0.05) == pytest.approx(0.00855)
    assert generalised_frr(0.02, 0.1, 0.05) == pytest.approx(0.05 + 0.95 * 0.118)
    assert generalised_frr(0.0, 0.0, 1.0) == 1.0
    assert independent_transactions(1e-12, 3, accepted=True) == pytest.approx(3e-12)


def test_what_is_no_transaction_is_refused() -> None:
    with pytest.raises(ValueError, match="one reference"):
        transaction_scores([*tried("a", 1.0), *tried("a", 1.0, mated=False)], attempts=1)
    with pytest.raises(ValueError, match="at least one attempt"):
        transaction_scores(tried("a", 1.0), attempts=0)
    with pytest.raises(ValueError, match="at least one attempt"):
        independent_transactions(0.1, 0, accepted=True)
