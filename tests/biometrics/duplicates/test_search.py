"""The first stage against a comparison of all pairs; jobs in any order, by any number of threads."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biometrics.duplicates import Local, Rule, Suspects
from biometrics.duplicates.search import compare, job_of, merged, partners
from biometrics.finger.sketch import Sketches
from tests.biometrics.duplicates.made import BLOCK, FACE, Made, small_blocks


@given(st.integers(1, 40))
def test_every_two_blocks_meet_in_exactly_one_job(blocks: int) -> None:
    met = [tuple(sorted((job, other))) for job in range(blocks) for other in partners(blocks, job)]
    assert sorted(met) == [(a, b) for a in range(blocks) for b in range(a, blocks)]


@given(st.integers(1, 40))
def test_jobs_are_alike(blocks: int) -> None:
    sizes = {len(partners(blocks, job)) for job in range(blocks)}
    assert max(sizes) - min(sizes) <= 1


def test_a_job_that_there_is_none_of() -> None:
    with pytest.raises(ValueError, match="job 3 of 3"):
        partners(3, 3)


def brute(small: Made, rule: Rule) -> set[tuple[int, int]]:
    """The pairs whose faces alone reach the floor of their kind."""
    register = small.register
    vectors = register.halves.astype(np.float32)
    scores = vectors @ vectors.T
    both = np.array([[(int(one) & int(other)).bit_count() for other in register.held] for one in register.held])
    floors = np.array([rule.floor(fingers) for fingers in range(11)])
    low, high = np.nonzero(np.triu(scores >= floors[both], 1))
    return set(zip(low.tolist(), high.tolist(), strict=True))


def pairs(found: Suspects) -> set[tuple[int, int]]:
    return set(zip(found.low.tolist(), found.high.tolist(), strict=True))


def same(one: Suspects, other: Suspects) -> bool:
    return (
        pairs(one) == pairs(other) and np.array_equal(one.scores, other.scores) and np.array_equal(one.low, other.low)
    )


def test_faces_alone_are_those_of_a_comparison_of_all(small: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    small_blocks(monkeypatch)
    # A floor low enough that a thousand pairs of strangers reach it.
    rule = Rule(len(small.register), FACE, false_per_record=1.0, pairs_per_record=5)
    found = [one for _, one in Local(small.register, rule).run(range(small.register.jobs))]
    vectors = small.register.halves.astype(np.float32)
    low, high = np.nonzero(np.triu(vectors @ vectors.T >= rule.floor(0), 1))
    assert len(low) > 100
    assert pairs(merged(found)) == set(zip(low.tolist(), high.tolist(), strict=True))
    assert sum(len(one) for one in found) == len(low)


def test_sketches_leave_few_and_lose_no_duplicate(small: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    small_blocks(monkeypatch)
    monkeypatch.setattr("biometrics.duplicates.rule.LEAST_SUSPECTS", 20)
    rule = small.rule(pairs_per_record=20)
    found = merged([one for _, one in Local(small.register, rule).run(range(small.register.jobs))])
    alike = brute(small, rule)
    assert pairs(found) < alike
    assert len(found) < len(alike) / 10
    assert {(0, 299), (1, 298), (2, 297), (3, 296)} <= pairs(found)
    assert np.allclose(
        found.scores,
        (small.register.halves[found.low].astype(float) * small.register.halves[found.high]).sum(axis=1),
        atol=1e-6,
    )
    assert (np.lexsort((found.high, found.low)) == np.arange(len(found))).all()


def test_who_does_the_jobs_and_in_what_order_makes_no_difference(small: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    small_blocks(monkeypatch)
    rule = small.rule(pairs_per_record=20)
    jobs = list(range(small.register.jobs))
    assert len(jobs) == -(-300 // BLOCK)
    one = dict(Local(small.register, rule).run(jobs))
    other = dict(Local(small.register, rule, threads=3).run(reversed(jobs)))
    late = dict(Local(small.register, rule, threads=2).run(jobs[2:])) | dict(Local(small.register, rule).run(jobs[:2]))
    for job in jobs:
        for again in (other[job], late[job]):
            assert same(one[job], again)
        assert all(job_of(len(jobs), low, high) == job for low, high in pairs(one[job]))


def test_a_block_with_another_is_the_other_with_it(small: Made) -> None:
    first, second = small.register.part(0, 120), small.register.part(120, 300)
    rule = Rule(len(small.register), FACE, false_per_record=1.0)
    one, other = compare(first, second, rule), compare(second, first, rule)
    assert len(one) > 20
    assert same(one, other)


def test_without_a_sketch_faces_have_to_be_more_alike(small: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("biometrics.duplicates.rule.LEAST_SUSPECTS", 0.001)
    monkeypatch.setattr("biometrics.duplicates.rule.SUSPECTS_PER_RECORD", 1e-6)
    rule = small.rule(pairs_per_record=20, false_per_record=1e-6)
    whole = small.register.part(0, 300)
    bare = whole._replace(sketched=np.full(300, -1, np.int8))
    vectors = whole.halves.astype(np.float32)
    enough = {pair for pair in brute(small, rule) if vectors[pair[0]] @ vectors[pair[1]] >= rule.unsketched}
    assert pairs(compare(bare, bare, rule)) == enough
    assert len(enough) == 3
    assert pairs(compare(whole, whole, rule)) - enough == {(0, 299)}
    codes, places = whole.sketches
    others = whole._replace(sketches=Sketches(np.roll(codes, 7, axis=0), np.roll(places, 7, axis=0)))
    assert pairs(compare(others, others, rule)) == enough, "fingers unlike take no pair away whose faces are so alike"
