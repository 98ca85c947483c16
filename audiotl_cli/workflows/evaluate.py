"""Measure how good a model is, on clips it has not seen."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.classify.artifact import ModelCard, clip_mark, library_versions, load_model_file
from audiotl_cli.classify.classifier import ClassifierOptions, fit_classifier
from audiotl_cli.classify.table import classifier_name
from audiotl_cli.dataset.build import assign_folds
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.errors import DataError
from audiotl_cli.evaluation.figures import draw_confusion
from audiotl_cli.evaluation.metrics import Scores, score
from audiotl_cli.evaluation.protocols import Round, check_groups, leave_one_out, parse_protocol
from audiotl_cli.files import write_whole
from audiotl_cli.workflows.choose import choose, deal_folds, only, plan
from audiotl_cli.workflows.features import LabelledFeatures, read_features, read_features_of
from audiotl_cli.workflows.train import TEST, model_name, name_part

logger = logging.getLogger(__name__)

FloatMatrix = npt.NDArray[np.float64]


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
    """

    title: str
    scores: Scores
    result: dict[str, Any]
    rounds: dict[str, float]
    folder: Path


def evaluate_model(
    model: Path,
    index: Index,
    root: Path,
    *,
    split: str = TEST,
    report: Path | None = None,
    experiments: Path,
    seed: int = 0,
) -> EvaluateReport:
    """Evaluate a saved model on one split of an index.

    Parameters
    ----------
    model : Path
    index : Index
    root : Path
        A folder of feature stores, or one store.
    split : str
    report : Path or None
        Folder for the report; None names one in `experiments`.
    experiments : Path
    seed : int
        Of the bootstrap.

    Raises
    ------
    DataError
        No clips, or no features, to evaluate on.
    ArtifactError
        The model cannot be loaded.
    """
    classifier, card = load_model_file(model)
    data = read_features_of(index, root, list(card.extractors))
    rows = [i for i, clip in enumerate(data.clips) if clip.split == split]
    if not rows:
        found = ", ".join(sorted({clip.split for clip in data.clips} - {""})) or "no splits"
        raise DataError(
            f"no clip with features is in the split {split!r} of {index.path} (it has {found}); "
            "choose one with --split, or evaluate with --cv"
        )
    clips = [data.clips[i] for i in rows]
    matrix = classifier.scores([data.frames[i] for i in rows])
    title = f"{model.stem} on {split} of {index.path.name if index.path else 'the index'}"
    known = set(card.trained_on)
    n_trained_on = sum(clip_mark(data.keys[i]) in known for i in rows) if known else None
    about = {
        "model": str(model),
        "split": split,
        "index": index.path.name if index.path else "",
        "index_sha256": index.sha256(),
        "n_trained_on": n_trained_on,
        "card": {name: value for name, value in asdict(card).items() if name != "trained_on"},
        "warnings": _warnings(data),
    }
    _warn_trained_on(n_trained_on, len(rows))
    folder = report or experiments / _report_name(model, card, index, split, seed)
    return _report(title, about, clips, classifier.labels, matrix, {}, folder, seed)


def cross_validate(
    index: Index,
    root: Path,
    extractors: list[str],
    options: ClassifierOptions,
    protocol: str,
    *,
    n_settings: int = 0,
    report: Path | None = None,
    experiments: Path,
    on_round: Callable[[int, int], None] = lambda done, total: None,
) -> EvaluateReport:
    """Fit and evaluate one model a round; every clip is predicted once.

    Parameters
    ----------
    index : Index
    root, extractors, options, report, experiments
        As for `train_model` and `evaluate_model`.
    protocol : str
        ``fold``: the index's folds; ``group``: leave one group out; or a number of folds,
        dealt so that groups stay together.
    n_settings : int
        How many settings to try in every round, among the clips it trains on; the clips held
        out have no part in the choice. 0 takes `options` as they are.
    on_round : callable
        Told how much is done, and of how much: rounds, or fits where settings are tried.

    Raises
    ------
    DataError
        The index has no folds or groups, or no features.
    UsageError
        The protocol or an option does not exist.
    """
    options = replace(options, classifier=classifier_name(options.classifier))
    how = parse_protocol(protocol)
    data = read_features(index, root, extractors)
    rounds = _rounds(data.clips, how, options.seed)
    leaks = check_groups(rounds, [clip.group for clip in data.clips])
    if leaks:
        logger.warning(
            "%d groups stand on both sides of a fold, so the score is too good: %s",
            len(leaks),
            ", ".join(leaks[:5]) + (", ..." if len(leaks) > 5 else ""),
        )
    labels = sorted(set(data.labels))
    matrix = np.zeros((len(data.clips), len(labels)))
    accuracies: dict[str, float] = {}
    n_trained_on = 0
    chosen: dict[str, dict[str, Any]] = {}
    for done, one in enumerate(rounds):
        best, used = options, data
        if n_settings:

            def on_fit(fits: int, of: int, done: int = done) -> None:
                on_round(done * of + fits, len(rounds) * of)

            candidates = plan(data, one.train, n_settings, options)
            folds = deal_folds(data, one.train, options.seed)
            choice = choose(data, one.train, candidates, folds, on_progress=on_fit)
            best, chosen[one.name] = choice.options, choice.as_json(choice.chosen)
            used = only(data, choice.chosen.setting.parts)
        columns, scores = _fit_round(used, one, best, labels)
        matrix[np.ix_(one.test, columns)] = scores
        told = matrix[one.test].argmax(axis=1)
        right = [labels[best] == data.labels[i] for best, i in zip(told, one.test, strict=True)]
        accuracies[one.name] = sum(right) / len(right)
        known = {data.keys[i] for i in one.train}
        n_trained_on += sum(data.keys[i] in known for i in one.test)
        if not n_settings:
            on_round(done + 1, len(rounds))
    _warn_trained_on(n_trained_on, len(data.clips))
    about = {
        "cv": protocol,
        "classifier": options.classifier,
        "pooling": options.pooling,
        "pca": options.pca,
        "params": dict(options.params),
        "extractors": [asdict(spec) for spec in data.extractors],
        "index": index.path.name if index.path else "",
        "index_sha256": index.sha256(),
        "seed": options.seed,
        "rounds": accuracies,
        "n_settings": n_settings,
        "chosen": chosen,
        "n_trained_on": n_trained_on,
        "warnings": _warnings(data),
        "versions": library_versions(),
    }
    name = model_name(index, data.extractors, options, n_settings=n_settings)
    kind = f"{len(rounds)}-fold cross-validation" if how != "group" else "leave one group out"
    title = f"{name}, {kind}"
    folder = report or experiments / f"{name}-cv-{protocol}"
    return _report(title, about, data.clips, labels, matrix, accuracies, folder, options.seed)


