"""Fit a classifier on some of the clips, calibrate its scores, and learn what to reject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from audiotl_cli.classifiers.calibration import fit_calibrator
from audiotl_cli.classifiers.classifier import ClipClassifier
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.rejection import Rejection, acceptance, fit_label_distances
from audiotl_cli.classifiers.training import fit_classifier
from audiotl_cli.dataset.assign import assign_folds
from audiotl_cli.errors import UsageError
from audiotl_cli.evaluation.open_set import reject_threshold
from audiotl_cli.evaluation.protocols import leave_one_out
from audiotl_cli.experiments.features import LabelledFeatures
from audiotl_cli.experiments.fitting import fit_alone, is_streamed

N_FOLDS = 5


@dataclass(frozen=True)
class Reliability:
    """What to learn beside the labels, by cross-validation among the clips trained on.

    Parameters
    ----------
    calibrate : str or None
        How to turn scores into probabilities: ``temperature``, ``sigmoid`` or ``isotonic``.
    reject : float or None
        Which share of clips of known labels may be taken for unknown; None rejects nothing.
    """

    calibrate: str | None = None
    reject: float | None = None

    def __bool__(self) -> bool:
        return self.calibrate is not None or self.reject is not None


SCORES_ALONE = Reliability()


def fit_rows(
    data: LabelledFeatures,
    rows: Sequence[int],
    options: ClassifierOptions,
    reliability: Reliability = SCORES_ALONE,
) -> ClipClassifier:
    """Fit a classifier on some of the clips.

    Calibration and rejection are learnt from scores of models that were fitted without the
    clip, in 5 folds that keep groups together; the classifier itself is fitted on all clips.

    Parameters
    ----------
    data : LabelledFeatures
    rows : sequence of int
        Positions of the clips to fit on.
    options : ClassifierOptions
    reliability : Reliability

    Raises
    ------
    DataError, UsageError
        As `fit_classifier`; or there are fewer groups than folds, or no such calibration.
    """
    classifier = fit_alone(data, rows, options)
    if not reliability:
        return classifier
    option = "--calibrate" if reliability.calibrate else "--reject"
    if classifier.multi_label:
        raise UsageError(f"{option} needs clips of one label each; here they have several")
    if is_streamed(data):
        raise UsageError(
            f"{option} needs frames that fit into memory; take a pooling that makes one row a "
            "clip, such as mean+std"
        )
    frames, labels = [data.frames[i] for i in rows], [data.labels[i] for i in rows]
    if reliability.reject is not None and not 0 < reliability.reject < 1:
        raise UsageError(f"--reject is {reliability.reject}, expected a share between 0 and 1")
    clips = [replace(data.clips[i], fold="") for i in rows]
    dealt = assign_folds(clips, N_FOLDS, options.seed, option=f"the number of folds for {option}")
    rounds = leave_one_out([clip.fold for clip in dealt], "fold")
    scores = np.zeros((len(rows), len(classifier.labels)))
    distances = np.zeros(len(rows))
    for one in rounds:
        clips_known, truth = [frames[i] for i in one.train], [labels[i] for i in one.train]
        held_out = [frames[i] for i in one.test]
        model = fit_classifier(clips_known, truth, options)
        columns = [classifier.labels.index(label) for label in model.labels]
        scores[np.ix_(one.test, columns)] = model.scores(held_out)
        if reliability.reject is not None:
            distances[one.test] = fit_label_distances(clips_known, truth).scores(held_out)
    if reliability.calibrate is not None:
        numbers = np.array([classifier.labels.index(label) for label in labels])
        calibrator = fit_calibrator(reliability.calibrate, scores, numbers)
        classifier = replace(classifier, calibrator=calibrator)
        scores = calibrator.apply(scores)
    if reliability.reject is not None:
        confidence = scores.max(axis=1)
        known = np.sort(confidence), np.sort(distances)
        accepted = acceptance(confidence, distances, *known)
        threshold = reject_threshold(accepted, reliability.reject)
        rejection = Rejection(fit_label_distances(frames, labels), *known, threshold)
        classifier = replace(classifier, rejection=rejection)
    return classifier


def describe_reliability(classifier: ClipClassifier, reliability: Reliability) -> dict[str, Any]:
    """Return what a model card says of calibration and rejection."""
    described: dict[str, Any] = {}
    if classifier.calibrator is not None:
        described["calibration"] = asdict(classifier.calibrator)
    if classifier.rejection is not None:
        described["rejection"] = {
            "rate": reliability.reject,
            "threshold": classifier.rejection.threshold,
        }
    return described
