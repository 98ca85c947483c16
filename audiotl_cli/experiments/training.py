"""Train classifiers: fit them, calibrate their scores, and learn what to reject."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.classifiers.calibration import check_method, fit_calibrator
from audiotl_cli.classifiers.classifier import ClipClassifier, Clips
from audiotl_cli.classifiers.labels import resample
from audiotl_cli.classifiers.options import ClassifierOptions
from audiotl_cli.classifiers.registry import classifier_name
from audiotl_cli.classifiers.rejection import Rejection, acceptance, fit_label_distances
from audiotl_cli.classifiers.streaming import fit_streamed, streamed_classifiers
from audiotl_cli.classifiers.training import fit_classifier
from audiotl_cli.dataset.assign import assign_folds
from audiotl_cli.errors import UsageError
from audiotl_cli.evaluation.open_set import reject_threshold
from audiotl_cli.evaluation.protocols import leave_one_out
from audiotl_cli.experiments.features import LabelledFeatures
from audiotl_cli.experiments.stored import StoredFrames

N_FOLDS = 5

Scores = npt.NDArray[np.float64]


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

    @property
    def option(self) -> str:
        """The option that asks for it."""
        return "--calibrate" if self.calibrate else "--reject"

    def check(self, *, multi_label: bool) -> None:
        """Refuse what cannot be learnt, before any work is done.

        Parameters
        ----------
        multi_label : bool
            Whether clips may have several labels.

        Raises
        ------
        UsageError
            There is no such calibration, the share is none, or clips have several labels.
        """
        if self.calibrate is not None:
            check_method(self.calibrate)
        if self.reject is not None and not 0 < self.reject < 1:
            raise UsageError(f"--reject is {self.reject}, expected a share between 0 and 1")
        if self and multi_label:
            raise UsageError(f"{self.option} needs clips of one label each; here they have several")


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
    if not reliability:
        return fit_alone(data, rows, options)
    reliability.check(multi_label=data.multi_label)
    if is_streamed(data):
        raise UsageError(
            f"{reliability.option} needs frames that fit into memory; take a pooling that makes "
            "one row a clip, such as mean+std"
        )
    classifier = fit_alone(data, rows, options)
    labels = [data.labels[i] for i in rows]
    scores, distances = _score_held_out(data, rows, classifier.labels, options, reliability)
    if reliability.calibrate is not None:
        numbers = np.array([classifier.labels.index(label) for label in labels])
        # curves fitted to unequal labels would undo the balance
        fitted = resample(numbers, options.seed) if options.balance else np.arange(len(numbers))
        calibrator = fit_calibrator(reliability.calibrate, scores[fitted], numbers[fitted])
        classifier = replace(classifier, calibrator=calibrator)
        scores = calibrator.apply(scores)
    if reliability.reject is not None:
        confidence = scores.max(axis=1)
        known = np.sort(confidence), np.sort(distances)
        accepted = acceptance(confidence, distances, *known)
        threshold = reject_threshold(accepted, reliability.reject)
        label_distances = fit_label_distances([data.frames[i] for i in rows], labels)
        rejection = Rejection(label_distances, *known, threshold)
        classifier = replace(classifier, rejection=rejection)
    return classifier


def _score_held_out(
    data: LabelledFeatures,
    rows: Sequence[int],
    columns: Sequence[str],
    options: ClassifierOptions,
    reliability: Reliability,
) -> tuple[Scores, Scores]:
    """Return the scores of clips by models fitted without them, and their label distances.

    Distances are 0 where nothing is to be rejected.
    """
    frames, labels = [data.frames[i] for i in rows], [data.labels[i] for i in rows]
    clips = [replace(data.clips[i], fold="") for i in rows]
    option = f"the number of folds for {reliability.option}"
    dealt = assign_folds(clips, N_FOLDS, options.seed, option=option)
    scores, distances = np.zeros((len(rows), len(columns))), np.zeros(len(rows))
    for part in leave_one_out([clip.fold for clip in dealt], "fold"):
        train, truth = [frames[i] for i in part.train], [labels[i] for i in part.train]
        held_out = [frames[i] for i in part.test]
        model = fit_classifier(train, truth, options)
        places = [columns.index(label) for label in model.labels]
        scores[np.ix_(part.test, places)] = model.scores(held_out)
        if reliability.reject is not None:
            distances[part.test] = fit_label_distances(train, truth).scores(held_out)
    return scores, distances


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


def is_streamed(data: LabelledFeatures) -> bool:
    """Return whether the features stay in their stores: they are too many for the memory."""
    return isinstance(data.frames, StoredFrames)


def fit_alone(
    data: LabelledFeatures, rows: Sequence[int], options: ClassifierOptions
) -> ClipClassifier:
    """Fit a classifier on some of the clips, and nothing else.

    Raises
    ------
    DataError
        There is only one label.
    UsageError
        Parameters that the classifier or the data do not allow; or the features do not fit
        into memory, and there is no way to fit this classifier without.
    """
    labels = [data.labels[i] for i in rows]
    if not isinstance(data.frames, StoredFrames):
        return fit_classifier([data.frames[i] for i in rows], labels, options)
    frames = data.frames
    n_bytes = sum(store.size_of(data.keys[i] for i in rows) for store in data.stores)
    if classifier_name(options.classifier) not in streamed_classifiers() or options.pca is not None:
        raise UsageError(
            f"the {n_bytes / 1e9:.3g} GB of frames to train on do not fit into memory with "
            f"{options.classifier}{' and --pca' if options.pca else ''}; take --classifier "
            f"{' or '.join(streamed_classifiers())} without --pca, or a pooling that makes one row "
            "a clip, such as mean+std; --memory-mb says what may be used"
        )

    place = {row: i for i, row in enumerate(rows)}

    def blocks(rng: np.random.Generator) -> Iterator[tuple[Clips, list[str]]]:
        for some, clips in frames.blocks(rows, rng):
            yield clips, [labels[place[i]] for i in some]

    return fit_streamed(blocks, labels, [store.dim for store in data.stores], options)


def score_rows(classifier: ClipClassifier, data: LabelledFeatures, rows: Sequence[int]) -> Scores:
    """Return the scores (n_rows, n_labels) of some of the clips."""
    if not isinstance(data.frames, StoredFrames):
        return classifier.scores([data.frames[i] for i in rows])
    place = {row: i for i, row in enumerate(rows)}
    matrix = np.empty((len(rows), len(classifier.labels)))
    for some, clips in data.frames.blocks(rows):
        matrix[[place[i] for i in some]] = classifier.scores(clips)
    return matrix
