"""A made-up result with everything a page can show, and recordings to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

LABELS = ["<script>alert(1)</script>", "bird & bee", "=cat"]
EVIL = "a/\"><img src=x onerror=alert(2)> 'q'.wav"
PATHS = [EVIL, "a/1.wav", "b/2.wav", "b/3.wav", "c/4 #%.wav", "c/5.wav"]
TOLD = [1, 0, 1, 2, 2, 2]
TRUE = [0, 0, 1, 1, 2, 2]


def result() -> dict[str, Any]:
    confusion = np.zeros((3, 3), int)
    np.add.at(confusion, (TRUE, TOLD), 1)
    interval = [0.3, 0.9]
    return {
        "accuracy": 4 / 6,
        "confidence_interval": interval,
        "interval_over": "groups",
        "balanced_accuracy": 0.6,
        "macro_f1": 0.61,
        "n_clips": 6,
        "labels": LABELS,
        "confusion_matrix": confusion.tolist(),
        "per_label": {
            label: {"precision": 0.5, "recall": 0.25 * i, "f1": 0.4, "n_clips": 2}
            for i, label in enumerate(LABELS)
        },
        "n_trained_on": 2,
        "warnings": ["weights of yamnet are not the published ones: <b>mine</b>.h5"],
        "index": "sounds.csv",
        "index_sha256": "ab" * 32,
        "rounds": {"1": 0.5, "2": 0.75},
        "classifier": "logreg",
        "predictions": [
            {
                "path": path,
                "label": LABELS[true],
                "predicted": LABELS[told],
                "scores": {LABELS[k]: 0.9 - 0.1 * i if k == told else 0.05 for k in range(3)},
            }
            for i, (path, true, told) in enumerate(zip(PATHS, TRUE, TOLD, strict=True))
        ],
        "calibration": {
            "ece": 0.1,
            "brier": 0.2,
            "bins": [
                {"low": 0.0, "high": 0.5, "n_clips": 2, "confidence": 0.45, "accuracy": 0.5},
                {"low": 0.5, "high": 1.0, "n_clips": 4, "confidence": 0.8, "accuracy": 0.75},
            ],
        },
        "open_set": {
            "auroc": 0.8,
            "fpr95": 0.4,
            "per_label": {LABELS[0]: {"auroc": 0.8, "fpr95": 0.4}},
        },
        "embedding_map": {"method": "pca", "points": [[i, i * i] for i in range(6)]},
        "learning_curve": {
            "points": [
                {"n_clips": 10, "accuracy": 0.5, "interval": interval},
                {"n_clips": 20, "accuracy": 0.6, "interval": interval},
            ],
            "twice": {"n_clips": 40, "accuracy": 0.7, "interval": interval},
        },
        "label_errors": [{"path": EVIL, "label": LABELS[0], "suggested": LABELS[1], "score": 0.8}],
        "duplicates": [
            {
                "path": "a/1.wav",
                "other": "elsewhere.wav",
                "similarity": 0.999,
                "label": LABELS[0],
                "other_label": LABELS[2],
            }
        ],
        "comparison": {
            "a": "one",
            "b": "two",
            "n_clips": 6,
            "difference": 0.1,
            "interval": [-0.1, 0.3],
            "p_value": 0.4,
            "test": "McNemar",
            "verdict": "No difference was found.",
        },
    }


def record(root: Path, paths: list[str] = PATHS) -> None:
    """Write a second of noise to every path."""
    import soundfile

    rng = np.random.default_rng(0)
    for path in paths:
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("wb") as file:
            soundfile.write(file, rng.normal(0, 0.1, 22_050), 22_050, format="WAV")
