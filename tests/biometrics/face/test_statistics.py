from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from biometrics.face import FaceEngine, Statistics, StatisticsError
from biometrics.face import parameters as p
from biometrics.face.fitting import _moments, fit, halves
from biometrics.face.statistics import _load
from models import tensors


def people(count: int, pictures: int, seed: int, size: int = 32) -> tuple[NDArray[np.float32], list[str]]:
    """Embeddings that differ between people in the first half of the numbers, between pictures more in the second."""
    rng = np.random.default_rng(seed)
    half = size // 2
    identity = np.repeat(np.concatenate([rng.normal(size=(count, half)), np.zeros((count, half))], 1), pictures, 0)
    spread = np.concatenate([np.full(half, 0.5), np.full(half, 1.5)])
    vectors = identity + spread * rng.normal(size=(count * pictures, size)) + 1.0
    return vectors.astype(np.float32), [f"p{seed}-{number}" for number in range(count) for _ in range(pictures)]


def separation(vectors: NDArray[np.float64], pictures: int) -> float:
    """Distance of mean cosines of same and different people, in deviations of the latter."""
    cosines = vectors @ vectors.T
    same = np.kron(np.eye(len(vectors) // pictures), np.ones((pictures, pictures))) - np.eye(len(vectors))
    other = cosines[np.kron(np.eye(len(vectors) // pictures), np.ones((pictures, pictures))) == 0]
    return float((cosines[same == 1].mean() - other.mean()) / other.std())


def test_statistics_of_some_people_tell_others_apart_better() -> None:
    fitted = fit("x-1", *people(300, 3, 1))
    others, _ = people(300, 3, 2)
    bare = others / np.linalg.norm(others, axis=1, keepdims=True)
    assert separation(fitted.apply(others), 3) > 1.5 * separation(bare.astype(np.float64), 3)


def test_the_result_has_length_one_and_ignores_the_length_of_what_goes_in() -> None:
    fitted = fit("x-1", *people(100, 2, 3))
    vectors, _ = people(5, 1, 4)
    np.testing.assert_allclose(np.linalg.norm(fitted.apply(vectors), axis=1), 1)
    np.testing.assert_allclose(fitted.apply(vectors * 7), fitted.apply(vectors), atol=1e-6)
    np.testing.assert_allclose(fitted.apply(vectors[0]), fitted.apply(vectors)[0])


def test_the_covariance_within_people_is_unbiased() -> None:
    vectors, names = people(4000, 2, 5, size=8)
    numbers = np.unique(names, return_inverse=True)[1]
    mean, within = _moments(vectors.astype(np.float64), numbers)
    np.testing.assert_allclose(np.diag(within), [0.25] * 4 + [2.25] * 4, rtol=0.1)
    np.testing.assert_allclose(mean, 1, atol=0.1)


def test_nobody_counts_for_more_than_ten_pictures() -> None:
    """A person with a thousand pictures of a scatter of his own hardly moves the covariance of the others."""
    vectors, names = people(200, 3, 6, size=8)
    rng = np.random.default_rng(0)
    odd = np.concatenate([vectors, (5 * rng.normal(size=(1000, 8))).astype(np.float32)])
    both = [
        np.diag(_moments(rows.astype(np.float64), np.unique(who, return_inverse=True)[1])[1]).mean()
        for rows, who in ((vectors, names), (odd, [*names, *["odd"] * 1000]))
    ]
    expected = (both[0] * 600 + 25 * p.MOST_PICTURES) / (600 + p.MOST_PICTURES)
    assert both[1] == pytest.approx(expected, rel=0.1)


def test_too_few_people_are_refused() -> None:
    with pytest.raises(ValueError, match="people"):
        fit("x-1", *people(p.LEAST_PEOPLE - 1, 2, 7))
    with pytest.raises(ValueError, match="people"):
        fit("x-1", *people(200, 1, 7))


def test_the_order_of_the_pictures_changes_nothing() -> None:
    vectors, names = people(120, 2, 8)
    order = np.random.default_rng(1).permutation(len(names))
    first, second = fit("x-1", vectors, names), fit("x-1", vectors[order], [names[i] for i in order])
    np.testing.assert_allclose(first.transform, second.transform, atol=1e-5)
    assert first.provenance == second.provenance


def test_halves_are_those_of_the_names() -> None:
    names = [f"name {number}" for number in range(1000)]
    side = halves(names)
    assert 400 < side.sum() < 600
    np.testing.assert_array_equal(halves(names[::-1]), side[::-1])
    assert (halves(names, "other") != side).mean() > 0.3


def test_the_file_holds_the_same_and_has_the_same_bytes() -> None:
    made = fit("x-1", *people(100, 2, 9), {"data": "made"})
    again = Statistics.from_bytes(made.to_bytes(), "x-1")
    np.testing.assert_array_equal(again.transform, made.transform)
    np.testing.assert_array_equal(again.mean, made.mean)
    assert again.provenance == made.provenance
    assert again.provenance["people"] == 100
    assert again.to_bytes() == made.to_bytes()


ZEROS, EYE = np.zeros(4, np.float32), np.eye(4, dtype=np.float32)


def file(
    facts: str | None = '{"engine": "x-1"}',
    mean: NDArray[np.float32] = ZEROS,
    transform: NDArray[np.float32] = EYE,
) -> bytes:
    return tensors.dumps({"mean": mean, "transform": transform}, None if facts is None else {"facts": facts})


@pytest.mark.parametrize(
    "damage",
    [
        lambda good: b"",
        lambda good: b"no tensors",
        lambda good: good[: len(good) // 2],
        lambda good: file(None),
        lambda good: file("no JSON"),
        lambda good: file("[]"),
        lambda good: file("{}"),
        lambda good: file(transform=np.eye(5, dtype=np.float32)),
        lambda good: file(mean=np.full(4, np.nan, np.float32)),
        lambda good: file('{"engine": "x-2"}'),
        lambda good: tensors.dumps({"mean": ZEROS}, {"facts": '{"engine": "x-1"}'}),
        lambda good: b"PK\x03\x04" + good,
    ],
)
def test_a_file_that_is_none_is_refused(damage: Callable[[bytes], bytes]) -> None:
    with pytest.raises(StatisticsError) as caught:
        Statistics.from_bytes(damage(Statistics.neutral("x-1", 4).to_bytes()), "x-1")
    assert caught.value.code == "statistics_damaged"


def test_the_file_is_read_without_running_anything_and_by_others_tools() -> None:
    """The header is JSON, the rest plain numbers, as the safetensors format has them."""
    data = Statistics.neutral("x-1", 4).to_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    assert json.loads(header["__metadata__"]["facts"]) == {"engine": "x-1"}
    assert header["transform"] == {"dtype": "F32", "shape": [4, 4], "data_offsets": [16, 80]}
    np.testing.assert_array_equal(np.frombuffer(data, "<f4", 16, 8 + length + 16).reshape(4, 4), np.eye(4))


def test_another_engines_statistics_are_never_taken(tmp_path: Path) -> None:
    with pytest.raises(StatisticsError) as caught:
        Statistics.load("sface-1")
    assert caught.value.code == "statistics_missing"


def test_what_ships_says_where_it_comes_from_and_holds_no_people() -> None:
    _load.cache_clear()
    shipped = Statistics.load(FaceEngine.engine)
    assert {
        "method",
        "people",
        "pictures",
        "shrinkage",
        "whitening",
        "data",
        "when",
        "command",
        "versions",
        "pack",
    } <= set(shipped.provenance)
    assert "python -m benchmarks face-statistics" in shipped.provenance["command"]
    assert shipped.mean.shape == (128,)
    assert len(shipped.to_bytes()) < 100_000
    np.testing.assert_allclose(shipped.transform, shipped.transform.T, atol=1e-5)
    stretch = np.linalg.eigvalsh(shipped.transform.astype(np.float64))
    assert 1 <= stretch.max() / stretch.min() < 3, "nothing is blown up"
