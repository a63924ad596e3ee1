"""A gallery finds what a comparison with everything finds, through any number of changes."""

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from biometrics.gallery import ALWAYS, Gallery, Precision, entries_of
from tests.biometrics.gallery.people import Floats, directions, near

ENGINE = "test-1"
SMALL, LARGE = 300, 3_000


@pytest.fixture
def codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compressed first stage from a thousand entries on, with a shortlist to match."""
    monkeypatch.setattr("biometrics.gallery.stages.EXACT_UP_TO", 1_000)
    monkeypatch.setattr("biometrics.gallery.gallery.EXACT_UP_TO", 1_000)
    monkeypatch.setattr("biometrics.gallery.codes.SHORTLIST", 200)


@pytest.mark.usefixtures("codes")
@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_mates_are_found_with_the_score_of_a_comparison(size: int, precision: Precision) -> None:
    people = directions(size)
    gallery = Gallery.of(ENGINE, 10 * np.arange(size), people, sequence=7, precision=precision)
    probes = near(people[:50], 0.7)
    hits = gallery.search(probes, 3)
    assert hits.keys[:, 0].tolist() == [10 * index for index in range(50)]
    off = 1e-5 if precision is Precision.HALF else 0.0003
    assert np.abs(hits.scores[:, 0] - (probes * people[:50]).sum(axis=1)).max() < off
    assert (np.diff(hits.scores, axis=1) <= 0).all()
    assert hits.sequence == 7


@pytest.mark.usefixtures("codes")
def test_a_compressed_search_is_the_exact_one() -> None:
    people, probes = directions(LARGE), directions(40, seed=9)
    compressed = Gallery.of(ENGINE, np.arange(LARGE), people).search(probes, 1)
    best = (probes @ people.T).argmax(axis=1)
    # Of strangers the first stage may miss one that is hardly better than the next.
    assert np.mean(compressed.keys[:, 0] == best) >= 0.95


def test_an_empty_gallery_finds_nothing() -> None:
    hits = Gallery.of(ENGINE).search(directions(2), 3)
    assert hits.keys.tolist() == [[-1] * 3] * 2
    assert np.isneginf(hits.scores).all()


def test_fewer_entries_than_asked_for_leave_the_rest_empty() -> None:
    hits = Gallery.of(ENGINE, [4, 9], directions(2)).search(directions(1), 3)
    assert sorted(hits.keys[0].tolist()) == [-1, 4, 9]
    assert np.isneginf(hits.scores[0, 2])


@pytest.mark.usefixtures("codes")
@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_whoever_is_removed_is_found_no_more(size: int) -> None:
    people = directions(size)
    gallery = Gallery.of(ENGINE, np.arange(size), people)
    gallery.change(2, removed=[5, 5, 10_000_000])
    hits = gallery.search(people[5:6], 4)
    assert 5 not in hits.keys
    assert hits.sequence == 2
    assert len(gallery) == size - 1


@pytest.mark.usefixtures("codes")
@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_whoever_is_added_is_found_at_once(size: int) -> None:
    gallery = Gallery.of(ENGINE, np.arange(size), directions(size))
    newcomer = directions(1, seed=77)
    gallery.change(1, keys=[size + 5], vectors=newcomer)
    assert gallery.search(near(newcomer, 0.8), 1).keys[0, 0] == size + 5


@pytest.mark.usefixtures("codes")
@pytest.mark.parametrize("share", [0.5, 0.001])
def test_a_filter_costs_no_recall(share: float) -> None:
    people = directions(LARGE)
    until = np.where(np.random.default_rng(3).random(LARGE) < share, 20_000, 10_000)
    until[:20] = 20_000
    gallery = Gallery.of(ENGINE, np.arange(LARGE), people, until=until)
    hits = gallery.search(near(people[:20], 0.7), 2, day=15_000)
    assert hits.keys[:, 0].tolist() == list(range(20))
    found = hits.keys[hits.keys >= 0]
    assert (until[found] == 20_000).all()


def test_the_last_day_of_validity_counts() -> None:
    person = directions(1)
    gallery = Gallery.of(ENGINE, [1], person, until=[100])
    assert gallery.search(person, 1, day=100).keys[0, 0] == 1
    assert gallery.search(person, 1, day=101).keys[0, 0] == -1
    assert gallery.search(person, 1).keys[0, 0] == 1


@pytest.mark.parametrize("keys", [[3], [2, 2], [5, 4], [-1]])
def test_keys_must_grow(keys: list[int]) -> None:
    gallery = Gallery.of(ENGINE, [3], directions(1))
    with pytest.raises(ValueError, match="keys"):
        gallery.change(9, keys=keys, vectors=directions(len(keys)), removed=[3])
    assert len(gallery) == 1
    assert gallery.sequence == 0


def test_what_is_no_vector_is_refused() -> None:
    gallery = Gallery.of(ENGINE, [3], directions(1))
    broken = directions(1)
    broken[0, 0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        gallery.change(1, keys=[4], vectors=broken)
    with pytest.raises(ValueError, match="vectors"):
        gallery.change(1, keys=[4, 5], vectors=directions(1))
    with pytest.raises(ValueError, match="top"):
        gallery.search(directions(1), 0)
    with pytest.raises(ValueError, match="queries"):
        gallery.search(directions(1)[:, :64], 1)


@pytest.mark.usefixtures("codes")
def test_a_rebuilt_gallery_finds_the_same_and_forgets_the_removed() -> None:
    people = directions(LARGE)
    gallery = Gallery.of(ENGINE, np.arange(LARGE), people, until=np.full(LARGE, 9_000), sequence=3)
    gallery.change(4, removed=np.arange(0, LARGE, 2))
    assert gallery.condition().wants_rebuilding
    told: list[int] = []
    fresh = gallery.rebuilt(told.append)
    assert sum(told) == LARGE // 2 == len(fresh)
    assert fresh.memory_bytes < 0.6 * gallery.memory_bytes
    assert not fresh.condition().wants_rebuilding
    assert fresh.sequence == 4
    probes = near(people[1:21:2], 0.7)
    assert fresh.search(probes, 1).keys.tolist() == gallery.search(probes, 1).keys.tolist()
    assert (fresh.search(probes, 1, day=9_001).keys == -1).all()


@pytest.mark.usefixtures("codes")
def test_a_gallery_that_outgrew_its_first_stage_says_so() -> None:
    gallery = Gallery.of(ENGINE, np.arange(900), directions(900))
    assert not gallery.condition().wants_rebuilding
    gallery.change(1, keys=900 + np.arange(200), vectors=directions(200, seed=5))
    assert gallery.condition().wants_rebuilding
    assert not gallery.rebuilt().condition().wants_rebuilding


@pytest.mark.usefixtures("codes")
def test_newcomers_of_another_kind_are_found_as_well() -> None:
    """There is no codebook that fits only those who were there first."""
    gallery = Gallery.of(ENGINE, np.arange(LARGE), directions(LARGE))
    moved = directions(1_000, seed=21) + directions(1, seed=22)
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    gallery.change(1, keys=LARGE + np.arange(1_000), vectors=moved)
    hits = gallery.search(near(moved[:100], 0.8), 1)
    assert hits.keys[:, 0].tolist() == (LARGE + np.arange(100)).tolist()


def test_an_odd_number_of_dimensions_is_refused() -> None:
    with pytest.raises(ValueError, match="dimensions"):
        Gallery.of(ENGINE, dimensions=127)


def test_blocks_make_the_same_gallery_as_all_at_once() -> None:
    people = directions(SMALL)
    blocks = (entries_of(128, np.arange(at, at + 100), people[at : at + 100]) for at in range(0, SMALL, 100))
    told: list[int] = []
    gallery = Gallery.build(ENGINE, blocks, SMALL, sequence=2, progress=told.append)
    assert told == [100, 100, 100]
    whole = Gallery.of(ENGINE, np.arange(SMALL), people)
    probes = near(people[:10], 0.6)
    assert gallery.search(probes, 5).keys.tolist() == whole.search(probes, 5).keys.tolist()


class Changes(RuleBasedStateMachine):
    """Whatever is added, removed and rebuilt: a search finds what a comparison with everything in a list finds."""

    def __init__(self) -> None:
        super().__init__()
        self.gallery = Gallery.of(ENGINE)
        self.listed: dict[int, tuple[int, int]] = {}  # key: (seed of the vector, until)
        self.next = 0

    @rule(count=st.integers(1, 5), until=st.sampled_from([50, 100, ALWAYS]), gap=st.integers(1, 3))
    def add(self, count: int, until: int, gap: int) -> None:
        keys = [self.next + gap * number for number in range(count)]
        vectors = np.concatenate([directions(1, seed=1_000 + key) for key in keys])
        self.gallery.change(self.gallery.sequence + 1, keys=keys, vectors=vectors, until=[until] * count)
        self.listed |= {key: (1_000 + key, until) for key in keys}
        self.next = keys[-1] + 1

    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        keys = data.draw(st.lists(st.integers(0, self.next), max_size=4))
        self.gallery.change(self.gallery.sequence + 1, removed=keys)
        for key in keys:
            self.listed.pop(key, None)

    @rule()
    def rebuild(self) -> None:
        self.gallery = self.gallery.rebuilt()

    @invariant()
    def finds_what_is_listed(self) -> None:
        assert len(self.gallery) == len(self.listed)
        for day in (None, 50, 51, 101):
            there = {key: seed for key, (seed, until) in self.listed.items() if day is None or until >= day}
            hits = self.gallery.search(directions(1, seed=4), len(self.listed) + 2, day=day)
            assert {key for key in hits.keys[0].tolist() if key >= 0} == set(there)


TestChanges = Changes.TestCase
TestChanges.settings = settings(max_examples=30, stateful_step_count=12, deadline=None)


@pytest.mark.parametrize("size", [1, 40])
def test_the_best_come_first_and_equals_by_key(size: int) -> None:
    people = np.repeat(directions(size), 2, axis=0)
    hits = Gallery.of(ENGINE, np.arange(2 * size), people).search(directions(1, seed=8), 2 * size)
    assert hits.keys[0].tolist() == by_likeness(people)


@pytest.mark.parametrize("top", [1, 3, 79])
def test_of_equals_among_many_the_first_stay_where_not_all_are_wanted(
    top: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("biometrics.gallery.stages.EXACT_UP_TO", 10)
    people = np.repeat(directions(40), 2, axis=0)
    hits = Gallery.of(ENGINE, np.arange(80), people).search(directions(1, seed=8), top)
    assert hits.keys[0].tolist() == by_likeness(people)[:top]


def by_likeness(people: Floats) -> list[int]:
    scores = (people @ directions(1, seed=8)[0]).tolist()
    return sorted(range(len(people)), key=lambda key: (-round(scores[key], 5), key))
