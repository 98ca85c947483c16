"""Two labels, of which one is to be found: how often it is, and at what price."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from audiotl_cli.errors import UsageError
from audiotl_cli.evaluation.metrics.average_precision import binary_average_precision
from audiotl_cli.evaluation.metrics.roc_auc import roc_auc
from audiotl_cli.evaluation.metrics.sensitivity import sensitivity
from audiotl_cli.evaluation.metrics.specificity import specificity
from audiotl_cli.evaluation.outcomes import Outcomes
from audiotl_cli.labels import SEPARATOR

POSITIVE = {"yes", "y", "positive", "pos", "present", "presence", "true", "1", "abnormal"}
NEGATIVE = {
    "no", "n", "negative", "neg", "absent", "absence", "none", "not", "background", "noise",
    "silence", "nothing", "false", "0", "normal", "other", "others",
}  # fmt: skip
MOST_POINTS = 400
"""Points of a curve, at most: of more, some between are left out."""
STEPS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


@dataclass(frozen=True)
class AtThreshold:
    """What comes of calling clips positive from a score on.

    Parameters
    ----------
    threshold, sensitivity, specificity : float
    precision : float or None
        None where no clip is called positive.
    """

    threshold: float
    sensitivity: float
    specificity: float
    precision: float | None


@dataclass(frozen=True)
class Binary:
    """How well one of two labels is found.

    Parameters
    ----------
    positive, negative : str
    chosen_by : str
        Why this one is positive: ``option``, ``name``, ``rarer`` or ``alphabet``.
    text : str
        Sensitivity and specificity in words.
    roc_auc, average_precision, sensitivity, specificity : float
    best_threshold : float
        The score from which the mean of sensitivity and specificity is highest.
    thresholds : sequence of AtThreshold
        At round scores and at the best.
    curve : sequence of AtThreshold
        At all scores that clips have, from the highest.
    """

    positive: str
    negative: str
    chosen_by: str
    text: str
    roc_auc: float
    average_precision: float
    sensitivity: float
    specificity: float
    best_threshold: float
    thresholds: Sequence[AtThreshold]
    curve: Sequence[AtThreshold]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


def choose_positive(
    labels: Sequence[str], truth: Sequence[str], asked: str | None
) -> tuple[str, str] | None:
    """Return the label that is to be found, and why it is this one; None unless there are two.

    Parameters
    ----------
    labels : sequence of str
        All.
    truth : sequence of str
        Of the clips.
    asked : str or None
        The label that the user names.

    Raises
    ------
    UsageError
        The label that is asked for is none of two.
    """
    two = len(labels) == 2 and not any(SEPARATOR in text for text in truth)
    if asked is not None:
        if not two or asked not in labels:
            raise UsageError(
                f"--positive is {asked!r}, expected one of exactly two labels; the clips have "
                f"{', '.join(labels[:10])}{', ...' if len(labels) > 10 else ''}"
            )
        return asked, "option"
    if not two:
        return None
    not_negative = [label for label in labels if not _is_negative(label)]
    named_positive = [label for label in labels if label.casefold().strip() in POSITIVE]
    for found in (not_negative, named_positive):
        if len(found) == 1:
            return found[0], "name"
    counts = Counter(truth)
    first, second = sorted(labels, key=lambda label: (counts[label], label))
    return first, "rarer" if counts[first] < counts[second] else "alphabet"


def measure_binary(outcomes: Outcomes, chosen_by: str) -> Binary | None:
    """Return how well the positive label is found; None where clips of only one label are there.

    Parameters
    ----------
    outcomes : Outcomes
        With a positive label.
    chosen_by : str
        See `Binary`.
    """
    found, missing = sensitivity(outcomes), specificity(outcomes)
    area, precision = roc_auc(outcomes), binary_average_precision(outcomes)
    if found is None or missing is None or area is None or precision is None:
        return None
    assert outcomes.positive is not None
    curve = _curve(outcomes)
    best = max(curve[1:], key=lambda at: (at.sensitivity + at.specificity, at.threshold))
    steps = sorted({*STEPS, best.threshold})
    return Binary(
        outcomes.labels[outcomes.positive],
        outcomes.labels[1 - outcomes.positive],
        chosen_by,
        _in_words(outcomes, found, missing),
        area,
        precision,
        found,
        missing,
        best.threshold,
        [_at(outcomes, step) for step in steps],
        curve,
    )


def _is_negative(label: str) -> bool:
    words = re.findall(r"[^\W_]+", label.casefold())
    return bool(words) and (words[0] in NEGATIVE or words[0].startswith("non"))


def _sides(outcomes: Outcomes) -> tuple[Any, Any]:
    assert outcomes.scores is not None
    assert outcomes.positive is not None
    return outcomes.truth == outcomes.positive, outcomes.scores[:, outcomes.positive]


def _at(outcomes: Outcomes, threshold: float) -> AtThreshold:
    positive, scores = _sides(outcomes)
    called = scores >= threshold
    right = float(called[positive].mean())
    precision = float(positive[called].mean()) if called.any() else None
    return AtThreshold(threshold, right, float(1 - called[~positive].mean()), precision)


def _curve(outcomes: Outcomes) -> list[AtThreshold]:
    """Return what comes of every score as the threshold, the highest first; first of none."""
    positive, scores = _sides(outcomes)
    values = np.unique(scores)[::-1]
    order = np.argsort(-scores, kind="stable")
    last = np.searchsorted(-scores[order], -values, side="right")
    found = np.cumsum(positive[order])[last - 1]
    wrong = last - found
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    points = [AtThreshold(1.0 + 1e-9, 0.0, 1.0, None)]
    kept = np.unique(np.linspace(0, len(values) - 1, MOST_POINTS).round().astype(int))
    for i in kept.tolist():
        right, false = int(found[i]), int(wrong[i])
        points.append(
            AtThreshold(
                float(values[i]),
                right / n_positive,
                1 - false / n_negative,
                right / (right + false),
            )
        )
    return points


def _in_words(outcomes: Outcomes, found: float, missing: float) -> str:
    assert outcomes.positive is not None
    name = outcomes.labels[outcomes.positive]
    positive = outcomes.truth == outcomes.positive
    called = outcomes.predicted == outcomes.positive
    repeats = outcomes.n_repeats
    n_positive, n_others = int(positive.sum()) // repeats, int((~positive).sum()) // repeats
    n_found = round(int((positive & called).sum()) / repeats)
    n_wrong = round(int((~positive & called).sum()) / repeats)
    return (
        f"Finds {n_found} of {n_positive} clips of {name!r} (sensitivity {found:.2f}); "
        f"{n_wrong} of {n_others} other clips {'is' if n_wrong == 1 else 'are'} called {name!r} "
        f"(specificity {missing:.2f})"
    )
