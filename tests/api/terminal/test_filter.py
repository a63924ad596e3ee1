"""The filter and what builds it: nothing is missed, errors are as rare as eleven bits make them, bounds hold."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.feed.snapshots import building, fuse
from api.feed.snapshots.building import FilterNotBuilt, shape_for
from api.feed.snapshots.fuse import Words
from api.feed.snapshots.parameters import ARITY
from api.terminal import filter as filters
from api.terminal.filter import ARITIES, Filter, FilterMalformed, Shape, mix


def drawn(count: int, seed: int = 1) -> Words:
    return np.random.default_rng(seed).integers(0, 2**64, count, dtype=np.uint64)


def tags(keys: Words) -> list[bytes]:
    return [int(key).to_bytes(8, "little") + b"whatever" for key in keys]


@pytest.mark.parametrize("arity", ARITIES)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 7, 20, 100, 1000, 30_000])
def test_nothing_is_missed_and_little_is_found_by_mistake(count: int, arity: int) -> None:
    built = building.build(drawn(count), arity=arity, seeds=range(100))
    asked = built.filter()
    assert built.count == count
    assert all(tag in asked for tag in tags(drawn(count)))
    # 97.7 are expected of 200,000; more than 150 come once in ten million times.
    assert sum(tag in asked for tag in tags(drawn(200_000, 2))) < 150


@given(keys=st.lists(st.integers(0, 2**64 - 1), max_size=300), arity=st.sampled_from(ARITIES))
def test_any_keys_are_held(keys: list[int], arity: int) -> None:
    """Alike ones, which random ones never are, among them."""
    words = np.array(keys + keys[:10], np.uint64)
    built = building.build(words, arity=arity)
    asked = built.filter()
    assert built.count == len(set(keys))
    assert all(tag in asked for tag in tags(words))


def test_the_two_programs_compute_the_same() -> None:
    keys = drawn(1000)
    hashes = np.empty_like(keys)
    fuse.hash_keys(keys, np.uint64(77), hashes)
    assert hashes.tolist() == [mix((int(key) + 77) % 2**64) for key in keys]
    assert (
        fuse._BITS,
        int(fuse._FIRST_FACTOR),
        int(fuse._SECOND_FACTOR),
        int(fuse._SPREAD),
    ) == (filters.FINGERPRINT_BITS, filters.FIRST_FACTOR, filters.SECOND_FACTOR, filters.SPREAD)


def test_the_same_seed_makes_the_same_filter() -> None:
    first, second = (building.build(drawn(500), seeds=range(9, 99)) for _ in range(2))
    assert first == second
    assert building.build(drawn(500)[::-1].copy(), seeds=range(9, 99)) == first


def test_ten_million_tags_fit() -> None:
    shape = shape_for(10_000_000, ARITY)
    assert shape.body_bytes < 15 * 2**20
    shape.check()


@pytest.mark.parametrize("count", [10**2, 10**3, 10**5, 10**7, 10**8])
@pytest.mark.parametrize("arity", ARITIES)
def test_every_size_has_a_sound_shape(count: int, arity: int) -> None:
    shape = shape_for(count, arity)
    shape.check()
    assert count < shape.cells < 2 * count


def test_a_filter_that_misses_a_key_is_not_published(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(cells: "np.ndarray[tuple[int], np.dtype[np.uint16]]", body: object) -> None:
        cells[cells.argmax()] ^= 1
        whole(cells, body)  # type: ignore[arg-type]

    whole = fuse.pack
    monkeypatch.setattr(fuse, "pack", careless)
    with pytest.raises(FilterNotBuilt):
        building.build(drawn(1000))


def test_no_seed_is_no_filter() -> None:
    with pytest.raises(FilterNotBuilt):
        building.build(drawn(10), seeds=[])


SOUND = shape_for(1000, 4)


@pytest.mark.parametrize(
    "changed",
    [
        {"arity": 2},
        {"arity": 5},
        {"segment_length": 2},
        {"segment_length": 48},
        {"segment_length": 1 << 19},
        {"segments": 0},
        {"segments": 1 << 25},
        {"seed": -1},
        {"seed": 1 << 64},
    ],
)
def test_shapes_out_of_bounds(changed: dict[str, int]) -> None:
    with pytest.raises(FilterMalformed):
        replace(SOUND, **changed).check()


@pytest.mark.parametrize("size", [0, SOUND.body_bytes - 1, SOUND.body_bytes + 1])
def test_bytes_of_another_length(size: int) -> None:
    with pytest.raises(FilterMalformed):
        Filter(SOUND, bytes(size))


def test_a_view_of_memory_is_as_good_as_bytes() -> None:
    built = building.build(drawn(100))
    asked = Filter(built.shape, memoryview(built.body))
    assert all(tag in asked for tag in tags(drawn(100)))
    assert Shape(**built.shape.__dict__) == built.shape
