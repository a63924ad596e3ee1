"""The benchmark of unlinkability on people who are random vectors."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.face.unlinkability import cost, deployment, measure


def unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def test_other_keys_link_nothing_and_one_key_links_everything() -> None:
    generator = np.random.default_rng(3)
    people = generator.standard_normal((300, 64))
    first, second = (unit(people + 0.3 * generator.standard_normal(people.shape)) for _ in range(2))
    figures = measure("test", first, second, np.arange(300) % 2, pairs=4)
    found = {(one.set, one.metric): one for one in figures}
    assert found["one key", "d_sys"].value > 0.99
    assert found["as it is", "d_sys"].value > 0.99
    assert found["one key", "difference"].value < 1e-6
    stolen = found["stolen before a renewal", "d_sys"]
    other, chance = found["other keys", "d_sys"], found["nothing to link", "d_sys"]
    assert other.value < 3 * chance.value < 0.3
    assert stolen.value < 3 * chance.value
    assert other.low is not None
    assert other.high is not None
    assert other.low <= other.value <= other.high


def test_deployments_turn_each_their_own_way() -> None:
    one, again, other = (deployment(number) for number in (1, 1, 2))
    assert one == again != other
    assert np.array_equal(one.matrix("test", 32), again.matrix("test", 32))
    assert np.abs(one.matrix("test", 32) @ other.matrix("test", 32).T - np.eye(32)).max() > 0.5


def test_what_turning_costs_is_told_for_both_lengths() -> None:
    told = {(one.set, one.metric): one.value for one in cost(times=20)}
    assert set(told) == {(f"{count} numbers", metric) for count in (128, 512) for metric in ("matrix", "turn")}
    assert all(value > 0 for value in told.values())
