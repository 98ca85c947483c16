"""An evaluation: everything that was measured of a model, in typed sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from audiotl_cli.data_frames import data_frame, score_columns
from audiotl_cli.evaluation.binary import Binary
from audiotl_cli.evaluation.calibration import Calibration
from audiotl_cli.evaluation.clips import EvaluatedClip
from audiotl_cli.evaluation.comparison import Comparison
from audiotl_cli.evaluation.duplicates import DuplicatePair
from audiotl_cli.evaluation.embedding_map import EmbeddingMap
from audiotl_cli.evaluation.leaks import TRAINED_ON, Leak
from audiotl_cli.evaluation.learning_curve import LearningCurve
from audiotl_cli.evaluation.open_set import OpenSet
from audiotl_cli.evaluation.predictions import Predictions
from audiotl_cli.evaluation.scores import Scores
from audiotl_cli.evaluation.verdict import Verdict

if TYPE_CHECKING:
    from pandas import DataFrame

MOST_IN_MATRIX = 2000
"""Labels up to which ``report.json`` has the confusion matrix."""


@dataclass(frozen=True)
class LabelError:
    """A clip that may be mislabelled.

    Parameters
    ----------
    clip : EvaluatedClip
    suggested : str
        What the model says instead.
    score : float
        0.5 to 1, high where the label is surely wrong.
    """

    clip: EvaluatedClip
    suggested: str
    score: float

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "path": self.clip.path,
            "label": self.clip.label,
            "suggested": self.suggested,
            "score": round(self.score, 6),
            **self.clip.bounds(),
        }


@dataclass(frozen=True)
class RejectionCounts:
    """How many clips were rejected, and how good the model is on the others.

    Parameters
    ----------
    n_rejected : int
    accuracy_of_the_rest : float or None
        None where all were rejected.
    """

    n_rejected: int
    accuracy_of_the_rest: float | None


@dataclass(frozen=True)
class Source:
    """What was evaluated, and on what.

    Parameters
    ----------
    index, index_sha256 : str
        The index's file name, and the hash of its content.
    n_trained_on : int or None
        Evaluated clips that were trained on; None where that is not known.
    warnings : sequence of str
    model, split : str
        A saved model and the split it was evaluated on; empty for a cross-validation.
    card : mapping or None
        What the saved model says of itself.
    settings : mapping
        How the models of a cross-validation were trained; empty for a saved model.
    rounds : mapping
        The accuracy of every round of a cross-validation.
    suspected_groups : mapping or None
        Sources that names suggest and that are both trained on and tested, with a ``warning``.
    """

    index: str = ""
    index_sha256: str = ""
    n_trained_on: int | None = None
    warnings: Sequence[str] = ()
    model: str = ""
    split: str = ""
    card: Mapping[str, Any] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    rounds: Mapping[str, float] = field(default_factory=dict)
    suspected_groups: Mapping[str, Any] | None = None

    @property
    def doubts(self) -> list[str]:
        """What readers must know of the scores."""
        suspected = self.suspected_groups
        return [*self.warnings, *([str(suspected["warning"])] if suspected else [])]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        saved = {"model": self.model, "split": self.split}
        return {
            **({} if self.card is None else saved),
            **self.settings,
            "index": self.index,
            "index_sha256": self.index_sha256,
            "n_trained_on": self.n_trained_on,
            **({"rounds": dict(self.rounds)} if self.rounds else {}),
            **({} if self.card is None else {"card": dict(self.card)}),
            "suspected_groups": self.suspected_groups and dict(self.suspected_groups),
            "warnings": self.doubts,
        }


@dataclass(frozen=True)
class Evaluation:
    """Everything that was measured of a model. A section that is None was not measured.

    Parameters
    ----------
    title : str
        What was evaluated, and how.
    multi_label : bool
        Whether a clip may have several labels.
    scores : Scores
    predictions : Predictions
    source : Source
    calibration : Calibration or None
    rejection : RejectionCounts or None
    label_errors : sequence of LabelError
        The most suspect first.
    duplicates : sequence of DuplicatePair or None
        The nearest first.
    leaks : sequence of Leak
    embedding_map : EmbeddingMap or None
    learning_curve : LearningCurve or None
    open_set : OpenSet or None
    comparisons : sequence of Comparison
        With other evaluations of the same clips.
    verdict : Verdict or None
        Whether the model is any use.
    binary : Binary or None
        How well one of two labels is found.
    """

    title: str
    multi_label: bool
    scores: Scores
    predictions: Predictions
    source: Source
    calibration: Calibration | None = None
    rejection: RejectionCounts | None = None
    label_errors: Sequence[LabelError] = ()
    duplicates: Sequence[DuplicatePair] | None = None
    leaks: Sequence[Leak] = ()
    embedding_map: EmbeddingMap | None = None
    learning_curve: LearningCurve | None = None
    open_set: OpenSet | None = None
    comparisons: Sequence[Comparison] = ()
    verdict: Verdict | None = None
    binary: Binary | None = None

    @property
    def n_clips(self) -> int:
        """How many clips were evaluated."""
        return len(self.predictions.clips)

    @property
    def copies(self) -> list[Leak]:
        """The leaks that are copies of clips trained on, not these clips themselves."""
        return [leak for leak in self.leaks if leak.kind != TRAINED_ON]

    @property
    def accuracy_without_leaks(self) -> float | None:
        """The accuracy on the clips that do not leak; None where none leaks, or all do."""
        leaking = {leak.clip.place for leak in self.leaks}
        clean = [i for i, clip in enumerate(self.predictions.clips) if clip.place not in leaking]
        if not leaking or not clean:
            return None
        return float(self.predictions.right[clean].mean())

    def __repr__(self) -> str:
        accuracy = f"{self.scores.accuracy:.3f}"
        return f"Evaluation({self.title!r}, accuracy={accuracy}, n_clips={self.n_clips})"

    def to_frame(self) -> DataFrame:
        """Return the predictions as a table for pandas, a row a clip.

        The scores of labels are in columns called ``score:LABEL``.

        Raises
        ------
        ImportError
            pandas is not installed.
        """
        found, labels = self.predictions, self.predictions.labels
        rows = []
        for clip, predicted, scores in zip(found.clips, found.predicted, found.scores, strict=True):
            by_label = dict(zip(labels, scores.tolist(), strict=True))
            cells = vars(clip) | {"predicted": predicted}
            rows.append(cells | score_columns(labels, by_label))
        columns = ("path", "start_s", "end_s", "group", "fold", "label", "predicted")
        return data_frame(rows, (*columns, *(f"score:{label}" for label in labels)))

    def to_dict(self) -> dict[str, Any]:
        """Return the evaluation as JSON, as ``report.json`` has it."""
        sections = {
            "rejection": self.rejection,
            "calibration": self.calibration,
            "learning_curve": self.learning_curve,
            "embedding_map": self.embedding_map,
        }
        value = {
            **({"verdict": self.verdict.to_dict()} if self.verdict else {}),
            **self._scores(),
            **{name: asdict(section) for name, section in sections.items() if section},
            "label_errors": [error.to_dict() for error in self.label_errors],
            **self.source.to_dict(),
            "leaks": [leak.to_dict() for leak in self.leaks],
            "accuracy_without_leaks": self.accuracy_without_leaks,
            "n_scores": self.predictions.n_listed,
            "predictions": self.predictions.to_list(),
        }
        if self.binary is not None:
            value["binary"] = self.binary.to_dict()
        if self.open_set is not None:
            value["open_set"] = self.open_set.to_dict()
        if self.duplicates is not None:
            value["duplicates"] = [pair.to_dict() for pair in self.duplicates]
        if value["accuracy_without_leaks"] is None:
            del value["accuracy_without_leaks"]
        return value

    def _scores(self) -> dict[str, Any]:
        scores = self.scores
        matrix = scores.confusion.tolist() if len(scores.labels) <= MOST_IN_MATRIX else None
        value = {
            **scores.metrics,
            "confidence_interval": list(scores.interval),
            "interval_over": scores.interval_over,
            "n_clips": self.n_clips,
            "multi_label": self.multi_label,
            "labels": list(scores.labels),
            "confusion_matrix": matrix,
            "per_label": scores.per_label,
        }
        if scores.repeats:
            value |= {"n_repeats": len(scores.repeats), "repeats": scores.repeats}
        return value
