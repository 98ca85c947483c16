"""The page of an evaluation: one HTML file that needs no other file and no network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from audiotl_cli.evaluation.evaluation import Evaluation
from audiotl_cli.evaluation.metrics.registry import METRICS, all_label_metrics, all_metrics
from audiotl_cli.evaluation.report import charts
from audiotl_cli.evaluation.report.clips import N_SUSPECTS, PageClips, gather
from audiotl_cli.evaluation.report.media import MOST_S, RATE, frequency_ticks
from audiotl_cli.evaluation.report.provenance import described
from audiotl_cli.evaluation.scores import Scores
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.text import printable

MOST_IN_MATRIX = 40
"""Labels in the confusion matrix, at most: of more, those most often confused."""
MOST_IN_TABLE = 500
"""Labels in the table of labels, at most: of more, those of the lowest F1."""

SCRIPTS = ("cards.js", "page.js")

SECTIONS = {
    "confusion": "Confusion",
    "clips": "Clips",
    "labels": "Labels",
    "binary": "Threshold",
    "calibration": "Calibration",
    "open_set": "Unknown sounds",
    "map": "Map",
    "curve": "Learning curve",
    "label_errors": "Label errors",
    "duplicates": "Near-duplicates",
    "rounds": "Rounds",
    "comparison": "Comparison",
    "made_from": "Made from",
}


def render(
    evaluation: Evaluation,
    *,
    root: AnyPath | None,
    folder: Path,
    beside: Sequence[str] = (),
) -> str:
    """Return the page of an evaluation; the same evaluation gives the same page.

    Parameters
    ----------
    evaluation : Evaluation
        What was not measured has no section.
    root : Path, RemotePath or None
        The folder that paths of clips are relative to; None where there are no recordings.
    folder : Path
        Where the page will be.
    beside : sequence of str
        Names of other files of the evaluation in that folder.
    """
    clips = gather(evaluation, root, folder)
    parts = _parts(evaluation, clips)
    scores = evaluation.scores
    script = "\n".join(file_text(name).strip() for name in SCRIPTS)
    style = file_text("page.css").strip()
    page: str = environment().from_string(file_text("template.html")).render(
        evaluation=evaluation,
        metrics=[
            (metric.title, scores.metrics[metric.name])
            for metric in all_metrics()
            if metric.name in scores.metrics and metric.name != scores.leading
        ],
        lead=METRICS[scores.leading].title,
        baseline=_baseline(evaluation),
        alerts=_alerts(evaluation),
        sections={name: text for name, text in SECTIONS.items() if parts[name]},
        **parts,
        names=[printable(label) for label in scores.labels],
        hues=charts.hues(len(scores.labels)),
        records=clips.records,
        n_listed=clips.n_listed,
        n_embedded=clips.n_embedded,
        at_hand=any("link" in record for record in clips.records),
        excerpt={"most_s": MOST_S, "rate": RATE},
        frequency_ticks=frequency_ticks(),
        beside=beside,
        style=style,
        script=script,
        script_sha256=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )  # fmt: skip
    return page


def environment() -> Any:
    """Return what fills templates of pages: everything is escaped."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["printable"] = printable
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False, "separators": (",", ":")}
    return environment


def file_text(name: str) -> str:
    """Return the text of a file beside this module, such as the style of pages."""
    return files(__package__).joinpath(name).read_text("utf-8")


def _parts(evaluation: Evaluation, clips: PageClips) -> dict[str, Any]:
    """Return what every section shows; what is empty has no section."""
    calibration, curve = evaluation.calibration, evaluation.learning_curve
    return {
        "confusion": _confusion(evaluation.scores),
        "clips": bool(evaluation.n_clips),
        "labels": _labels(evaluation.scores),
        "binary": evaluation.binary and charts.binary_curves(evaluation.binary),
        "calibration": calibration and {**asdict(calibration), **charts.reliability(calibration)},
        "open_set": evaluation.open_set,
        "map": _map(evaluation, clips),
        "curve": curve and charts.learning_curve(curve),
        "label_errors": [
            (error, clips.numbers[error.clip.place])
            for error in evaluation.label_errors[:N_SUSPECTS]
        ],
        "duplicates": [
            (pair, [(clip, clips.numbers[clip.place]) for clip in (pair.clip, pair.other)])
            for pair in (evaluation.duplicates or ())[:N_SUSPECTS]
        ],
        "rounds": evaluation.source.rounds,
        "comparison": evaluation.comparisons,
        "made_from": described(evaluation.source),
    }


