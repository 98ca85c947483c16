from __future__ import annotations

import numpy as np
import pytest

from audiotl_cli.evaluation import duplicates
from audiotl_cli.evaluation.duplicates import Pair, find_duplicates


def clips(n: int = 40, seed: int = 0) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    rng = np.random.default_rng(seed)
    return (rng.normal(0, [1, 10, 100] * 10, (n, 30)) + 5).astype(np.float32)


@pytest.mark.parametrize("rows", [1024, 7])
def test_copies_across_folds_are_found(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(duplicates, "ROWS", rows)
    vectors = clips()
    vectors[30] = vectors[3]
    vectors[21] = vectors[4] + 0.0001 * vectors[9]
    vectors[22] = vectors[6]  # in the same fold
    folds = [str(i % 4) for i in range(40)]
    found = find_duplicates(vectors, [f"k{i}" for i in range(40)], folds, [True] * 40)
    assert [(pair.clip, pair.other) for pair in found] == [(3, 30), (4, 21)]
    assert found[0].similarity == pytest.approx(1)
    assert found[1].similarity < 1


def test_the_same_sound_counts_whatever_its_features() -> None:
    keys = [f"k{i}" for i in range(40)]
    keys[7] = keys[2]
    found = find_duplicates(clips(), keys, ["a", "b"] * 20, [True] * 40)
    assert found == [Pair(2, 7, 1.0)]


def test_the_clip_that_is_tested_comes_first() -> None:
    vectors = clips()
    vectors[30] = vectors[3]
    parts = ["test" if i >= 20 else "train" for i in range(40)]
    found = find_duplicates(
        vectors, [str(i) for i in range(40)], parts, [i >= 20 for i in range(40)]
    )
    assert [(pair.clip, pair.other) for pair in found] == [(30, 3)]


def test_features_that_never_change_are_no_trouble() -> None:
    assert (
        find_duplicates(np.ones((4, 3), np.float32), list("abcd"), list("xxyy"), [True] * 4) == []
    )


@pytest.mark.parametrize("seed", range(4))
def test_no_pair_is_missed_along_few_directions(seed: int) -> None:
    """Beside the plain way: compare all vectors with all others."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(120, 200)).astype(np.float32)
    for first, second in rng.integers(120, size=(40, 2)):
        vectors[second] = vectors[first] + rng.normal(0, 0.1 * rng.random(), 200)
    parts = rng.choice(list("abc"), 120).tolist()
    tested = (rng.random(120) < 0.6).tolist()
    standard = (vectors - vectors.mean(axis=0)) / vectors.std(axis=0)
    unit = standard / np.linalg.norm(standard, axis=1, keepdims=True)
    similar = unit @ unit.T >= 0.995
    expected = {
        (i, j)
        for i in range(120)
        for j in range(120)
        if similar[i, j] and parts[i] != parts[j] and tested[i] and not (tested[j] and j < i)
    }

    found = find_duplicates(vectors, [str(i) for i in range(120)], parts, tested)

    assert {(pair.clip, pair.other) for pair in found} == expected
    assert len(found) == len(expected) > 5
    similarities = [pair.similarity for pair in found]
    assert similarities == sorted(similarities, reverse=True)
