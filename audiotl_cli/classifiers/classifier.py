"""A fitted classifier of clips: pooling, a pipeline, calibration and rejection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.classifiers.calibration import Calibrator
from audiotl_cli.classifiers.event_settings import EventSettings
from audiotl_cli.classifiers.frame_scores import FrameScores
from audiotl_cli.classifiers.labels import predicted_labels
from audiotl_cli.classifiers.pipeline import Pipeline
from audiotl_cli.classifiers.pooling import FloatArray, Frames, pool_clip
from audiotl_cli.classifiers.rejection import Rejection
from audiotl_cli.classifiers.scoring import row_scores
from audiotl_cli.errors import ArtifactError, DataError
from audiotl_cli.labels import THRESHOLD, is_background

Clips = Sequence[Sequence[Frames]]
"""Clips, each with the frames (n_frames, dim) of one or several extractors."""


@dataclass(frozen=True)
class ClipClassifier:
    """A fitted classifier.

    Parameters
    ----------
    pipeline : Pipeline
        Fitted on label numbers.
    labels : list of str
        Sorted; the order of every score.
    pooling : str
    multi_label : bool
        Whether a clip may have any number of labels.
    calibrator : Calibrator or None
        Turns scores into probabilities.
    rejection : Rejection or None
        Recognises clips that have none of the labels.
    params : mapping
        The parameters it was fitted with.
    threshold : float
        The score from which a clip with any number of labels has a label.
    events : EventSettings or None
        How frames become events, of a model of events: its rows are single frames, and the
        scores of a clip are those of `FrameScores`.
    """

    pipeline: Pipeline
    labels: list[str]
    pooling: str
    multi_label: bool = False
    calibrator: Calibrator | None = None
    rejection: Rejection | None = None
    params: Mapping[str, Any] = field(default_factory=dict, compare=False)
    threshold: float = THRESHOLD
    events: EventSettings | None = None

    @property
    def backgrounds(self) -> list[str]:
        """The labels that mean that there is nothing to report."""
        if self.events is not None:
            return [self.events.background] if self.events.background else []
        return [label for label in self.labels if is_background(label)]

    def frame_scores(self) -> FrameScores:
        """Return what makes the scores of a clip from those of its frames, of a model of events."""
        background = self.backgrounds if self.events is not None else []
        return FrameScores(self.labels.index(background[0]) if background else None)

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
        """Return calibrated scores if there is a calibrator, else the scores."""
        return self.calibrator.apply(scores) if self.calibrator else scores

    def rejects(self, clips: Clips, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Return which clips are rejected, given their scores."""
        if self.rejection is None:
            return np.zeros(len(scores), dtype=bool)
        return self.rejection.acceptance(clips, scores) < self.rejection.threshold

    def _raw_scores(self, clips: Clips) -> npt.NDArray[np.float64]:
        rows = [pool_clip(parts, self.pooling) for parts in clips]
        scores = self.row_scores(np.concatenate(rows))
        if self.pooling != "vote":
            return scores
        if self.events is not None:
            return self._of_frames(scores, [len(part) for part in rows])
        lengths = np.array([len(part) for part in rows])
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        shares: npt.NDArray[np.float64] = np.add.reduceat(scores, starts) / lengths[:, None]
        return shares

    def _of_frames(
        self, scores: npt.NDArray[np.float64], lengths: Sequence[int]
    ) -> npt.NDArray[np.float64]:
        clips = []
        for part in np.split(scores, np.cumsum(lengths)[:-1]):
            gathered = self.frame_scores()
            gathered.add(part)
            clips.append(gathered.result())
        return np.array(clips)

    def row_scores(self, X: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        """Return the scores of each row (n_rows, n_features), before calibration.

        With the pooling ``vote``, rows are frames, and the mean of their scores is the score of
        a clip.

        Raises
        ------
        DataError
            Rows have another width than those fitted on.
        ArtifactError
            The model gives scores that are not finite.
        """
        self._check_width(X)
        n_labels = len(self.labels)
        if self.pooling == "vote" and not self.multi_label and self.events is None:
            votes: npt.NDArray[np.float64] = np.eye(n_labels)[self.pipeline.predict(X)]
            return votes
        outputs = self.pipeline.outputs(X)
        with np.errstate(all="ignore"):
            scores = row_scores(outputs, n_labels, multi_label=self.multi_label)
        if not np.isfinite(scores).all():
            raise ArtifactError(
                "the model gives scores that are not finite, because its parameters are too "
                "large; train it again"
            )
        return scores

    def predict_proba(self, X: FloatArray) -> npt.NDArray[np.float64]:
        """Return the scores of clips given as pooled vectors (n_clips, n_features).

        They are calibrated if the model is; with the pooling ``vote``, each row is a clip of one
        frame.
        """
        return self.calibrated(self.row_scores(X))

    def decision_function(self, X: FloatArray) -> npt.NDArray[np.float64]:
        """Return margins, as scikit-learn has them, of pooled vectors (n_clips, n_features).

        Raises
        ------
        AttributeError
            The classifier gives only probabilities.
        """
        self._check_width(X)
        return np.asarray(self.pipeline.decision_function(X), np.float64)

    def predict(self, clips: Clips | FloatArray) -> list[str]:
        """Return the label of every clip; see `label_of`.

        Parameters
        ----------
        clips : sequence of sequences of float32 (n_frames, dim)
            Or pooled vectors (n_clips, n_features).
        """
        scores = self.predict_proba(clips) if isinstance(clips, np.ndarray) else self.scores(clips)
        return [self.label_of(row) for row in scores]

    def label_of(self, scores: npt.NDArray[np.float64]) -> str:
        """Return the predicted label or labels from the scores of a clip.

        See `predicted_labels`.
        """
        return predicted_labels(
            scores, self.labels, multi_label=self.multi_label, threshold=self.threshold
        )

    def _check_width(self, X: FloatArray) -> None:
        expected = self.pipeline.n_features
        if X.shape[1] != expected:
            raise DataError(
                f"the features have {X.shape[1]} values per clip, but the model expects {expected}"
            )
