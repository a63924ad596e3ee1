"""Products of bytes against numpy's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biometrics.duplicates.products import alike, raised, turned


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 150), st.integers(1, 300), st.sampled_from([32, 128]), st.integers(0, 2**16))
def test_pairs_are_those_of_a_plain_product(rows: int, columns: int, dimensions: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    probes = draw.integers(-127, 128, (rows, dimensions), np.int8)
    references = draw.integers(-127, 128, (columns, dimensions), np.int8)
    products = probes.astype(np.int32) @ references.astype(np.int32).T
    least = int(np.quantile(products, draw.random()))
    assert np.array_equal(alike(raised(probes), turned(references), columns, least), np.argwhere(products >= least))


@pytest.mark.parametrize("least", [-(10**6), 0])
def test_everything_is_found_where_everything_is_alike(least: int) -> None:
    same = np.full((70, 32), 5, np.int8)
    assert len(alike(raised(same), turned(same[:65]), 65, least)) == 70 * 65
