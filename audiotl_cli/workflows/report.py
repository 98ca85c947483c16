"""Write down what an evaluation found: one dictionary of results, one folder of files."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.evaluation.calibration import measure_calibration
from audiotl_cli.evaluation.duplicates import find_duplicates
from audiotl_cli.evaluation.embedding_map import map_clips
from audiotl_cli.evaluation.figures import draw_confusion
from audiotl_cli.evaluation.intervals import IntArray, number_units
from audiotl_cli.evaluation.label_errors import find_label_errors
from audiotl_cli.evaluation.metrics import Scores, score
from audiotl_cli.evaluation.report.write import write_beside
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.workflows.features import LabelledFeatures
from audiotl_cli.workflows.fitting import pool_rows
from audiotl_cli.written import write_output

logger = logging.getLogger(__name__)

FloatMatrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """What was said of clips that a model had not seen.

    Parameters
    ----------
    clips : sequence of Clip
    labels : list of str
        The models', in the order of scores.
    repeats : list of float64 (n_clips, n_labels)
        Scores; several where every clip was predicted several times.
    rejected : float64 (n_clips,) or None
        How often each clip was said to be none of the labels; None where nothing is rejected.
    """

    clips: Sequence[Clip]
    labels: list[str]
    repeats: list[FloatMatrix]
    rejected: npt.NDArray[np.float64] | None = None


@dataclass(frozen=True)
class EvaluateReport:
    """What was measured.

    Parameters
    ----------
    title : str
        What was evaluated, how.
    scores : Scores
    result : dict
        Everything in it, as JSON.
    rounds : dict
        Accuracy of every round of a cross-validation, by name; empty otherwise.
    folder : Path
        Where the JSON file and the figure are.
    root : Path, RemotePath or None
        The folder that paths of clips are relative to; None where there are no recordings.
    """

    title: str
    scores: Scores
    result: dict[str, Any]
    rounds: dict[str, float]
    folder: Path
    root: AnyPath | None = None


def write_report(
    title: str,
    about: dict[str, Any],
    answers: Answers,
    rounds: dict[str, float],
    folder: Path,
    seed: int,
    *,
    root: AnyPath | None = None,
) -> EvaluateReport:
    """Score answers and write them down; the page comes last, see `write_pages`.

    Parameters
    ----------
    title : str
    about : dict
        What else goes into the result, beside what the answers show.
    answers : Answers
    rounds, folder, root : see `EvaluateReport`
    seed : int
        Of the bootstrap.
    """
    scores, shown = _measure(answers, seed)
    result = {**shown, **about, "predictions": _predictions(answers)}
    leaking = {one["path"] for one in about.get("leaks", ())}
    rest = [one for one in result["predictions"] if one["path"] not in leaking]
    if leaking and rest:
        right = [one["predicted"] == one["label"] for one in rest]
        result["accuracy_without_leaks"] = sum(right) / len(right)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "report.json", result)
    heading = f"{title}\naccuracy {scores.accuracy:.3f}"
    heading += f" [{scores.interval[0]:.3f}, {scores.interval[1]:.3f}]"
    if about["n_trained_on"]:
        n_clips = len(answers.clips)
        heading += f", {about['n_trained_on']} of {n_clips} clips were trained on"
    heading = "\n".join([heading, *about["warnings"]])
    figure = folder / "confusion.png"
    figure.unlink(missing_ok=True)  # that of an evaluation before
    try:
        draw_confusion(scores, heading, figure)
    except Exception as error:  # whatever drawing meets, the scores are worth more
        logger.warning("%s could not be drawn (%r)", figure, error)
    write_beside(result, folder)
    return EvaluateReport(title, scores, result, rounds, folder, root)


def write_json(path: Path, value: object) -> None:
    """Write a value as JSON, in one go."""
    text = json.dumps(value, indent=1, ensure_ascii=True) + "\n"
    write_output(path, text.encode())


def clip_units(clips: Sequence[Clip]) -> IntArray:
    """Return a number for what clips stand and fall with: their group, else their recording."""
    return number_units([unit_of(clip) for clip in clips])


def unit_of(clip: Clip) -> tuple[str, str]:
    """Return what a clip must not be parted from: its group, else its recording."""
    return ("group", clip.group) if clip.group else ("path", clip.path)


def duplicates(
    data: LabelledFeatures, rows: Sequence[int], parts: Sequence[str], tested: Sequence[bool]
) -> list[dict[str, Any]]:
    """Return nearly equal clips in different parts, as JSON; see `find_duplicates`.

    Parameters
    ----------
    data : LabelledFeatures
    rows : sequence of int
        Positions of the clips to compare.
    parts, tested : sequence
        Of each of these.
    """
    clips = [data.clips[i] for i in rows]
    vectors = pool_rows(data, rows, "mean+std")
    keys = [data.keys[i] for i in rows]
    return [
        {
            "path": clips[twins.clip].path,
            "other": clips[twins.other].path,
            "similarity": round(twins.similarity, 6),
            "label": clips[twins.clip].label,
            "other_label": clips[twins.other].label,
            **_bounds(clips[twins.clip]),
            **_bounds(clips[twins.other], "other_"),
        }
        for twins in find_duplicates(vectors, keys, parts, tested)
    ]


def embedding_map(data: LabelledFeatures, rows: Sequence[int]) -> dict[str, Any]:
    """Return ``embedding_map``, the map of these clips' pooled features, if there is one."""
    found = map_clips(pool_rows(data, rows, "mean+std"))
    return {"embedding_map": found} if found else {}


