"""A made-up evaluation with everything a page can show, and recordings to it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from audiotl_cli.evaluation.binary import AtThreshold, Binary
from audiotl_cli.evaluation.calibration import Bin, Calibration
from audiotl_cli.evaluation.clips import EvaluatedClip
from audiotl_cli.evaluation.comparison import Comparison
from audiotl_cli.evaluation.duplicates import DuplicatePair
from audiotl_cli.evaluation.embedding_map import EmbeddingMap
from audiotl_cli.evaluation.evaluation import Evaluation, LabelError, Source
from audiotl_cli.evaluation.learning_curve import CurvePoint, LearningCurve
from audiotl_cli.evaluation.open_set import OpenSet, Separation
from audiotl_cli.evaluation.predictions import Predictions
from audiotl_cli.evaluation.scores import Scores
from audiotl_cli.evaluation.verdict import Verdict

LABELS = ["<script>alert(1)</script>", "bird & bee", "=cat"]
EVIL = "a/\"><img src=x onerror=alert(2)> 'q'.wav"
PATHS = [EVIL, "a/1.wav", "b/2.wav", "b/3.wav", "c/4 #%.wav", "c/5.wav"]
PREDICTED = [1, 0, 1, 2, 2, 2]
TRUE = [0, 0, 1, 1, 2, 2]
INTERVAL = (0.3, 0.9)


def clips(labels: list[str] = LABELS, paths: list[str] = PATHS) -> list[EvaluatedClip]:
    return [EvaluatedClip(path, labels[true]) for path, true in zip(paths, TRUE, strict=True)]


def scores(labels: list[str] = LABELS) -> Scores:
    confusion = np.zeros((3, 3), np.int64)
    np.add.at(confusion, (TRUE, PREDICTED), 1)
    return Scores(
        metrics={"accuracy": 4 / 6, "balanced_accuracy": 0.6, "macro_f1": 0.61},
        interval=INTERVAL,
        interval_over="groups",
        labels=labels,
        confusion=confusion,
        per_label={
            label: {"precision": 0.5, "recall": 0.25 * i, "f1": 0.4, "n_clips": 2}
            for i, label in enumerate(labels)
        },
    )


def predictions(clips: list[EvaluatedClip], labels: list[str] = LABELS) -> Predictions:
    matrix = np.full((6, 3), 0.05)
    confidence = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    matrix[np.arange(6), PREDICTED] = confidence
    return Predictions(clips, labels, matrix, [labels[i] for i in PREDICTED], confidence)


def basic() -> Evaluation:
    """Return an evaluation of which nothing was measured but its scores."""
    return Evaluation("t", False, scores(), predictions(clips()), Source())


def evaluation() -> Evaluation:
    """Return an evaluation that has everything."""
    every = clips()
    points = [CurvePoint(10, 0.5, INTERVAL), CurvePoint(20, 0.6, INTERVAL)]
    elsewhere = EvaluatedClip("elsewhere.wav", LABELS[2])
    verdict = "no difference shown: of 6 clips, only one predicts 1 rightly, only two 2"
    return Evaluation(
        title="t",
        multi_label=False,
        scores=scores(),
        predictions=predictions(every),
        source=Source(
            index="sounds.csv",
            index_sha256="ab" * 32,
            n_trained_on=2,
            warnings=["weights of yamnet are not the published ones: <b>mine</b>.h5"],
            settings={"classifier": "logreg"},
            rounds={"1": 0.5, "2": 0.75},
        ),
        calibration=Calibration(
            0.1, 0.2, [Bin(0.0, 0.5, 2, 0.45, 0.5), Bin(0.5, 1.0, 4, 0.8, 0.75)]
        ),
        label_errors=[LabelError(every[0], LABELS[1], 0.8)],
        duplicates=[DuplicatePair(every[1], elsewhere, 0.999)],
        embedding_map=EmbeddingMap("pca", [[float(i), float(i * i)] for i in range(6)]),
        learning_curve=LearningCurve(points, CurvePoint(40, 0.7, INTERVAL)),
        open_set=OpenSet(Separation(0.8, 0.4), {LABELS[0]: Separation(0.8, 0.4)}),
        verdict=Verdict("Better than <b>nothing</b>.", "better_but", "accuracy", 4 / 6, INTERVAL),
        binary=binary(),
        comparisons=[
            Comparison("one", "two", 6, 1, 2, 0.1, (-0.1, 0.3), 0.4, "exact McNemar", verdict)
        ],
    )


def binary() -> Binary:
    """Return what is measured of two labels, the first of which is to be found."""
    curve = [AtThreshold(1.1, 0.0, 1.0, None), AtThreshold(0.6, 0.5, 0.75, 0.5)]
    text = f"Finds 1 of 2 clips of {LABELS[0]!r}"
    return Binary(
        LABELS[0], LABELS[1], "rarer", text, 0.7, 0.6, 0.5, 0.75, 0.6, curve[1:],
        [*curve, AtThreshold(0.1, 1.0, 0.0, 1 / 3)],
    )  # fmt: skip


def record(root: Path, paths: list[str] = PATHS) -> None:
    """Write a second of noise to every path."""
    import soundfile

    rng = np.random.default_rng(0)
    for path in paths:
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("wb") as file:
            soundfile.write(file, rng.normal(0, 0.1, 22_050), 22_050, format="WAV")
