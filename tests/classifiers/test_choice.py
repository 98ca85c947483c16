from __future__ import annotations

import numpy as np
import pytest

from audiotl_cli.classifiers.choice import Tried, contenders, pick, rank
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.space import Setting


def tried(name: str, wrong: int | list[int], parts: tuple[int, ...] = (0,), n: int = 100) -> Tried:
    """Return a setting that was wrong on some clips; on the first so many, given a number."""
    missed = set(range(wrong)) if isinstance(wrong, int) else set(wrong)
    right = [i not in missed for i in range(n)]
    return Tried(
        Setting(ClassifierOptions(name), parts), (tuple(right[: n // 2]), tuple(right[n // 2 :]))
    )


def test_the_best_where_it_is_clearly_better() -> None:
    linear, kernel = tried("logreg", 20), tried("svm", 10)
    assert pick([linear, kernel]) is kernel
    assert rank([linear, kernel]) == [kernel, linear]


def test_the_simpler_where_the_best_is_hardly_better() -> None:
    kernel = tried("svm", 10)
    linear = tried("linear-svm", [*range(2, 10), 20, 21, 22])
    assert linear.accuracy < kernel.accuracy
    assert pick([kernel, linear]) is linear


def test_the_difference_counts_clip_by_clip() -> None:
    """Wrong wherever the best is wrong, and twice more: that is no matter of luck."""
    kernel, linear = tried("svm", 10), tried("linear-svm", 12)
    assert pick([kernel, linear]) is kernel


def test_fewer_extractors_are_simpler_and_of_equals_the_first() -> None:
    both, first, other = tried("svm", 10, (0, 1)), tried("svm", 10, (0,)), tried("svm", 10, (1,))
    assert pick([both, first, other]) is first


def test_among_the_simple_the_best() -> None:
    worse, better = tried("logreg", [*range(10), 30]), tried("linear-svm", [*range(9), 31])
    assert pick([tried("random-forest", 9), worse, better]) is better


def test_what_was_dropped_is_ranked_last_and_never_taken() -> None:
    whole = tried("svm", 30)
    dropped = Tried(Setting(ClassifierOptions("logreg")), ((True,) * 50,))
    assert rank([dropped, whole]) == [whole, dropped]
    assert pick([dropped, whole]) is whole


def test_only_who_is_clearly_worse_is_dropped() -> None:
    def told(n_wrong: int) -> list[tuple[bool, ...]]:
        return [tuple(i >= n_wrong for i in range(40))]

    assert contenders({0: told(0), 1: told(4), 2: told(5), 3: told(2)}) == [0, 1, 3]
    assert contenders({7: told(40)}) == [7]
    # wrong on other clips than the best: as often as that by luck
    other = [tuple(i < 30 for i in range(40))]
    assert contenders({0: told(4), 1: other}) == [0, 1]


@pytest.mark.parametrize("wrong", [0, 1, 50, 99, 100])
def test_intervals_hold_the_accuracy(wrong: int) -> None:
    trial = tried("svm", wrong)
    low, high = trial.interval
    assert 0 <= low <= trial.accuracy <= high <= 1
    assert low < high


def test_wilson_interval_of_eight_in_ten() -> None:
    np.testing.assert_allclose(tried("svm", 20).interval, (0.711, 0.867), atol=5e-4)


def test_a_row_of_the_leaderboard() -> None:
    row = tried("svm", 10).as_json()
    assert row["classifier"] == "svm"
    assert row["accuracy"] == 0.9
    assert row["accuracies"] == [0.8, 1.0]
