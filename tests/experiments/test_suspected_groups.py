"""Whether clips of suspected groups are near each other in the features."""

from __future__ import annotations

import numpy as np
import pytest

from audiotl_cli.experiments.suspected_groups import nearness

GROUPS = [f"g{i % 6}" for i in range(48)]
LABELS = ["dog", "cat"] * 24


def test_groups_that_are_clusters_are_near() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(6, 5))
    vectors = centres[[int(group[1]) for group in GROUPS]] + rng.normal(0, 0.01, (48, 5))
    assert nearness(vectors, LABELS, GROUPS) == pytest.approx(1.0, abs=0.01)


def test_groups_without_influence_are_as_near_as_others() -> None:
    vectors = np.random.default_rng(1).normal(size=(48, 5))
    assert nearness(vectors, LABELS, GROUPS) == pytest.approx(0.5, abs=0.1)


def test_labels_alone_make_nothing_near() -> None:
    vectors = np.random.default_rng(2).normal(size=(48, 5))
    vectors[::2] += 100  # all dogs
    assert nearness(vectors, LABELS, GROUPS) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("groups", [[""] * 48, [str(i) for i in range(48)], ["a"] * 48])
def test_nothing_is_said_without_pairs_to_compare(groups: list[str]) -> None:
    vectors = np.random.default_rng(3).normal(size=(48, 5))
    assert nearness(vectors, LABELS, groups) is None
