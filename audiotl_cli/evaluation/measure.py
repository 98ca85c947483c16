"""Measure everything that predictions alone can show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.evaluation.binary import choose_positive, measure_binary
from audiotl_cli.evaluation.clips import EvaluatedClip
from audiotl_cli.evaluation.evaluation import (
    Evaluation,
    LabelError,
    RejectionCounts,
    Source,
)
from audiotl_cli.evaluation.intervals import number_units
from audiotl_cli.evaluation.outcomes import BoolArray, Encoded, FloatArray, IntArray, Outcomes
from audiotl_cli.evaluation.predictions import Predictions
from audiotl_cli.evaluation.scores import score
from audiotl_cli.evaluation.task import Task, task_of
from audiotl_cli.evaluation.verdict import NO_BETTER, judge


@dataclass(frozen=True)
class ScoredClips:
    """The scores of a model, or of several, for clips they were not fitted on.

    Parameters
    ----------
    clips : sequence of EvaluatedClip
    labels : sequence of str
        The models', in the order of scores.
    repeats : sequence of float64 (n_clips, n_labels)
        Scores; several where every clip was predicted several times.
    multi_label : bool
        Whether a clip may have several labels.
    rejected : float64 (n_clips,) or None
        How often each clip was rejected, 0 to 1; None where nothing is rejected.
    baseline : sequence of (sequence of str), optional
        What a model of MFCC features predicts, for every repeat.
    positive : str, optional
        Which of two labels is to be found; see `choose_positive`.
    """

    clips: Sequence[EvaluatedClip]
    labels: Sequence[str]
    repeats: Sequence[FloatArray]
    multi_label: bool = False
    rejected: FloatArray | None = None
    baseline: Sequence[Sequence[str]] | None = None
    positive: str | None = None


def measure(title: str, scored: ScoredClips, source: Source, seed: int) -> Evaluation:
    """Judge the scores of clips.

    Parameters
    ----------
    title : str
    scored : ScoredClips
        At least one clip.
    source : Source
    seed : int
        Of the bootstrap.
    """
    task = task_of(multi_label=scored.multi_label)
    truth = [clip.label for clip in scored.clips]
    n_repeats = len(scored.repeats)
    predicted = [task.predict(scores) for scores in scored.repeats]
    mean = scored.repeats[0] if n_repeats == 1 else np.mean(scored.repeats, axis=0)
    every = scored.repeats[0] if n_repeats == 1 else np.concatenate(scored.repeats)
    outcomes = _outcomes(task, truth, scored, predicted, every)
    positive = choose_positive(outcomes.labels, truth, scored.positive)
    if positive is not None:
        outcomes = replace(outcomes, positive=list(outcomes.labels).index(positive[0]))
    voted = task.vote(predicted, mean)
    rejected = None if scored.rejected is None else scored.rejected > 0.5
    units = [clip.unit for clip in scored.clips]
    measured = score(task, outcomes, seed, units)
    right = [a == b for some in scored.baseline or () for a, b in zip(truth, some, strict=True)]
    mfcc = np.array(right, bool) if right else None
    verdict = judge(outcomes, measured, np.tile(number_units(units), n_repeats), seed, mfcc)
    suspects = task.label_errors(truth, scored.labels, mean)
    return Evaluation(
        title=title,
        multi_label=scored.multi_label,
        scores=measured,
        verdict=verdict,
        predictions=Predictions(
            scored.clips,
            scored.labels,
            mean,
            task.decode(voted, scored.labels),
            task.confidence(mean, voted),
            rejected,
        ),
        source=source,
        binary=measure_binary(outcomes, positive[1]) if positive else None,
        calibration=task.calibration(truth * n_repeats, scored.labels, every),
        rejection=None if rejected is None else _rejection(outcomes, rejected),
        label_errors=[
            LabelError(scored.clips[suspect.clip], suspect.suggested, suspect.score)
            for suspect in suspects
            if verdict.level != NO_BETTER  # such a model knows nothing about labels
        ],
    )


def _outcomes(
    task: Task,
    truth: Sequence[str],
    scored: ScoredClips,
    predicted: Sequence[Encoded],
    scores: FloatArray,
) -> Outcomes:
    """Return predictions and truth in terms of all labels, also those the model does not know."""
    true = {label for text in set(truth) for label in task.labels_of(text)}
    labels = sorted({*scored.labels, *true})
    of_model = np.array([labels.index(label) for label in scored.labels], np.int64)
    answers = np.concatenate(predicted)
    if not task.multi_label:
        answers = of_model[answers]
    elif len(labels) > len(of_model):
        answers = _widened(answers, of_model, len(labels))
    if not np.array_equal(of_model, np.arange(len(labels))):
        scores = _widened(scores, of_model, len(labels))
    n_repeats = len(predicted)
    encoded = task.encode(truth, labels)
    return Outcomes(labels, np.concatenate([encoded] * n_repeats), answers, scores, n_repeats)


def _widened(table: npt.NDArray[Any], columns: IntArray, n_columns: int) -> npt.NDArray[Any]:
    wide = np.zeros((len(table), n_columns), table.dtype)
    wide[:, columns] = table
    return wide


def _rejection(outcomes: Outcomes, rejected: BoolArray) -> RejectionCounts:
    right = outcomes.right.reshape(outcomes.n_repeats, -1).mean(axis=0)
    rest = right[~rejected]
    return RejectionCounts(int(rejected.sum()), float(rest.mean()) if len(rest) else None)
