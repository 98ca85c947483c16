"""Leave labels out of training and see whether they are noticed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from audiotl_cli.classify.options import ClassifierOptions
from audiotl_cli.classify.rejection import acceptance, fit_label_distances
from audiotl_cli.errors import DataError
from audiotl_cli.evaluation.open_set import separate, summarise
from audiotl_cli.evaluation.protocols import Round
from audiotl_cli.workflows.features import LabelledFeatures
from audiotl_cli.workflows.fit import fit_rows


def measure_open_set(
    data: LabelledFeatures,
    rounds: Sequence[Round],
    options: ClassifierOptions,
    on_fit: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Return as JSON how well clips of labels left out of training are noticed.

    In every round and for every label, a classifier is fitted without that label and predicts
    the held-out clips of all; see `acceptance` for what then tells them apart.

    Raises
    ------
    DataError
        There are fewer than three labels.
    """
    labels = sorted(set(data.labels))
    if len(labels) < 3:
        raise DataError(
            f"{len(labels)} labels are too few to leave one out: what is left must be told apart"
        )
    is_label = {label: np.array([one == label for one in data.labels]) for label in labels}
    found = {}
    done = 0
    for left_out in labels:
        confidence, distances = np.zeros(len(data.clips)), np.zeros(len(data.clips))
        tested = np.zeros(len(data.clips), dtype=bool)
        for one in rounds:
            rows = [i for i in one.train if data.labels[i] != left_out]
            held_out = [data.frames[i] for i in one.test]
            confidence[one.test] = fit_rows(data, rows, options).scores(held_out).max(axis=1)
            around = fit_label_distances(
                [data.frames[i] for i in rows], [data.labels[i] for i in rows]
            )
            distances[one.test] = around.scores(held_out)
            tested[one.test] = True
            done += 1
            on_fit(done, len(labels) * len(rounds))
        known = tested & ~is_label[left_out]
        looks_known = acceptance(
            confidence, distances, np.sort(confidence[known]), np.sort(distances[known])
        )
        unknown = tested & is_label[left_out]
        found[left_out] = separate(looks_known[known], looks_known[unknown])
    summary = summarise(found)
    return {
        **asdict(summary.mean),
        "per_label": {label: asdict(one) for label, one in summary.per_label.items()},
    }
