from __future__ import annotations

import numpy as np
import pytest

from audiotl_cli.experiments.event_thresholds import (
    binomial_interval,
    choose_threshold,
    n_needed,
)


def test_the_lowest_score_with_enough_evidence_is_chosen() -> None:
    scores = np.linspace(1, 0, 201)[:-1]
    right = scores > 0.5
    found = choose_threshold(scores.tolist(), right.tolist(), 0.9, "verdicts.csv")
    assert found is not None
    assert 0.4 < found.threshold < 0.5
    assert found.low >= 0.9
    assert found.precision == pytest.approx(right[scores >= found.threshold].mean())
    assert found.n_events == (scores >= found.threshold).sum()


def test_few_events_are_no_evidence_however_right() -> None:
    n = n_needed(0.9)
    assert n == 29
    assert choose_threshold([0.5] * (n - 1), [True] * (n - 1), 0.9, "") is None
    assert choose_threshold([0.5] * n, [True] * n, 0.9, "") is not None


def test_events_of_one_score_are_taken_together() -> None:
    scores, right = [0.9] * 40 + [0.5] * 40, [True] * 40 + [True] * 20 + [False] * 20
    found = choose_threshold(scores, right, 0.9, "")
    assert found is not None
    assert (found.threshold, found.n_events) == (0.9, 40)


def test_the_interval_is_the_exact_one() -> None:
    """The 90 % interval of 9 of 10: its ends are those of one-sided tests at 5 %."""
    low, high = binomial_interval(9, 10)
    assert low == pytest.approx(0.6058, abs=1e-4)
    assert high == pytest.approx(0.9949, abs=1e-4)
    assert binomial_interval(0, 5)[0] == 0.0
    assert binomial_interval(5, 5)[1] == 1.0