def recordings(index: Index, data: LabelledFeatures) -> AnyPath | None:
    """Return the folder of the recordings; None for features that came from elsewhere."""
    return None if any(spec.imported for spec in data.extractors) else index.audio_root


def warn_trained_on(n_trained_on: int | None, n_clips: int) -> None:
    """Warn if some of the clips evaluated were trained on."""
    if n_trained_on:
        logger.warning(
            "%d of the %d clips evaluated were trained on, so the score is too good",
            n_trained_on,
            n_clips,
        )


def weights_warnings(data: LabelledFeatures) -> list[str]:
    """Return what readers must know of the weights that the features were made with."""
    return [spec.warning for spec in data.extractors if spec.warning]


def _measure(answers: Answers, seed: int) -> tuple[Scores, dict[str, Any]]:
    truth = [clip.label for clip in answers.clips]
    n_repeats = len(answers.repeats)
    told = [[answers.labels[best] for best in one.argmax(axis=1)] for one in answers.repeats]
    labels = sorted({*answers.labels, *truth})
    units = clip_units(answers.clips)
    scores = score(
        truth * n_repeats,
        [label for one in told for label in one],
        labels,
        seed,
        np.tile(units, n_repeats),
        n_repeats,
    )
    mean = np.mean(answers.repeats, axis=0)
    calibration = measure_calibration(
        truth * n_repeats, answers.labels, np.concatenate(answers.repeats)
    )
    shown: dict[str, Any] = {
        "accuracy": scores.accuracy,
        "confidence_interval": list(scores.interval),
        "interval_over": "clips" if len(set(units.tolist())) == len(units) else "groups",
        "balanced_accuracy": scores.balanced_accuracy,
        "macro_f1": scores.macro_f1,
        "n_clips": len(answers.clips),
        "labels": labels,
        "confusion_matrix": scores.confusion.tolist(),
        "per_label": {label: asdict(one) for label, one in scores.per_label.items()},
    }
    if n_repeats > 1:
        shown["n_repeats"] = n_repeats
        shown["repeats"] = [
            sum(label == true for label, true in zip(one, truth, strict=True)) / len(truth)
            for one in told
        ]
    if answers.rejected is not None:
        shown["rejection"] = _rejection(answers.rejected, told, truth)
    if calibration:
        shown["calibration"] = asdict(calibration)
    shown["label_errors"] = [
        {
            "path": answers.clips[one.clip].path,
            "label": answers.clips[one.clip].label,
            "suggested": one.suggested,
            "score": round(one.score, 6),
            **_bounds(answers.clips[one.clip]),
        }
        for one in find_label_errors(truth, answers.labels, mean)
    ]
    return scores, shown


def _bounds(clip: Clip, whose: str = "") -> dict[str, float]:
    """Return which stretch of its recording a clip is, as far as it is one."""
    bounds = {f"{whose}start_s": clip.start_s, f"{whose}end_s": clip.end_s}
    return {name: value for name, value in bounds.items() if value is not None}


def _rejection(
    rejected: npt.NDArray[np.float64], told: list[list[str]], truth: list[str]
) -> dict[str, Any]:
    """Return how many clips were rejected, and how right the others are."""
    kept = rejected <= 0.5
    right = np.mean([[a == b for a, b in zip(one, truth, strict=True)] for one in told], axis=0)
    return {
        "n_rejected": int((~kept).sum()),
        "accuracy_of_the_rest": float(right[kept].mean()) if kept.any() else None,
    }


def _predictions(answers: Answers) -> list[dict[str, Any]]:
    """Return what was said of every clip; of several answers, the one given most often."""
    mean = np.mean(answers.repeats, axis=0)
    votes = np.stack([one.argmax(axis=1) for one in answers.repeats], axis=1)
    entries = []
    rejected = np.zeros(len(mean)) if answers.rejected is None else answers.rejected
    for clip, row, vote, none in zip(answers.clips, mean, votes, rejected, strict=True):
        counted = Counter(vote.tolist())
        best = max(counted, key=lambda label: (counted[label], row[label], -label))
        entry: dict[str, Any] = {
            "path": clip.path,
            "label": clip.label,
            "predicted": answers.labels[best],
            "scores": {
                label: round(float(value), 6)
                for label, value in zip(answers.labels, row, strict=True)
            },
        }
        places = {name: getattr(clip, name) for name in ("start_s", "end_s", "group", "fold")}
        entry |= {name: value for name, value in places.items() if value not in (None, "")}
        if none > 0.5:
            entry["rejected"] = True
        entries.append(entry)
    return entries