def _report_name(model: Path, card: ModelCard, index: Index, split: str, seed: int) -> str:
    parts = [model.stem, name_part(split)]
    if index.path and index.path.name != card.index:
        parts.append(f"of-{name_part(index.path.stem)}")
    if seed:
        parts.append(f"seed{seed}")
    return "-".join(parts)


def _rounds(clips: Sequence[Clip], how: str | int, seed: int) -> list[Round]:
    if isinstance(how, int):
        dealt = assign_folds(list(clips), how, seed, option="--cv")
        return leave_one_out([clip.fold for clip in dealt], "fold")
    return leave_one_out([getattr(clip, how) for clip in clips], how)


def _fit_round(
    data: LabelledFeatures, one: Round, options: ClassifierOptions, labels: list[str]
) -> tuple[list[int], FloatMatrix]:
    classifier = fit_classifier(
        [data.frames[i] for i in one.train], [data.labels[i] for i in one.train], options
    )
    columns = [labels.index(label) for label in classifier.labels]
    return columns, classifier.scores([data.frames[i] for i in one.test])


def _warn_trained_on(n_trained_on: int | None, n_clips: int) -> None:
    if n_trained_on:
        logger.warning(
            "%d of the %d clips evaluated were trained on, so the score is too good",
            n_trained_on,
            n_clips,
        )


def _warnings(data: LabelledFeatures) -> list[str]:
    return [spec.warning for spec in data.extractors if spec.warning]


def _report(
    title: str,
    about: dict[str, Any],
    clips: Sequence[Clip],
    model_labels: list[str],
    matrix: FloatMatrix,
    rounds: dict[str, float],
    folder: Path,
    seed: int,
) -> EvaluateReport:
    truth = [clip.label for clip in clips]
    predicted = [model_labels[best] for best in matrix.argmax(axis=1)]
    labels = sorted({*model_labels, *truth})
    scores = score(truth, predicted, labels, seed)
    result = {
        "accuracy": scores.accuracy,
        "confidence_interval": list(scores.interval),
        "balanced_accuracy": scores.balanced_accuracy,
        "macro_f1": scores.macro_f1,
        "n_clips": len(clips),
        "labels": labels,
        "confusion_matrix": scores.confusion.tolist(),
        "per_label": {label: asdict(one) for label, one in scores.per_label.items()},
        **about,
        "predictions": [
            {
                "path": clip.path,
                "label": clip.label,
                "predicted": told,
                "scores": {
                    label: round(float(value), 6)
                    for label, value in zip(model_labels, row, strict=True)
                },
            }
            for clip, told, row in zip(clips, predicted, matrix, strict=True)
        ],
    }
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, indent=1, ensure_ascii=True) + "\n"
    write_whole(folder / "report.json", text.encode())
    heading = f"{title}\naccuracy {scores.accuracy:.3f}"
    heading += f" [{scores.interval[0]:.3f}, {scores.interval[1]:.3f}]"
    if about["n_trained_on"]:
        heading += f", {about['n_trained_on']} of {len(clips)} clips were trained on"
    heading = "\n".join([heading, *about["warnings"]])
    figure = folder / "confusion.png"
    figure.unlink(missing_ok=True)  # that of an evaluation before
    try:
        draw_confusion(scores, heading, figure)
    except Exception as error:  # whatever drawing meets, the scores are worth more
        logger.warning("%s could not be drawn (%r)", figure, error)
    return EvaluateReport(title, scores, result, rounds, folder)
