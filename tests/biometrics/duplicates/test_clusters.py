"""Findings put together to cases."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from biometrics.duplicates import Finding, Kind, clusters


def finding(low: int, high: int, llr: float = 20.0, kind: Kind = Kind.SAME_PERSON) -> Finding:
    return Finding(low, high, kind, llr, 1e-12, False, 0.7, 11.0)


def keys(*findings: Finding) -> list[tuple[int, ...]]:
    return [one.keys for one in clusters(findings)]


def test_records_that_all_match_are_one_case() -> None:
    (one,) = clusters([finding(*pair, llr=sum(pair)) for pair in combinations(range(5), 2)])
    assert one.keys == (0, 1, 2, 3, 4)
    assert [of.llr for of in one.findings] == sorted((sum(pair) for pair in combinations(range(5), 2)), reverse=True)
    assert one.llr == 7


def test_three_may_be_joined_by_two_links() -> None:
    assert keys(finding(1, 2, 25), finding(2, 3)) == [(1, 2, 3)]


def test_a_chain_does_not_become_one_person() -> None:
    chain = [finding(number, number + 1, 20 + number / 100) for number in range(99)]
    made = clusters(chain)
    assert max(len(one.keys) for one in made) == 3
    assert sorted(of.low for one in made for of in one.findings) == list(range(99))


def test_two_groups_with_one_link_stay_two() -> None:
    left, right = ([finding(*pair, llr=30) for pair in combinations(of, 2)] for of in ((1, 2, 3), (4, 5, 6)))
    assert keys(*left, *right, finding(3, 4, 20)) == [(1, 2, 3), (4, 5, 6), (3, 4)]


def test_twins_are_never_joined() -> None:
    told = [finding(1, 2, 30), finding(2, 3, 25), finding(1, 3, 5, Kind.FACE_ALIKE_FINGERS_DIFFER)]
    made = clusters(told)
    assert [(one.kind, one.keys) for one in made] == [
        (Kind.SAME_PERSON, (1, 2)),
        (Kind.SAME_PERSON, (2, 3)),
        (Kind.FACE_ALIKE_FINGERS_DIFFER, (1, 3)),
    ]


def test_nothing_found() -> None:
    assert clusters([]) == []


PAIRS = list(combinations(range(8), 2))
KINDS = st.sampled_from([Kind.SAME_PERSON] * 4 + list(Kind))


@given(st.data())
def test_order_does_not_matter_and_nothing_is_lost(data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(PAIRS), unique=True, max_size=20))
    told = [finding(*pair, data.draw(st.floats(1, 40)), data.draw(KINDS)) for pair in chosen]
    made = clusters(told)
    assert clusters(data.draw(st.permutations(told))) == made
    inside = [of for one in made for of in one.findings]
    assert sorted(inside, key=lambda one: one.rank) == sorted(told, key=lambda one: one.rank)
    assert [one.findings[0].rank for one in made] == sorted(one.findings[0].rank for one in made)
    apart = {(one.low, one.high) for one in told if one.kind is Kind.FACE_ALIKE_FINGERS_DIFFER}
    for one in made:
        assert one.kind is Kind.SAME_PERSON or len(one.keys) == 2
        if one.kind is Kind.SAME_PERSON:
            assert not apart & set(combinations(one.keys, 2))
            # As few links as there may be: half of the pairs between the two groups at each joining.
            assert len(one.findings) >= len(one.keys) - 1
