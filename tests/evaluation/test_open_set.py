from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from audiotl_cli.evaluation.open_set import Separation, reject_threshold, separate, summarise


@pytest.mark.parametrize("seed", range(5))
def test_auroc_agrees_with_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    known, unknown = rng.normal(1, 1, 50).round(1), rng.normal(0, 1, 30).round(1)  # with ties
    expected = roc_auc_score([1] * 50 + [0] * 30, np.concatenate([known, unknown]))
    assert separate(known, unknown).auroc == pytest.approx(expected)


def test_the_ends() -> None:
    apart = separate(np.arange(10.0, 30.0), np.arange(5.0))
    assert apart == Separation(1.0, 0.0)
    assert separate(np.ones(20), np.ones(5)) == Separation(0.5, 1.0)
    assert separate(np.zeros(20), np.ones(5)).auroc == 0.0


def test_of_unknown_clips_those_above_the_twentieth_known_one_slip_in() -> None:
    known = np.arange(100.0)
    assert separate(known, np.array([4.0, 5.0, 6.0, 50.0])).fpr95 == 0.75


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.3])
def test_no_more_known_clips_are_rejected_than_asked_for(rate: float) -> None:
    known = np.random.default_rng(0).random(200)
    threshold = reject_threshold(known, rate)
    assert (known < threshold).mean() == pytest.approx(rate)


def test_labels_count_alike() -> None:
    found = summarise({"a": Separation(1.0, 0.0), "b": Separation(0.5, 0.5)})
    assert found.mean == Separation(0.75, 0.25)
