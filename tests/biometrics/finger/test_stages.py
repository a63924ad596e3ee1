"""The compiled stages against slow, plain versions of them that share no code."""

from __future__ import annotations

import cmath
import heapq
import itertools
import math

import numpy as np
import pytest

from biometrics.finger import parameters
from biometrics.finger.alignment import align, moved, moved_back
from biometrics.finger.edge_table import EdgeTable, tabulate
from biometrics.finger.edges import Edges, describe
from biometrics.finger.heap import Queue, drop_first, new_queue, put
from biometrics.finger.matcher import PreparedFinger
from biometrics.finger.outline import inside, outline
from biometrics.finger.pairing import grow, new_candidates, new_pairing
from biometrics.finger.roots import elect, vote
from biometrics.finger.score import EVIDENCE, collect

from .points import captured_again, random_finger

TAU = 2 * math.pi


def edges_of(seed: int, count: int) -> Edges:
    finger = random_finger(seed, count)
    return Edges(*describe(finger.x, finger.y, finger.direction))


def turned_apart(first: float, second: float) -> float:
    return abs(cmath.phase(cmath.exp(1j * (first - second))))


def like(one: Edges, a: int, b: int, two: Edges, i: int, j: int, length: float, angle: float) -> bool:
    return (
        abs(float(one.length[a, b]) - float(two.length[i, j])) <= length
        and turned_apart(one.own_angle[a, b], two.own_angle[i, j]) <= angle
        and turned_apart(one.far_angle[a, b], two.far_angle[i, j]) <= angle
    )


@pytest.mark.parametrize("seed", range(3))
def test_edges_are_what_complex_numbers_say(seed: int) -> None:
    finger = random_finger(seed, 15)
    edges = edges_of(seed, 15)
    points = [complex(x, y) for x, y in zip(finger.x, finger.y, strict=True)]
    for i, j in itertools.permutations(range(15), 2):
        line = points[j] - points[i]
        assert edges.length[i, j] == pytest.approx(abs(line), rel=1e-5)
        assert turned_apart(edges.own_angle[i, j], finger.direction[i] - cmath.phase(line)) < 1e-5
        assert turned_apart(edges.far_angle[i, j], finger.direction[j] - cmath.phase(line)) < 1e-5
        assert 0 <= edges.own_angle[i, j] < TAU + 1e-6
    for i in range(15):
        nearest = sorted((j for j in range(15) if j != i), key=lambda j, i=i: abs(points[j] - points[i]))  # type: ignore[misc]
        assert edges.neighbours[i].tolist() == nearest[: parameters.NEIGHBOURS]


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_few_minutiae_have_few_neighbours(count: int) -> None:
    assert edges_of(1, count).neighbours.shape == (count, max(count - 1, 0))


@pytest.mark.parametrize("seed", range(4))
def test_votes_are_those_of_trying_every_edge(seed: int) -> None:
    finger = random_finger(seed, 14)
    probe = PreparedFinger.of(captured_again(finger, turn=0.8, jitter=2.0, seed=seed))
    reference = PreparedFinger.of(finger)
    votes = vote(probe.finger.edges, probe.table, reference.finger.edges)
    one, two = probe.finger.edges, reference.finger.edges
    expected = np.zeros((14, 14), int)
    for (a, b), (i, j) in itertools.product(itertools.permutations(range(14), 2), repeat=2):
        long_enough = parameters.ROOT_EDGE_MIN_LENGTH <= two.length[i, j] <= parameters.ROOT_EDGE_MAX_LENGTH
        tolerances = parameters.ROOT_LENGTH_TOLERANCE, parameters.ROOT_ANGLE_TOLERANCE
        expected[a, i] += long_enough and like(one, a, b, two, i, j, *tolerances)
    np.testing.assert_array_equal(votes, expected)
    assert votes.trace() > 0 or votes.max() > 3


def test_every_long_enough_edge_is_in_the_table() -> None:
    edges = edges_of(2, 12)
    table = EdgeTable(*tabulate(edges))
    listed = set(table.edges.tolist())
    for i, j in itertools.permutations(range(12), 2):
        if parameters.ROOT_EDGE_MIN_LENGTH <= edges.length[i, j] <= parameters.ROOT_EDGE_MAX_LENGTH:
            assert i * 12 + j in listed
    assert table.starts[-1] == len(table.edges)


def test_the_elected_have_the_most_votes() -> None:
    votes = np.random.default_rng(0).integers(0, 9, (30, 40)).astype(np.int32)
    roots = elect(votes)
    got = votes[roots[:, 0], roots[:, 1]].tolist()
    assert got == sorted(votes.ravel().tolist(), reverse=True)[: parameters.ROOTS]
    assert len({tuple(root) for root in roots.tolist()}) == parameters.ROOTS
    assert elect(np.zeros((5, 5), np.int32)).shape == (0, 2)


def test_the_queue_sorts() -> None:
    rng = np.random.default_rng(1)
    queue = Queue(*new_queue(500))
    plain: list[tuple[float, int]] = []
    out: list[float] = []
    expected: list[float] = []
    for number in range(500):
        key = float(np.float32(rng.uniform()))
        put(queue, key, number, 0, 0, 0)
        heapq.heappush(plain, (key, number))
        if number % 3 == 2:
            assert queue.values[0, 0] == plain[0][1]
            out.append(float(queue.keys[0]))
            drop_first(queue)
            expected.append(heapq.heappop(plain)[0])
    assert out == expected
    assert queue.size[0] == len(plain)