def _alerts(evaluation: Evaluation) -> list[str]:
    """Return the reasons to doubt the scores."""
    found = []
    source, n_clips = evaluation.source, evaluation.n_clips
    if source.n_trained_on:
        found.append(
            f"{source.n_trained_on} of the {n_clips} clips evaluated were trained on, "
            "so the score is too good."
        )
    elif source.n_trained_on is None and source.card is not None:
        found.append(
            "The model does not say which clips it was trained on; some of these may be among them."
        )
    if copies := evaluation.copies:
        pairs = (
            f"{leak.clip.name} ({leak.other.name if leak.other else 'by the index'})"
            for leak in copies
        )
        found.append(
            f"{len(copies)} of the {n_clips} clips evaluated hold the sound of clips "
            f"trained on, so the score is too good: {', '.join(pairs)}."
        )
    return [*found, *(f"{text[:1].upper()}{text[1:]}." for text in source.doubts)]


def _baseline(evaluation: Evaluation) -> dict[str, Any]:
    """Return what no model at all would give: a name, its value and a sentence."""
    leading = evaluation.scores.leading
    if evaluation.verdict is None or leading == "accuracy":
        value = evaluation.predictions.baseline
        what = "set of labels" if evaluation.multi_label else "label"
        name = f"always predicting the most frequent {what}"
        return {"name": name, "value": value, "sentence": f"A{name[1:]} would give {value:.3f}."}
    commonest = evaluation.verdict.baselines["commonest"]
    value = commonest[leading]
    if leading == "balanced_accuracy":
        name = f"always answering {printable(commonest['label'])}"
        sentence = (
            f"Labels are unbalanced, so every label counts the same: A{name[1:]} would give "
            f"{value:.3f}, and an accuracy of {commonest['accuracy']:.3f}."
        ).replace(": A", ": a")
    else:
        name = "scores that know nothing of the sound"
        sentence = f"S{name[1:]} would give {value:.3f}."
    return {"name": name, "value": value, "sentence": sentence}


def _confusion(scores: Scores) -> dict[str, Any]:
    """Return the cells of the confusion matrix, of the labels most often confused."""
    shown = scores.most_confused(MOST_IN_MATRIX)
    totals = scores.confusion.sum(axis=1)
    rows = [
        [
            {"n": n, "share": round(n / max(int(totals[row]), 1), 3), "column": int(column)}
            for column, n in zip(shown, scores.confusion[row, shown].tolist(), strict=True)
        ]
        for row in shown
    ]
    return {"labels": shown.tolist(), "rows": rows}


def _labels(scores: Scores) -> dict[str, Any]:
    """Return the metrics of every label, and what it is most often confused with."""
    number = {label: row for row, label in enumerate(scores.labels)}
    shown = scores.lowest(MOST_IN_TABLE)
    metrics = [
        metric
        for metric in all_label_metrics()
        if any(metric.name in scores.per_label.get(label, ()) for label in shown)
    ]
    rows = []
    for label in shown:
        found = scores.per_label[label]
        confused = scores.confused_with(number[label])
        rows.append(
            {
                "row": number[label],
                "n_clips": found["n_clips"],
                "values": [found.get(metric.name) for metric in metrics],
                "confused": f"{printable(confused[0])} ({confused[1]})" if confused else "",
            }
        )
    return {"titles": [metric.title for metric in metrics], "rows": rows} if rows else {}


def _map(evaluation: Evaluation, clips: PageClips) -> dict[str, Any] | None:
    """Return the dots of the map, by the number of their records."""
    found = evaluation.embedding_map
    if not found or not found.points:
        return None
    predictions = evaluation.predictions
    number = {label: i for i, label in enumerate(evaluation.scores.labels)}

    def label_of(clip: int) -> int:
        label = predictions.clips[clip].label
        return number.get(label, number.get(label.split(";")[0], 0))

    drawn = charts.embedding_map(found.points, label_of, (~predictions.right).tolist())
    for dot in drawn["dots"]:
        dot["clip"] = clips.numbers[predictions.clips[dot["clip"]].place]
    return {**drawn, "method": found.method, "legend": len(number) <= MOST_IN_MATRIX}
