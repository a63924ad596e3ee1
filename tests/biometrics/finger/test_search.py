"""Search among many references: the mate is found, threads and order change nothing, odd galleries are no error."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from biometrics.finger import PreparedFinger, matcher
from biometrics.finger.search import Gallery

from .points import captured_again, random_finger

FINGERS = 60


@pytest.fixture(scope="module")
def gallery() -> Gallery:
    return Gallery.of(random_finger(seed, 20 + seed % 30) for seed in range(FINGERS))


def probe_of(index: int) -> PreparedFinger:
    finger = random_finger(index, 20 + index % 30)
    return PreparedFinger.of(captured_again(finger, turn=0.4, shift=(9.0, 4.0), jitter=1.0, spurious=4, seed=index))


def test_the_mate_is_ranked_first(gallery: Gallery) -> None:
    ranked = [gallery.rank(probe_of(index), 3) for index in range(FINGERS)]
    assert [int(one.indices[0]) for one in ranked] == list(range(FINGERS))
    assert all(np.all(np.diff(one.likeness) <= 0) for one in ranked)


def test_the_search_scores_its_shortlist_as_the_matcher_does(gallery: Gallery) -> None:
    probe = probe_of(7)
    found = gallery.search(probe, 5)
    assert {one.reference for one in found} == set(gallery.rank(probe, 5).indices.tolist())
    assert found[0].reference == 7
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    for one in found:
        assert one.score == matcher.score(probe, PreparedFinger.of(gallery.templates[one.reference]))


@pytest.mark.parametrize("threads", [2, 3, 100])
def test_threads_change_nothing(gallery: Gallery, threads: int) -> None:
    assert np.array_equal(gallery.likenesses(probe_of(3), threads=threads), gallery.likenesses(probe_of(3)))


def test_an_extended_gallery_is_one_of_all_templates(gallery: Gallery) -> None:
    halves = Gallery.of(gallery.templates[:25]).extended(gallery.templates[25:])
    assert len(halves) == len(gallery) == FINGERS
    assert np.array_equal(halves.likenesses(probe_of(30)), gallery.likenesses(probe_of(30)))
    assert np.array_equal(halves.starts, gallery.starts)


def test_more_asked_for_than_there_are(gallery: Gallery) -> None:
    assert sorted(gallery.rank(probe_of(1), 1000).indices.tolist()) == list(range(FINGERS))


def test_an_empty_gallery_finds_nobody() -> None:
    empty = Gallery.of([])
    assert len(empty) == 0
    assert empty.search(probe_of(0)) == []
    assert empty.bytes_per_reference == 0.0
    assert [one.reference for one in empty.extended([random_finger(5, 25)]).search(probe_of(5))] == [0]


def test_fingers_without_minutiae_are_ranked_last(gallery: Gallery) -> None:
    mixed = Gallery.of([random_finger(1, 0), gallery.templates[4], random_finger(1, 1)])
    ranked = mixed.rank(probe_of(4), 3)
    assert ranked.indices.tolist() == [1, 0, 2]
    assert ranked.likeness[1:].tolist() == [0.0, 0.0]


def test_memory_is_what_the_arrays_take(gallery: Gallery) -> None:
    minutiae = sum(len(one) for one in gallery.templates)
    assert gallery.bytes_per_reference == pytest.approx((72 * minutiae + 8 * (FINGERS + 1)) / FINGERS)


@pytest.mark.parametrize("top", [0, -1])
def test_nothing_asked_for_is_an_error(gallery: Gallery, top: int) -> None:
    with pytest.raises(ValueError, match="top"):
        gallery.rank(probe_of(0), top)


def test_no_thread_is_an_error(gallery: Gallery) -> None:
    with pytest.raises(ValueError, match="threads"):
        gallery.likenesses(probe_of(0), threads=0)


def test_an_empty_gallery_loads_no_kernel() -> None:
    """A service starts with one: to load the first kernel of a process takes longer than all the rest of its start."""
    made = "import sys; from biometrics.finger.search import Gallery; Gallery.of([]).extended([])"
    told = "print(any(name.startswith('numba.np.linalg') for name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", f"{made}; {told}"], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
