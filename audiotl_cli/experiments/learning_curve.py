"""Fit on ever more clips and see how accuracy grows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.errors import DataError
from audiotl_cli.evaluation.intervals import number_units
from audiotl_cli.evaluation.learning_curve import (
    SHARES,
    LearningCurve,
    learning_curve,
    nested_shares,
)
from audiotl_cli.evaluation.protocols import Round
from audiotl_cli.experiments.features import LabelledFeatures, evaluated
from audiotl_cli.experiments.training import fit_rows


def measure_learning_curve(
    data: LabelledFeatures,
    rounds: Sequence[Round],
    options: ClassifierOptions,
    on_fit: Callable[[int, int], None] = lambda done, total: None,
) -> LearningCurve:
    """Return the learning curve.

    Every round fits on growing shares of its training clips and predicts the same held-out
    clips after each.

    Raises
    ------
    DataError
        There are too few clips for a curve.
    """
    units = [evaluated(clip).unit for clip in data.clips]
    tested = [i for part in rounds for i in part.test]
    right = np.zeros((len(SHARES), len(data.clips)))
    n_clips = np.zeros(len(SHARES))
    for number, part in enumerate(rounds):
        subsets = nested_shares(part.train, data.labels, units, SHARES, options.seed + number)
        for step, subset in enumerate(subsets):
            model = fit_rows(data, subset, options)
            predicted = model.predict([data.frames[i] for i in part.test])
            right[step, part.test] = [
                data.labels[i] == label for i, label in zip(part.test, predicted, strict=True)
            ]
            n_clips[step] += len(subset) / len(rounds)
            on_fit(number * len(SHARES) + step + 1, len(rounds) * len(SHARES))
    counts = [round(n) for n in n_clips]
    if len(set(counts)) < 3:
        raise DataError(
            f"{counts[-1]} clips to train on are too few for a learning curve: "
            f"its steps would have {', '.join(map(str, counts))} clips"
        )
    keep = [i for i, n in enumerate(counts) if n not in counts[:i]]
    return learning_curve(
        [counts[i] for i in keep],
        right[np.ix_(keep, tested)],
        number_units([units[i] for i in tested]),
        options.seed,
    )
