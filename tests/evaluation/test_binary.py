from __future__ import annotations

import numpy as np
import pytest

from audiotl_cli.errors import UsageError
from audiotl_cli.evaluation.binary import Binary, choose_positive
from audiotl_cli.evaluation.clips import EvaluatedClip
from audiotl_cli.evaluation.evaluation import Source
from audiotl_cli.evaluation.measure import ScoredClips, measure


def measured(scores: list[float], coughs: list[bool], positive: str | None = None) -> Binary:
    """Return what is measured of the scores of coughs."""
    labels = ["cough", "speech"]
    matrix = np.column_stack([scores, 1 - np.array(scores)])
    clips = [EvaluatedClip(f"{i}.wav", labels[not yes]) for i, yes in enumerate(coughs)]
    found = measure("t", ScoredClips(clips, labels, [matrix], positive=positive), Source(), 0)
    assert found.binary is not None
    return found.binary


@pytest.mark.parametrize(
    ("labels", "positive", "why"),
    [
        (["cough", "no cough"], "cough", "name"),
        (["absent", "present"], "present", "name"),
        (["background", "bird"], "bird", "name"),
        (["non-speech", "speech"], "speech", "name"),
        (["NEG", "POS"], "POS", "name"),
        (["0", "1"], "1", "name"),
        (["No", "Yes"], "Yes", "name"),
        (["noise", "silence"], "silence", "rarer"),
        (["cat", "dog"], "dog", "rarer"),
    ],
)
def test_the_positive_label(labels: list[str], positive: str, why: str) -> None:
    truth = [labels[0]] * 5 + [labels[1]] * 3
    assert choose_positive(labels, truth, None) == (positive, why)
    assert choose_positive(labels, truth, labels[0]) == (labels[0], "option")


def test_of_two_equally_common_labels_the_first_is_positive() -> None:
    assert choose_positive(["cat", "dog"], ["dog", "cat"], None) == ("cat", "alphabet")


def test_only_one_of_two_labels_can_be_positive() -> None:
    assert choose_positive(["a", "b", "c"], ["a", "b", "c"], None) is None
    assert choose_positive(["a", "b"], ["a", "a;b"], None) is None
    for labels in (["a", "b", "c"], ["b", "c"]):
        with pytest.raises(UsageError, match="expected one of exactly two labels"):
            choose_positive(labels, labels, "a")


def test_sensitivity_and_specificity_in_words() -> None:
    coughs = [True] * 10 + [False] * 20
    scores = [0.9] * 9 + [0.4] + [0.6] + [0.1] * 19

    found = measured(scores, coughs)

    assert found.text == (
        "Finds 9 of 10 clips of 'cough' (sensitivity 0.90); 1 of 20 other clips is called 'cough' "
        "(specificity 0.95)"
    )
    assert (found.sensitivity, found.specificity) == (0.9, 0.95)
    # of the 200 pairs, the cough at 0.4 is below the other clip at 0.6
    assert found.roc_auc == pytest.approx(199 / 200)
    assert found.average_precision == pytest.approx((9 * 1 + 10 / 11) / 10)
    assert found.best_threshold == 0.4
    best = next(at for at in found.thresholds if at.threshold == 0.4)
    assert (best.sensitivity, best.specificity) == (1.0, 0.95)
    assert best.precision == pytest.approx(10 / 11)
    curve = [(at.sensitivity, at.specificity) for at in found.curve]
    assert curve == [(0, 1), (0.9, 1), (0.9, 0.95), (1, 0.95), (1, 0)]


def test_the_other_label_can_be_asked_for() -> None:
    coughs = [True] * 2 + [False] * 6
    found = measured([0.9, 0.8, 0.7, *[0.2] * 5], coughs, positive="speech")
    assert found.text.startswith("Finds 5 of 6 clips of 'speech' (sensitivity 0.83)")
    assert found.specificity == 1
