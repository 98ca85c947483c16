"""Leave labels out of training and see whether they are noticed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.rejection import acceptance, fit_label_distances
from audiotl_cli.errors import DataError
from audiotl_cli.evaluation.open_set import OpenSet, separate, summarise
from audiotl_cli.evaluation.protocols import Round
from audiotl_cli.experiments.features import LabelledFeatures
from audiotl_cli.experiments.training import fit_rows


def measure_open_set(
    data: LabelledFeatures,
    rounds: Sequence[Round],
    options: ClassifierOptions,
    on_fit: Callable[[int, int], None] = lambda done, total: None,
) -> OpenSet:
    """Return how well clips of labels left out of training are noticed.

    In every round and for every label, a classifier is fitted without that label and predicts
    the held-out clips of all; see `acceptance` for what then separates them.

    Raises
    ------
    DataError
        There are fewer than three labels.
    """
    labels = sorted(set(data.labels))
    if len(labels) < 3:
        raise DataError(
            f"{len(labels)} labels are too few for --open-set: it leaves out one at a time, and "
            "a classifier needs at least two; give clips of three labels or more"
        )
    found = {}
    done = 0
    for left_out in labels:
        confidence, distances = np.zeros(len(data.clips)), np.zeros(len(data.clips))
        tested = np.zeros(len(data.clips), dtype=bool)
        for part in rounds:
            rows = [i for i in part.train if data.labels[i] != left_out]
            held_out = [data.frames[i] for i in part.test]
            confidence[part.test] = fit_rows(data, rows, options).scores(held_out).max(axis=1)
            label_distances = fit_label_distances(
                [data.frames[i] for i in rows], [data.labels[i] for i in rows]
            )
            distances[part.test] = label_distances.scores(held_out)
            tested[part.test] = True
            done += 1
            on_fit(done, len(labels) * len(rounds))
        is_left_out = np.array([label == left_out for label in data.labels])
        known, unknown = tested & ~is_left_out, tested & is_left_out
        looks_known = acceptance(
            confidence, distances, np.sort(confidence[known]), np.sort(distances[known])
        )
        found[left_out] = separate(looks_known[known], looks_known[unknown])
    return summarise(found)
