"""``audiotl predict``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from audiotl_cli.cli import options, output
from audiotl_cli.errors import UsageError
from audiotl_cli.files import write_whole

if TYPE_CHECKING:
    from audiotl_cli.workflows.predict import Prediction

EXAMPLES = (
    "Examples:  audiotl predict file.wav   |   audiotl predict ~/new --format csv --output new.csv"
)
TABLE_TOP_K = 3
NONE = "(none of these)"


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
        Literal["table", "json", "jsonl", "csv"] | None,
        typer.Option(
            "--format", help="How to write predictions.  [default: as --output ends, else table]"
        ),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--output", help="File to write instead of stdout.")
    ] = None,
    trust: options.TrustModel = None,
    workers: options.Workers = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Tell what recordings are."""
    from audiotl_cli.prediction.formats import FORMATS
    from audiotl_cli.workflows.predict import list_inputs, load_model
    from audiotl_cli.workflows.project import newest_model

    form = _choose_format(format_, to, json=json)
    given = [Path(text) for text in _expand(inputs)]
    path = model or newest_model()
    output.note(f"Model {path}")
    files = list_inputs(given)
    loaded = load_model(path, trust or ())
    for warning in {spec.warning for spec in loaded.card.extractors} - {""}:
        output.warn(warning)
    predictions: list[Prediction] = []
    audio_s = 0.0
    with output.progress("Predicting", "files") as update:
        for prediction in loaded.stream(files, workers=workers):
            predictions.append(prediction)
            audio_s += prediction.audio_s
            update(len(predictions), len(files), audio_s)
    records = [_record(prediction, top_k) for prediction in predictions]
    if to is not None:
        to.parent.mkdir(parents=True, exist_ok=True)
        text = FORMATS[form](records, loaded.labels)
        write_whole(to, text.encode("utf-8", "surrogateescape"))
        output.note(f"Written to {to}")
    if json:
        output.result(records)
    elif form == "table":
        _show(predictions, top_k or TABLE_TOP_K)
    elif to is None:
        output.write(FORMATS[form](records, loaded.labels))
    failed = [p for p in predictions if p.error is not None]
    output.failures([(p.path, str(p.error)) for p in failed])
    if failed:
        raise typer.Exit(1)


def _choose_format(format_: str | None, to: Path | None, *, json: bool) -> str:
    """Return the format to write in, or raise `UsageError`, before any work is done."""
    if to is None:
        if json and format_ not in (None, "json"):
            raise UsageError(f"--json prints JSON: give --format {format_} a file with --output")
        return format_ or "table"
    if to.is_dir():
        raise UsageError(f"--output is {to}, a folder; expected a file")
    form = format_ or to.suffix.lower().removeprefix(".")
    if form not in ("json", "jsonl", "csv"):
        raise UsageError(
            f"--output is {to}; expected a name ending in .json, .jsonl or .csv, or one of these "
            "with --format"
        )
    return form


def _expand(inputs: list[str]) -> list[str]:
    """Replace ``-`` by the lines on stdin."""
    names: list[str] = []
    for text in inputs:
        if not text:  # an unset variable of a script; as a path it would be the current folder
            raise UsageError("an input is empty text; expected a recording, a folder, or -")
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
    if prediction.labels is not None:
        record["labels"] = prediction.labels
    if prediction.rejected:
        record["rejected"] = True
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
        if prediction.labels is not None:
            first = (", ".join(prediction.labels) or f"({first[0]})", first[1])
        path = output.clean(prediction.path)
        if prediction.rejected:
            then = f"nearest {output.clean(first[0])}"
        label = NONE if prediction.rejected else output.clean(first[0])
        grid.add_row(label, f"{first[1]:.2f}", then, path)
    output.show(grid)
