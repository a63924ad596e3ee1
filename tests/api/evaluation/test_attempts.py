"""FAR and FRR of transactions from a score file, against counting and against independent attempts."""

from pathlib import Path

import numpy as np
import pytest

from api.evaluation.attempts import read_attempts, shown, transaction_rates
from api.evaluation.files import FAILED, FileMalformed, Pair, Scored
from tests.biometrics.scoring.samples import normal_tail

PEOPLE = 400


def drawn(attempts: int, instances: int = 1) -> tuple[list[Scored], list[tuple[str, int]]]:
    """Everybody against themselves and against ten others; every attempt N(3, 1) and N(0, 1) anew."""
    random = np.random.default_rng(5)
    rows, places = [], []
    for person in range(PEOPLE):
        for other in range(11):
            probe = (person + other) % PEOPLE
            for attempt in range(1, 1 + attempts):
                for _ in range(instances):
                    score = float(random.normal(0 if other else 3))
                    rows.append(Scored(Pair(f"{person}_1", f"{probe}_2", not other), score))
                    places.append((f"{person}-{probe}", attempt))
    return rows, places


def test_independent_attempts_multiply() -> None:
    rows, places = drawn(3)
    found = {
        (one.metric, one.attempts): one for one in transaction_rates(rows, places, None, together="any", replicates=20)
    }
    assert {one.fmr for one in found.values()} == {1e-2}, "4,000 first attempts do not support 1e-3"
    threshold = found["FAR", 1].threshold
    miss = 1 - normal_tail(threshold - 3)
    for attempts in (1, 2, 3):
        far, frr = found["FAR", attempts], found["FRR", attempts]
        assert (far.n, frr.n) == (10 * PEOPLE, PEOPLE)
        assert far.threshold == threshold
        assert far.value == pytest.approx(1 - (1 - normal_tail(threshold)) ** attempts, rel=0.25)
        assert frr.value == pytest.approx(miss**attempts, abs=0.045)
        assert far.low is not None
        assert far.low < far.value
    columns, table = shown(list(found.values()))
    assert len(table) == 6
    assert all(len(row) == len(columns) for row in table)


def test_two_fingers_of_one_attempt_become_one() -> None:
    rows, places = drawn(1, instances=2)
    any_, all_ = (
        {one.metric: one for one in transaction_rates(rows, places, None, together=how, replicates=5)}
        for how in ("any", "all")
    )
    assert any_["FAR"].n == all_["FAR"].n == 10 * PEOPLE
    assert any_["FAR"].value == pytest.approx(all_["FAR"].value, abs=1e-3), "each at its own threshold of 1 %"
    assert any_["FAR"].threshold > all_["FAR"].threshold


def test_a_failed_attempt_is_rejected_and_another_may_follow() -> None:
    rows = [Scored(Pair("1_1", "1_2", True), score) for score in (FAILED, 9.0)]
    rows += [Scored(Pair(f"{one}_1", f"{one + 1}_1", False), one % 7 / 10) for one in range(1, 3001)]
    places = [("a", 1), ("a", 2), *((f"x{one}", 1) for one in range(1, 3001))]
    found = {
        (one.metric, one.attempts): one.value
        for one in transaction_rates(rows, places, None, together="any", replicates=5)
        if one.fmr == 1e-2
    }
    assert (found["FRR", 1], found["FRR", 2]) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("reference,probe,mated,score\na,b,1,2\n", None),
        ("transaction,reference,probe,mated,score,attempt\nt1,a,b,1,2,1\nt1,a,b,1,2,2\n", [("t1", 1), ("t1", 2)]),
    ],
)
def test_columns_are_optional(tmp_path: Path, text: str, found: list[tuple[str, int]] | None) -> None:
    path = tmp_path / "s.csv"
    path.write_text(text, "utf-8")
    assert read_attempts(path) == found


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("transaction,score\nt,1\n", "both columns"),
        ("transaction,attempt\nt,0\n", "line 2"),
        ("transaction,attempt\nt,first\n", "line 2"),
        ("transaction,attempt\nt\n", "line 2"),
        ("transaction,attempt\n,1\n", "line 2"),
    ],
)
def test_what_is_no_transaction_is_refused_by_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "s.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(FileMalformed, match=complaint):
        read_attempts(path)
