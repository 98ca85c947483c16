"""A classifier of clips: pooling and a scikit-learn pipeline, fitted together."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.classify.calibration import Calibrator
from audiotl_cli.classify.labels import label_names, label_numbers, resample, told_labels
from audiotl_cli.classify.pooling import Frames, pool, pool_clip
from audiotl_cli.classify.rejection import Rejection
from audiotl_cli.classify.scoring import row_scores
from audiotl_cli.classify.table import (
    DEFAULT,
    RECIPES,
    build_classifier,
    classifier_name,
    standardises,
    suited_params,
)
from audiotl_cli.errors import DataError, UsageError

logger = logging.getLogger(__name__)

Clips = Sequence[Sequence[Frames]]
"""Clips, each with the frames (n_frames, dim) of one or several extractors."""

DEFAULT_POOLING = "mean+std"

COMBINATIONS = ("concat", "average")
"""What becomes of several extractors: one classifier of their features side by side, or one
classifier each and the mean of their scores."""


@dataclass(frozen=True)
class ClassifierOptions:
    """What kind of classifier to fit.

    Parameters
    ----------
    classifier : str
        A name or alias from the table.
    pooling : str
    pca : int or None
        Dimensions of a whitening PCA.
    scale : bool or None
        Whether to standardise features; None is the classifier's own habit, and yes where
        several extractors' features stand side by side: unscaled, the one with the largest
        numbers would drown the others.
    root : bool
        Whether features are scaled by `RootScaler` where they are scaled.
    params : mapping
        Parameters of the estimator.
    seed : int
    combine : str
        One of `COMBINATIONS`.
    balance : bool
        Whether every label weighs the same, however many clips it has: by weights, or by
        drawing clips of rare labels again where the classifier takes no weights.
    multi_label : bool
        Whether a clip's label may be several joined by ``;``: then one classifier a label is
        fitted, against all other clips.
    """

    classifier: str = DEFAULT
    pooling: str = DEFAULT_POOLING
    pca: int | None = None
    scale: bool | None = None
    root: bool = False
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    combine: str = "concat"
    balance: bool = False
    multi_label: bool = False


@dataclass(frozen=True)
class ClipClassifier:
    """A fitted classifier.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Fitted on label numbers.
    labels : list of str
        Sorted; the order of every score.
    pooling : str
    multi_label : bool
        Whether a clip may have any number of labels.
    calibrator : Calibrator or None
        What makes probabilities of scores.
    rejection : Rejection or None
        What notices clips of none of the labels.
    """

    pipeline: Any
    labels: list[str]
    pooling: str
    multi_label: bool = False
    calibrator: Calibrator | None = None
    rejection: Rejection | None = None

    def scores(self, clips: Clips) -> npt.NDArray[np.float64]:
        """Return the score of every label for every clip.

        Parameters
        ----------
        clips : sequence of sequences of float32 (n_frames, dim)

        Returns
        -------
        scores : float64 (n_clips, n_labels)
            Rows add up to 1. They are probabilities where the classifier gives some,
            shares of votes under ``vote``, and otherwise margins put through a softmax:
            fit to rank labels, not calibrated unless there is a calibrator. Where a clip may have
            several labels, each has a score of its own from 0 to 1, and rows add up to anything.
        """
        return self.calibrated(self._raw_scores(clips))

    def calibrated(self, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return what the calibrator, if there is one, makes of scores."""
        return self.calibrator.apply(scores) if self.calibrator else scores

    def rejects(self, clips: Clips, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Return which clips are none of the labels, given their scores."""
        if self.rejection is None:
            return np.zeros(len(scores), dtype=bool)
        return self.rejection.familiarity(clips, scores) < self.rejection.threshold

    def _raw_scores(self, clips: Clips) -> npt.NDArray[np.float64]:
        rows = [pool_clip(parts, self.pooling) for parts in clips]
        scores = self.row_scores(np.concatenate(rows))
        if self.pooling != "vote":
            return scores
        lengths = np.array([len(part) for part in rows])
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        shares: npt.NDArray[np.float64] = np.add.reduceat(scores, starts) / lengths[:, None]
        return shares

    def row_scores(self, X: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return what each row (n_rows, n_features) says, before calibration.

        With the pooling ``vote``, rows are frames, and the mean of what they say is the score
        of a clip.

        Raises
        ------
        DataError
            Rows have another width than those fitted on.
        """
        expected = self.pipeline.n_features_in_
        if X.shape[1] != expected:
            raise DataError(
                f"the features have {X.shape[1]} values a clip, the model expects {expected}"
            )
        n_labels = len(self.labels)
        if self.pooling == "vote" and not self.multi_label:
            votes: npt.NDArray[np.float64] = np.eye(n_labels)[self.pipeline.predict(X)]
            return votes
        return row_scores(self.pipeline, X, n_labels, multi_label=self.multi_label)

    def predict(self, clips: Clips) -> list[str]:
        """Return the label of every clip; see `told`."""
        return [self.told(row) for row in self.scores(clips)]

    def told(self, scores: npt.NDArray[np.float64]) -> str:
        """Return what the scores of a clip say it is; see `told_labels`."""
        return told_labels(scores, self.labels, multi_label=self.multi_label)


def fit_classifier(
    clips: Clips, labels: Sequence[str], options: ClassifierOptions
) -> ClipClassifier:
    """Fit a classifier on clips, and log what scikit-learn warns of.

    Parameters
    ----------
    clips : sequence of sequences of float32 (n_frames, dim)
    labels : sequence of str
        One a clip; at least two different ones.
    options : ClassifierOptions

    Raises
    ------
    DataError
        There is only one label.
    UsageError
        Parameters that the classifier or the data do not allow.
    """
    from threadpoolctl import threadpool_limits

    # how many threads a matrix product has shows in the last bit of a model
    with threadpool_limits(1, "blas"), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        classifier = fit_quietly(clips, labels, options)
    for text in sorted({str(warning.message).splitlines()[0] for warning in caught}):
        logger.warning("%s: %s", options.classifier, text)
    return classifier


def fit_quietly(clips: Clips, labels: Sequence[str], options: ClassifierOptions) -> ClipClassifier:
    """Fit a classifier on clips; as `fit_classifier`, but fit for several threads at once."""
    names = label_names(labels, multi_label=options.multi_label)
    rows = [pool_clip(parts, options.pooling) for parts in clips]
    X = np.concatenate(rows)
    if options.pca is not None and not 1 <= options.pca <= min(X.shape):
        raise UsageError(
            f"--pca is {options.pca}, but {X.shape[0]} rows of {X.shape[1]} features allow "
            f"1 to {min(X.shape)}"
        )
    y = label_numbers(labels, names, multi_label=options.multi_label)
    y = np.repeat(y, [len(part) for part in rows], axis=0)
    if options.balance and not RECIPES[classifier_name(options.classifier)].weighted:
        if options.multi_label:
            raise UsageError(
                f"{options.classifier} cannot weigh labels where clips have several; leave "
                "--balance out, or take another classifier, such as logreg"
            )
        again = resample(y, options.seed)
        X, y = X[again], y[again]
    suited = suited_params(options.classifier, len(X))
    options = replace(options, params={**suited, **options.params})
    pipeline = build_pipeline(options, [pool(part, options.pooling).shape[1] for part in clips[0]])
    classifier = ClipClassifier(pipeline, names, options.pooling, options.multi_label)
    try:
        pipeline.fit(X, y)
        classifier.scores(clips[:1])  # some parameters only fail when something is predicted
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        reason = (str(error).splitlines() or [repr(error)])[0]
        raise UsageError(
            f"{options.classifier} cannot be fitted to {len(clips)} clips: {reason}"
        ) from error
    return classifier


def build_pipeline(options: ClassifierOptions, widths: Sequence[int]) -> Any:
    """Return an unfitted pipeline.

    Parameters
    ----------
    options : ClassifierOptions
    widths : sequence of int
        How many features each extractor gives.

    Raises
    ------
    UsageError
        There is no such option.
    """
    from sklearn.pipeline import Pipeline

    if options.combine not in COMBINATIONS:
        raise UsageError(f"--combine is {options.combine!r}; choose from {', '.join(COMBINATIONS)}")
    scale = options.scale
    if scale is None and not options.root:
        scale = standardises(options.classifier, n_extractors=len(widths))
    average = options.combine == "average" and len(widths) > 1
    pipeline = build_classifier(
        options.classifier,
        options.params,
        scale=scale,
        root=options.root,
        widths=() if average else widths,
        pca=options.pca,
        seed=options.seed,
        balance=options.balance,
        multi_label=options.multi_label,
    )
    if not average:
        return pipeline
    from audiotl_cli.classify.ensemble import Average

    return Pipeline([("average", Average(pipeline, tuple(widths), options.multi_label))])


def member_pipeline(pipeline: Any) -> Any:
    """Return the pipeline that stands for one extractor: the same, unless there are several."""
    return getattr(pipeline.steps[-1][1], "pipeline", pipeline)
