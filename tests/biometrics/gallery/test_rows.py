"""What is kept of vectors, and how exactly."""

import numpy as np
import pytest

from biometrics.gallery import Precision
from biometrics.gallery.parameters import FIRST_PART
from biometrics.gallery.rows import Rows
from biometrics.gallery.table import Table
from tests.biometrics.gallery.people import directions


@pytest.mark.parametrize(("precision", "error", "size"), [(Precision.HALF, 1e-7, 256), (Precision.TWELVE, 6e-5, 192)])
def test_scores_and_what_they_cost(precision: Precision, error: float, size: int) -> None:
    people, query = directions(3_000), directions(1, seed=9)[0]
    rows = Rows(128, precision)
    rows.append(people[:1_000])
    rows.append(people[1_000:])
    positions = np.array([0, 3, 3, 999, 1_000, 2_999])
    exact = people.astype(np.float64)[positions] @ query
    assert np.std(rows.scores(query, np.arange(3_000)) - people.astype(np.float64) @ query) < error
    assert rows.scores(query, positions) == pytest.approx(exact, abs=5 * error)
    assert (rows.take(positions).astype(np.float64) @ query) == pytest.approx(exact, abs=5 * error)
    assert rows.nbytes == 3_000 * (size + 4)


def test_twelve_bits_hold_the_extremes() -> None:
    rows = Rows(4, Precision.TWELVE)
    given = np.array([[1, -1, 0, 1 / 2047], [0, 0, 0, 0], [-2047, 2047, -16, 15]], np.float32)
    rows.append(given)
    assert rows.block(0, 3) == pytest.approx(given, rel=1e-6)
    assert rows.scores(np.array([1, 2, 3, 4], np.float32), np.array([2])) == pytest.approx([2047 - 48 + 60])


def test_a_table_grows_without_moving_what_is_in_it() -> None:
    table, expected = Table(2, np.int32, np.arange(6, dtype=np.int32).reshape(3, 2)), [0, 2, 4]
    for first in range(100, 100 + 3 * FIRST_PART, 5_000):
        block = np.arange(first, first + 5_000, dtype=np.int32)
        table.append(np.stack([block, block], axis=1))
        expected += block.tolist()
    assert len(table) == len(expected)
    places = np.sort(np.random.default_rng(1).integers(0, len(table), 500))
    assert table.take(places)[:, 0].tolist() == np.array(expected)[places].tolist()
    parts = [part for _, part, _ in table.parts(places)]
    assert len(parts) > 2
    assert table.nbytes == 8 * len(table)


def test_an_empty_table() -> None:
    table = Table(2, np.int32, np.empty((0, 2), np.int32))
    assert len(table) == 0
    assert table.take(np.empty(0, np.int64)).shape == (0, 2)