def plain_growth(one: Edges, two: Edges, root: tuple[int, int]) -> tuple[list[tuple[int, int]], dict[int, int]]:
    """The pairs in order and the support of each, with a dict and Python's heap."""
    partner: dict[int, int] = {}
    support: dict[int, int] = {}
    order: list[tuple[int, int]] = []
    waiting = [(0.0, 0, *root, -1)]
    ticket = itertools.count(1)
    while waiting:
        _, _, a, b, source = heapq.heappop(waiting)
        if a in partner or b in partner.values():
            if partner.get(a) == b:
                support[a] += 1
                support[source] += 1
            continue
        partner[a] = b
        support[a] = 0
        order.append((a, b))
        for c, d in itertools.product(one.neighbours[a].tolist(), two.neighbours[b].tolist()):
            if not like(one, a, c, two, b, d, parameters.LENGTH_TOLERANCE, parameters.ANGLE_TOLERANCE):
                continue
            if c not in partner and d not in partner.values():
                heapq.heappush(waiting, (float(one.length[a, c] + two.length[b, d]), next(ticket), c, d, a))
            elif partner.get(c) == d:
                support[a] += 1
                support[c] += 1
    return order, support


@pytest.mark.parametrize("seed", range(6))
def test_growth_is_that_of_a_plain_version(seed: int) -> None:
    finger = random_finger(seed, 25)
    again = captured_again(finger, turn=0.3, jitter=1.5, spurious=6, seed=seed)
    one, two = Edges(*describe(again.x, again.y, again.direction)), edges_of(seed, 25)
    pairing, candidates = new_pairing(31, 25), new_candidates(31, 25)
    sizes = []
    for root in itertools.product(range(0, 31, 3), range(0, 25, 3)):
        grow(one, two, *root, pairing, candidates)
        order, support = plain_growth(one, two, root)
        tree = pairing.tree[: pairing.size[0]]
        assert [(a, b) for a, b in tree[:, :2].tolist()] == order
        assert {a: int(pairing.support[a]) for a, _ in order} == support
        sizes.append(len(order))
    assert max(sizes) > 1


def test_alignment_undoes_a_movement() -> None:
    finger = random_finger(4)
    again = captured_again(finger, turn=1.1, shift=(12.0, 8.0), seed=2)
    x, y = again.x, again.y
    distances = np.hypot(*(np.subtract.outer(u, u) for u in (finger.x, finger.y)))
    others = np.hypot(*(np.subtract.outer(u, u) for u in (x, y)))
    partner = [
        int(np.argmin([np.abs(np.sort(others[i]) - np.sort(row)).sum() for row in distances])) for i in range(len(x))
    ]
    tree = np.array([(i, p, -1, -1) for i, p in enumerate(partner)], np.int32)
    movement = align(x, y, finger.x, finger.y, tree)
    assert turned_apart(movement.angle, -1.1) < 1e-3
    for i, p in enumerate(partner):
        assert moved(movement, x[i], y[i]) == pytest.approx((finger.x[p], finger.y[p]), abs=0.2)
        assert moved_back(movement, finger.x[p], finger.y[p]) == pytest.approx((x[i], y[i]), abs=0.2)


def test_the_outline_holds_every_point_and_nothing_far_outside() -> None:
    finger = random_finger(6)
    corners = outline(finger.x, finger.y)
    assert all(inside(corners, x, y) for x, y in zip(finger.x, finger.y, strict=True))
    middle = corners.mean(axis=0)
    for corner in corners:
        assert not inside(corners, *(corner + 0.3 * (corner - middle)))
    assert not inside(corners[:2], *middle)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_the_outline_of_few_points(count: int) -> None:
    finger = random_finger(1, count)
    assert len(outline(finger.x, finger.y)) == (count if count != 1 else 0)


def test_the_evidence_of_a_finger_with_itself() -> None:
    side = PreparedFinger.of(random_finger(9, 30)).finger
    pairing, candidates = new_pairing(30, 30), new_candidates(30, 30)
    grow(side.edges, side.edges, 0, 0, pairing, candidates)
    evidence = np.zeros(len(EVIDENCE))
    collect(side, side, pairing, 0.25, evidence)
    found = dict(zip(EVIDENCE, evidence.tolist(), strict=True))
    assert found["pairs"] == found["kinds"] == 30
    assert found["overlap_pairs"] == pytest.approx(30 * found["overlap_share"])
    assert found["share"] == pytest.approx(30 / (30 + parameters.SHARE_PRIOR))
    assert found["overlap_share"] == pytest.approx(30 / (30 + parameters.OVERLAP_PRIOR))
    prior = parameters.MEAN_PRIOR
    assert found["length_accuracy"] == pytest.approx((29 + 0.5 * prior) / (29 + prior))
    assert found["angle_accuracy"] == pytest.approx((29 + 0.5 * prior) / (29 + prior))
    assert found["displacement"] == pytest.approx(prior * parameters.PRIOR_DISPLACEMENT / (30 + prior), abs=1e-3)
    assert found["turning"] == pytest.approx(prior * parameters.PRIOR_TURNING / (30 + prior), abs=1e-3)
    assert found["size"] == pytest.approx(math.log(900))
    centre_x, centre_y = side.x.mean(), side.y.mean()
    distances = np.hypot(side.x - centre_x, side.y - centre_y)
    assert found["spread"] == pytest.approx(distances.sum() / (30 + prior), rel=1e-4)
