from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from audiotl_cli.classifiers.labels import label_numbers, resample, unbalanced
from audiotl_cli.dataset.index import LABEL_SEPARATOR
from audiotl_cli.labels import SEPARATOR, canonical


def test_labels_are_joined_as_in_an_index() -> None:
    assert SEPARATOR == LABEL_SEPARATOR


def test_several_labels_are_numbers() -> None:
    numbers = label_numbers(["b; a", "c", " a"], ["a", "b", "c"], multi_label=True)
    assert numbers.tolist() == [[1, 1, 0], [0, 0, 1], [1, 0, 0]]
    assert label_numbers(["b;a", "c"], ["b;a", "c"], multi_label=False).tolist() == [0, 1]


@given(st.lists(st.integers(1, 9), min_size=2, max_size=5), st.integers(0, 99))
def test_resampled_labels_are_equally_often_there(counts: list[int], seed: int) -> None:
    y = np.repeat(np.arange(len(counts)), counts)
    again = resample(y, seed)
    assert np.bincount(y[again]).tolist() == [max(counts)] * len(counts)
    assert set(again) == set(range(len(y)))
    np.testing.assert_array_equal(again, resample(y, seed))


def test_a_hint_where_labels_are_unbalanced() -> None:
    assert unbalanced(["a"] * 9 + ["b"]) == ""
    assert unbalanced(["a"] * 9 + ["a;b"]) == (
        "Labels are unbalanced: 'a' has 10 clips, but 'b' only 1; "
        "audiotl train decides by cross-validation whether to balance them (--balance)"
    )


def test_a_set_of_labels_has_one_text() -> None:
    assert canonical("bee;ant") == canonical(" ant ; bee;;ant") == "ant;bee"
    assert canonical("") == ""
