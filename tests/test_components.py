from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from audiotl_cli.components import component_numbers, components

PAIRS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=20)


@given(PAIRS)
def test_components_are_those_of_scipy(pairs: list[tuple[int, int]]) -> None:
    first, second = zip(*pairs, strict=True) if pairs else ((), ())
    graph = coo_array((np.ones(len(pairs)), (first, second)), shape=(12, 12))
    expected = connected_components(graph, directed=False)[1]
    assert component_numbers(12, pairs) == expected.tolist()


def test_only_nodes_that_have_a_pair_are_listed() -> None:
    assert components([(7, 2), (4, 9), (2, 5)]) == [[2, 5, 7], [4, 9]]
    assert components([]) == []
