"""What a model predicts for every clip of an evaluation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from audiotl_cli.evaluation.clips import EvaluatedClip
from audiotl_cli.evaluation.outcomes import BoolArray, FloatArray, IntArray

MOST_COMPLETE = 20
"""Labels up to which the scores of all are listed for every clip."""
N_BEST = 5
"""Scores that are listed for every clip where there are more labels."""
ROWS = 1024


@dataclass(frozen=True)
class Predictions:
    """The predictions of a model for clips that it was not fitted on.

    Parameters
    ----------
    clips : sequence of EvaluatedClip
    labels : sequence of str
        The model's, in the order of scores.
    scores : float64 (n_clips, n_labels)
        The mean over repeats.
    predicted : sequence of str
    confidence : float64 (n_clips,)
        How sure the model is of each prediction.
    rejected : bool (n_clips,) or None
        Which clips are taken for none of the labels; None where nothing is rejected.
    """

    clips: Sequence[EvaluatedClip]
    labels: Sequence[str]
    scores: FloatArray
    predicted: Sequence[str]
    confidence: FloatArray
    rejected: BoolArray | None = None

    @cached_property
    def right(self) -> BoolArray:
        """Which predictions are right."""
        pairs = zip(self.clips, self.predicted, strict=True)
        return np.array([clip.label == predicted for clip, predicted in pairs], bool)

    @property
    def baseline(self) -> float:
        """The accuracy of always predicting the most frequent label, or set of labels."""
        counts = Counter(clip.label for clip in self.clips)
        return max(counts.values(), default=0) / max(len(self.clips), 1)

    @property
    def n_listed(self) -> int:
        """How many scores `to_list` gives a clip."""
        n_labels = len(self.labels)
        return n_labels if n_labels <= MOST_COMPLETE else N_BEST

    def best(self, n: int) -> IntArray:
        """Return the numbers (n_clips, n) of the labels with the highest scores, best first."""
        found = np.empty((len(self.scores), n), np.int64)
        for start in range(0, len(self.scores), ROWS):
            block = -self.scores[start : start + ROWS]
            nearly = np.argpartition(block, n - 1, axis=1)[:, :n] if n < block.shape[1] else None
            if nearly is None:
                found[start : start + ROWS] = np.argsort(block, axis=1, kind="stable")[:, :n]
                continue
            nearly.sort(axis=1)
            order = np.take_along_axis(block, nearly, axis=1).argsort(axis=1, kind="stable")
            found[start : start + ROWS] = np.take_along_axis(nearly, order, axis=1)
        return found

    def to_list(self) -> list[dict[str, Any]]:
        """Return the predictions as JSON, each with its best scores; see `n_listed`."""
        n_labels = len(self.labels)
        if self.n_listed == n_labels:
            columns = np.broadcast_to(np.arange(n_labels), self.scores.shape)
        else:
            columns = self.best(self.n_listed)
        entries = []
        for i, clip in enumerate(self.clips):
            of_clip = columns[i].tolist()
            where = clip.to_dict()
            entry = {
                "path": where.pop("path"),
                "label": clip.label,
                "predicted": self.predicted[i],
                "scores": {self.labels[j]: round(float(self.scores[i, j]), 6) for j in of_clip},
                **where,
            }
            if self.rejected is not None and self.rejected[i]:
                entry["rejected"] = True
            entries.append(entry)
        return entries

    def to_arrays(self) -> dict[str, Any]:
        """Return all scores, and what they belong to, as plain arrays."""
        bounds = {
            name: np.array(
                [np.nan if (value := getattr(clip, name)) is None else value for clip in self.clips]
            )
            for name in ("start_s", "end_s")
        }
        return {
            "scores": self.scores.astype(np.float32),
            "labels": np.array(list(self.labels), np.str_),
            "path": np.array([clip.path for clip in self.clips], np.str_),
            **bounds,
            "label": np.array([clip.label for clip in self.clips], np.str_),
            "predicted": np.array(list(self.predicted), np.str_),
        }
