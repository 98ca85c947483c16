"""Train a model of events on frames, and say how good it is on frames held out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.event_settings import EventSettings
from audiotl_cli.classifiers.frame_training import FrameOptions, FrameRows, fit_frames
from audiotl_cli.dataset.assign import assign_folds
from audiotl_cli.errors import UsageError
from audiotl_cli.experiments.event_rows import EventRows
from audiotl_cli.experiments.features import LabelledFeatures
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.labels import THRESHOLD

N_FOLDS = 3
"""By which the scaling of features is chosen."""

STRENGTHS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Of the regularisation, as C, from which cross-validation chooses."""

SMALLEST = 1e-6

OVERLAP = 4
"""Windows that overlap so many times already are not moved closer along a recording."""


@dataclass(frozen=True)
class FrameScore:
    """How well a classifier of frames does on frames held out.

    Parameters
    ----------
    balanced_accuracy : float
        Mean share of each label's frames, background included, that is recognised.
    n_clips, n_frames : int
    n_folds : int
    """

    balanced_accuracy: float
    n_clips: int
    n_frames: int
    n_folds: int


def event_hop_s(extractor: Extractor) -> float:
    """Return the distance between windows along a recording: half the usual one.

    Half the hop of YAMNet raised F1 of onsets from 0.710 to 0.754; see docs/adr/0019-events.md.
    """
    if OVERLAP * extractor.hop_s <= extractor.window_s:
        return extractor.hop_s
    return extractor.hop_s / 2


def event_settings(
    extractor: Extractor, background: str, origin: str, found: EventRows
) -> EventSettings:
    """Return how the frames of a model become events.

    Parameters
    ----------
    extractor : Extractor
        With the hop that is used along recordings.
    background : str
        Empty where frames may have several labels.
    origin : str
        Where the background came from, in words.
    found : EventRows
    """
    distance_s = extractor.hop_s / extractor.rows
    half_window_s = extractor.window_s / extractor.rows / 2
    return EventSettings(
        background=background,
        hop_s=extractor.hop_s,
        weight=min(1.0, distance_s / half_window_s),
        origin=origin,
        background_s=found.background_s,
        n_mixed=found.n_mixed,
    )


def fit_events(
    data: LabelledFeatures, found: EventRows, seed: int
) -> tuple[ClipClassifier, FrameOptions, FrameScore | None]:
    """Fit a classifier of frames, with the settings that do best on clips held out.

    Parameters
    ----------
    data : LabelledFeatures
    found : EventRows
    seed : int

    Returns
    -------
    classifier : ClipClassifier
        Without settings of events.
    options : FrameOptions
    score : FrameScore or None
        By cross-validation, with these options; None with too few clips for that.
    """
    folds = _folds(data, found, seed)
    options, score = FrameOptions(), None
    if folds is not None:
        options, accuracy = _choose(found, folds)
        n_clips = len(set(found.clips.tolist()) - {-1})
        score = FrameScore(accuracy, n_clips, len(found.clips), N_FOLDS)
    pipeline = fit_frames(found.rows, len(found.labels), options)
    classifier = ClipClassifier(
        pipeline, found.labels, "vote", data.multi_label, params=options.params
    )
    return classifier, options, score


def _folds(data: LabelledFeatures, found: EventRows, seed: int) -> npt.NDArray[np.int64] | None:
    """Deal rows into folds, each clip and group into one, background in stretches."""
    rows = sorted(set(found.clips.tolist()) - {-1})
    clips = [replace(data.clips[i], fold="") for i in rows]
    try:
        dealt = assign_folds(clips, N_FOLDS, seed, option="the number of folds")
    except UsageError:
        return None
    names = sorted({clip.fold for clip in dealt})
    of_clip = {i: names.index(clip.fold) for i, clip in zip(rows, dealt, strict=True)}
    folds = np.array([of_clip.get(i, 0) for i in found.clips.tolist()], np.int64)
    behind = np.flatnonzero(found.clips < 0)
    folds[behind] = np.arange(len(behind)) * len(names) // max(1, len(behind))
    return folds


def _choose(found: EventRows, folds: npt.NDArray[np.int64]) -> tuple[FrameOptions, float]:
    """Return the settings with the highest likelihood of held-out frames, and their accuracy.

    The scaling is chosen first, then the strength of the regularisation: weaker ones are tried
    until they get worse, else stronger ones.
    """

    def score(options: FrameOptions) -> tuple[tuple[float, float], FrameOptions]:
        return _cross_validate(found, folds, options), options

    best = max(map(score, (FrameOptions(), FrameOptions(sqrt=False))), key=lambda pair: pair[0])
    middle = STRENGTHS.index(best[1].C)
    for strengths in (STRENGTHS[:middle][::-1], STRENGTHS[middle + 1 :]):
        before = best
        for C in strengths:
            tried = score(replace(best[1], C=C))
            if tried[0][0] <= best[0][0]:
                break
            best = tried
        if best is not before:
            break
    return best[1], best[0][1]


def _cross_validate(
    found: EventRows, folds: npt.NDArray[np.int64], options: FrameOptions
) -> tuple[float, float]:
    """Return the likelihood and the accuracy of frames by models not fitted on their clips.

    Of the likelihood it is the mean logarithm, and both are means over labels.
    """
    rows, several = found.rows, found.rows.y.ndim == 2
    right, likelihood = np.zeros(len(folds)), np.full(len(folds), np.log(SMALLEST))
    for fold in range(N_FOLDS):
        train, test = folds != fold, np.flatnonzero(folds == fold)
        if not _all_there(rows.take(train), len(found.labels)):
            continue
        pipeline = fit_frames(rows.take(train), len(found.labels), options)
        likely, truth = pipeline.predict_proba(rows.X[test]), rows.y[test]
        if several:
            right[test] = ((likely >= THRESHOLD) == truth).all(axis=1)
            of_truth = np.where(truth == 1, likely, 1 - likely)
            likelihood[test] = np.log(np.maximum(of_truth, SMALLEST)).sum(axis=1)
        else:
            right[test] = likely.argmax(axis=1) == truth
            likelihood[test] = np.log(np.maximum(likely[np.arange(len(test)), truth], SMALLEST))
    _, kinds = np.unique(rows.y, axis=0, return_inverse=True)
    kinds = kinds.reshape(-1)
    counts = np.bincount(kinds)
    return (
        float((np.bincount(kinds, weights=likelihood) / counts).mean()),
        float((np.bincount(kinds, weights=right) / counts).mean()),
    )


def _all_there(rows: FrameRows, n_labels: int) -> bool:
    return rows.y.ndim == 2 or len(np.unique(rows.y)) == n_labels
