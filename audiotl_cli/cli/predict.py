"""``audiotl predict``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from audiotl_cli.cli import options, output
from audiotl_cli.files import write_whole

if TYPE_CHECKING:
    from audiotl_cli.workflows.predict import Prediction

EXAMPLES = (
    "Examples:  audiotl predict file.wav   |   audiotl predict ~/new --format csv --output new.csv"
)
TABLE_TOP_K = 3


def predict(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="FILE|DIR|-", help="Recordings, folders, or - for a list on stdin."),
    ],
    model: Annotated[
        Path | None, typer.Option(help="Model file.  [default: the newest in data/models]")
    ] = None,
    top_k: Annotated[
        int | None,
        typer.Option(min=1, help="How many labels a recording.  [default: 3 in tables, else all]"),
    ] = None,
    format_: Annotated[
        Literal["table", "json", "jsonl", "csv"],
        typer.Option("--format", help="How to write predictions."),
    ] = "table",
    to: Annotated[
        Path | None, typer.Option("--output", help="File to write instead of stdout.")
    ] = None,
    workers: options.Workers = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Tell what recordings are."""
    from audiotl_cli.prediction.formats import FORMATS
    from audiotl_cli.workflows.predict import list_inputs, load_model
    from audiotl_cli.workflows.project import newest_model

    path = model or newest_model()
    output.note(f"Model {path}")
    given = [Path(text) for text in _expand(inputs)]
    files = list_inputs(given)
    loaded = load_model(path)
    for warning in {spec.warning for spec in loaded.card.extractors} - {""}:
        output.warn(warning)
    predictions: list[Prediction] = []
    audio_s = 0.0
    with output.progress("Predicting", "files") as update:
        for prediction in loaded.stream(files, workers=workers):
            predictions.append(prediction)
            audio_s += prediction.audio_s
            update(len(predictions), len(files), audio_s)
    if format_ == "table" and not json:
        text = ""
        if to is not None:
            raise typer.BadParameter("--output needs --format json, jsonl or csv")
        _show(predictions, top_k or TABLE_TOP_K)
    else:
        records = [_record(prediction, top_k) for prediction in predictions]
        text = FORMATS["json" if json else format_](records, loaded.labels)
        _write(text, to)
    failed = [p for p in predictions if p.error is not None]
    output.failures([(p.path, str(p.error)) for p in failed])
    if failed:
        raise typer.Exit(1)


def _expand(inputs: list[str]) -> list[str]:
    """Replace ``-`` by the lines on stdin."""
    names: list[str] = []
    for text in inputs:
        names += [line for line in sys.stdin.read().splitlines() if line] if text == "-" else [text]
    return names


def _record(prediction: Prediction, top_k: int | None) -> dict[str, object]:
    scores = dict(list(prediction.scores.items())[:top_k])
    record: dict[str, object] = {
        "path": prediction.path,
        "label": prediction.label,
        "score": None if prediction.score is None else round(prediction.score, 6),
        "scores": {label: round(value, 6) for label, value in scores.items()},
    }
    if prediction.error is not None:
        record["error"] = {
            "stage": prediction.error.stage,
            "code": prediction.error.code,
            "message": str(prediction.error),
        }
    return record


def _show(predictions: list[Prediction], top_k: int) -> None:
    known = [prediction for prediction in predictions if prediction.error is None]
    if not known:
        return
    grid = output.table("label", "score", "then", "recording", numbers=("score",))
    for prediction in known:
        first, *rest = list(prediction.scores.items())[:top_k]
        then = ", ".join(f"{output.clean(label)} {value:.2f}" for label, value in rest)
        path = output.clean(prediction.path)
        grid.add_row(output.clean(first[0]), f"{first[1]:.2f}", then, path)
    output.show(grid)


def _write(text: str, to: Path | None) -> None:
    if to is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    to.parent.mkdir(parents=True, exist_ok=True)
    write_whole(to, text.encode("utf-8", "surrogateescape"))
    output.note(f"Written to {to}")
