from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.pooling import pool
from audiotl_cli.classifiers.running import Running, RunningScores
from audiotl_cli.classifiers.training import fit_classifier

POOLINGS = ("mean", "mean+std", "mean+max")


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 700), min_size=1, max_size=6))
def test_frames_in_parts_are_pooled_as_all_at_once(seed: int, lengths: list[int]) -> None:
    rng = np.random.default_rng(seed)
    parts = [
        rng.normal(rng.uniform(-9, 9), rng.uniform(0, 5), (n, 3)).astype(np.float32)
        for n in lengths
    ]
    running = Running(POOLINGS)

    for part in parts:
        running.add(part)

    whole = np.concatenate(parts)
    for pooling in POOLINGS:
        found, expected = pool(running.pooled(), pooling), pool(whole, pooling)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
        if len(whole) <= Running.BLOCK:
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("pooling", ["vote", *POOLINGS])
def test_a_clip_in_parts_gets_the_scores_of_the_whole(pooling: str) -> None:
    rng = np.random.default_rng(0)
    clips = [[rng.normal(i % 2, 2, (9, 4)).astype(np.float32) for _ in "ab"] for i in range(20)]
    classifier = fit_classifier(clips, ["a", "b"] * 10, ClassifierOptions(pooling=pooling))
    long = [rng.normal(0.5, 2, (1300, 4)).astype(np.float32) for _ in "ab"]
    running = RunningScores(classifier, 2)

    for first in range(0, 1300, 100):
        running.add(0, long[0][first : first + 100])
    for first in range(0, 1300, 300):
        running.add(1, long[1][first : first + 300])

    np.testing.assert_allclose(running.scores(), classifier.scores([long]), atol=1e-6)
