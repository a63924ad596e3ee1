"""Codes let through whom they should, whatever is in the way."""

import numpy as np
import pytest
from numpy.typing import NDArray

from biometrics.gallery import looks
from biometrics.gallery.codes import Codes
from biometrics.gallery.parameters import BLOCK, LARGE
from tests.biometrics.gallery.people import Floats, directions, near

SIZE = 2 * BLOCK + 700


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few pass that codes have to choose."""
    monkeypatch.setattr("biometrics.gallery.codes.SHORTLIST", 300)


def coded(vectors: Floats, *, steps: int = 3_000) -> Codes:
    codes = Codes(vectors.shape[1])
    for first in range(0, len(vectors), steps):
        codes.append(vectors[first : first + steps])
    return codes


def days(count: int) -> NDArray[np.int32]:
    return np.full(count, 10, np.int32)


def in_four_bits(query: Floats) -> NDArray[np.int64]:
    step = float(np.abs(query).max()) / 7.5
    return np.asarray(np.clip(np.rint(query / step), -8, 7), np.int64)


@pytest.mark.parametrize("dimensions", [32, 64, 128, 200])
def test_scores_are_inner_products_of_the_codes_with_the_query(dimensions: int) -> None:
    draw = np.random.default_rng(1)
    people = draw.standard_normal((500, dimensions)).astype(np.float32) / np.float32(np.sqrt(dimensions))
    query = draw.standard_normal(dimensions).astype(np.float32)
    whole = in_four_bits(query)
    codes = coded(people)
    planes, [blocks] = codes._planes(query), codes.blocks()
    places, scores = np.empty(500, np.int64), np.empty(500, np.int16)
    low = -looks.lowest(planes)
    assert looks.passing(blocks, planes, (low // 3, low), days(500), 0, False, places, scores) == 500
    assert places.tolist() == list(range(500))
    large = np.abs(people) > LARGE / np.sqrt(dimensions)
    numbers = np.where(people > 0, 1, -1) * np.where(large, 3, 1)
    # A bit is a number -1 or 1, of which the query's sum is taken off.
    assert (2 * scores.astype(int) - 3 * whole.sum()).tolist() == (numbers @ whole).tolist()


@pytest.mark.parametrize("early", [False, True])
@pytest.mark.parametrize("count", [1, 63, 64, 65, BLOCK, BLOCK + 1, SIZE])
def test_who_reaches_both_bars_and_may_be_found_passes(count: int, early: bool) -> None:
    people, query = directions(count), directions(1, seed=5)[0]
    codes, whole = coded(people), in_four_bits(query)
    until = np.random.default_rng(2).integers(8, 12, count).astype(np.int32)
    signs = (people > 0) @ whole
    score = 2 * signs + ((np.abs(people) > LARGE / np.sqrt(128)) == (people > 0)) @ whole
    places, scores = np.empty(SIZE, np.int64), np.empty(SIZE, np.int16)
    bars = int(np.quantile(signs, 0.5)), int(np.quantile(score, 0.7))
    [blocks] = codes.blocks()
    found = looks.passing(blocks, codes._planes(query), bars, until, 10, early, places, scores)
    right = np.flatnonzero((signs >= bars[0]) & (score >= bars[1]) & (until >= 10))
    assert places[:found].tolist() == right.tolist()
    assert scores[:found].tolist() == score[right].tolist()


@pytest.mark.usefixtures("few")
def test_mates_pass_and_most_strangers_do_not() -> None:
    people = directions(SIZE)
    codes, until = coded(people), days(SIZE)
    for number, probe in zip(range(0, SIZE, 400), near(people[::400], 0.6), strict=True):
        found = codes.search(probe, 1, until, 0)
        assert number in found
        assert 50 < len(found) < 1_200
        assert (np.diff(found) > 0).all()


@pytest.mark.usefixtures("few")
def test_the_best_by_the_codes_are_those_that_are_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("biometrics.gallery.codes.SIGNS_PASS", 1e9)
    people, query = directions(SIZE), directions(1, seed=5)[0]
    large = np.abs(people) > LARGE / np.sqrt(128)
    scores = (np.where(people > 0, 1, -1) * np.where(large, 3, 1)) @ in_four_bits(query)
    found = coded(people).search(query, 1, days(SIZE), 0)
    best = np.sort(np.lexsort((np.arange(SIZE), -scores))[:300])
    assert found.tolist() == best.tolist()


@pytest.mark.usefixtures("few")
def test_few_are_looked_at_with_both_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    people, query = directions(SIZE), directions(1, seed=5)[0]
    signs = np.where(people > 0, 1, -1) @ in_four_bits(query)
    codes = coded(people)
    before = int(signs[codes.search(query, 1, days(SIZE), 0)].min())
    monkeypatch.setattr("biometrics.gallery.codes.SIGNS_PASS", 0.2)
    least = int(signs[codes.search(query, 1, days(SIZE), 0)].min())
    assert least > before
    assert 0.02 * SIZE < np.count_nonzero(signs >= least) < 0.2 * SIZE


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("share", [0.3, 0.02, 0.0])
def test_whoever_is_not_to_be_found_takes_nobody_s_place(share: float) -> None:
    people = directions(SIZE)
    until = np.where(np.random.default_rng(2).random(SIZE) < share, 10, 5).astype(np.int32)
    until[7] = 10
    found = coded(people).search(near(people[7:8], 0.5)[0], 1, until, 10)
    assert 7 in found
    assert (until[found] == 10).all()
    assert len(found) >= min(80, int(np.count_nonzero(until == 10)))


@pytest.mark.usefixtures("few")
def test_equal_entries_without_number_do_not_flood_the_comparison() -> None:
    person = directions(1)
    found = coded(np.repeat(person, SIZE, axis=0)).search(person[0], 1, days(SIZE), 0)
    assert found.tolist() == list(range(300))


@pytest.mark.usefixtures("few")
def test_two_kinds_of_equal_entries_of_which_each_reaches_another_bar_are_found() -> None:
    """The one has the better signs, the other the better score: nobody has both."""
    query = np.ones(128, np.float32)
    signs, score = np.full(128, -0.01, np.float32), np.full(128, -0.01, np.float32)
    signs[:70], score[:66] = 0.01, 1.0
    people = np.stack([signs, score])[np.arange(SIZE) % 2]
    found = coded(people).search(query, 1, days(SIZE), 0)
    assert found.tolist() == list(range(1, 600, 2))


def test_more_dimensions_than_a_score_can_hold() -> None:
    with pytest.raises(ValueError, match="dimensions"):
        Codes(1_281)


def test_what_is_added_later_lies_in_parts_of_its_own() -> None:
    people = directions(3 * BLOCK)
    codes = Codes(128)
    codes.reserve(BLOCK + 5)
    codes.append(people[: BLOCK + 5])
    codes.append(people[BLOCK + 5 :])
    assert len(codes) == 3 * BLOCK
    assert np.concatenate(codes.blocks()).tolist() == np.concatenate(coded(people, steps=999).blocks()).tolist()
    codes.append(people[:9])
    assert sum(map(len, codes.blocks())) == 4
    assert len(codes.blocks()) == 2


def test_entries_beyond_those_that_are_registered_are_not_found() -> None:
    people = directions(20)
    assert coded(people).search(people[0], 1, days(12), 0).tolist() == list(range(12))


def test_a_query_of_nothing() -> None:
    assert len(coded(directions(5)).search(np.zeros(128, np.float32), 1, days(5), 0)) == 5
