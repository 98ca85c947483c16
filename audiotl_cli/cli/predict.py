"""``audiotl predict``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from audiotl_cli.cli import options, output
from audiotl_cli.cli.predicted_files import check_targets, choose_format, choose_targets
from audiotl_cli.errors import UsageError
from audiotl_cli.files import write_whole

if TYPE_CHECKING:
    from audiotl_cli.workflows.predict import Model, Prediction

EXAMPLES = (
    "Examples:  audiotl predict file.wav   |   audiotl predict ~/new --format csv --output new.csv"
    "   |   audiotl predict night.wav --segments --format audacity"
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
    segments: Annotated[
        bool, typer.Option("--segments", help="Tell where in a recording each label is heard.")
    ] = False,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Score from which --segments takes a label for heard, above 0 to 1.  "
            "[default: 0.5]",
        ),
    ] = None,
    format_: Annotated[
        Literal["table", "json", "jsonl", "csv", "audacity", "raven", "rttm"] | None,
        typer.Option(
            "--format", help="How to write predictions.  [default: as --output ends, else table]"
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--output",
            help="File to write instead of stdout; folder for audacity and raven, which "
            "write a file a recording.  [default for these: beside the recording]",
        ),
    ] = None,
    trust: options.TrustModel = None,
    workers: options.Workers = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Tell what recordings are."""
    from audiotl_cli.prediction.events import EventOptions
    from audiotl_cli.workflows.predict import list_inputs, load_model
    from audiotl_cli.workflows.project import newest_model

    form = choose_format(format_, to, json=json)
    if threshold is not None and not (segments and 0 < threshold <= 1):
        raise UsageError(
            f"--threshold is {threshold:g}; expected a score above 0, at most 1"
            if segments
            else "--threshold needs --segments"
        )
    given = [Path(text) for text in _expand(inputs)]
    path = model or newest_model()
    output.note(f"Model {path}")
    files = list_inputs(given)
    recordings = [file for file in files if isinstance(file, Path)]
    targets = choose_targets(form, to, recordings)
    check_targets(to, targets, [*recordings, path])
    loaded = load_model(path, trust or ())
    for warning in {spec.warning for spec in loaded.card.extractors} - {""}:
        output.warn(warning)
    events = None
    if segments:
        events = EventOptions() if threshold is None else EventOptions(threshold)
        output.note(
            f"Judging {loaded.context_s:g} s around every step; a label is heard from a score of "
            f"{events.threshold:g}"
        )
    predictions: list[Prediction] = []
    audio_s = 0.0
    with output.progress("Predicting", "files") as update:
        for prediction in loaded.stream(files, workers=workers, events=events):
            predictions.append(prediction)
            audio_s += prediction.audio_s
            update(len(predictions), len(files), audio_s)
    records = [_record(prediction, top_k) for prediction in predictions]
    _write(form, to, targets, predictions, records, loaded, json=json)
    if json:
        output.result(records)
    elif form == "table":
        if segments:
            _show_segments(predictions)
        else:
            _show(predictions, top_k or TABLE_TOP_K)
    failed = [p for p in predictions if p.error is not None]
    output.failures([(p.path, str(p.error)) for p in failed])
    if failed:
        raise typer.Exit(1)


def _write(
    form: str,
    to: Path | None,
    targets: Mapping[Path, Path],
    predictions: Sequence[Prediction],
    records: Sequence[dict[str, Any]],
    model: Model,
    *,
    json: bool,
) -> None:
    from audiotl_cli.prediction.annotations import ANNOTATIONS, whole_recording
    from audiotl_cli.prediction.formats import FORMATS

    if form == "table":
        return
    if form in FORMATS:
        text = FORMATS[form](records, model.labels)
    else:
        high_hz = max(one.sample_rate for one in model.extractors) / 2
        texts = []
        for prediction, record in zip(predictions, records, strict=True):
            if prediction.error is not None:
                continue
            whole = record | {"duration_s": prediction.audio_s, "scores": prediction.scores}
            whole.setdefault("segments", whole_recording(whole))
            texts.append(ANNOTATIONS[form](whole, high_hz))
            if targets:
                _write_file(targets[Path(prediction.path)], texts[-1])
        if targets:
            return
        text = "".join(texts)
    if to is not None:
        _write_file(to, text)
    elif not json:
        output.write(text)


def _write_file(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.encode("utf-8", "surrogateescape"))
    output.note(f"Written to {path}")


def _expand(inputs: list[str]) -> list[str]:
    """Replace ``-`` by the names on stdin: one a line, or parted by NUL where there is one."""
    names: list[str] = []
    for text in inputs:
        if not text:  # an unset variable of a script; as a path it would be the current folder
            raise UsageError("an input is empty text; expected a recording, a folder, or -")
        if text == "-":
            told = sys.stdin.read()
            lines = told.split("\0") if "\0" in told else told.splitlines()
            names += [line for line in lines if line]
        else:
            names.append(text)
    return names


def _record(prediction: Prediction, top_k: int | None) -> dict[str, Any]:
    scores = dict(list(prediction.scores.items())[:top_k])
    record: dict[str, Any] = {
        "path": prediction.path,
        "label": prediction.label,
        "score": None if prediction.score is None else round(prediction.score, 6),
        "scores": {label: round(value, 6) for label, value in scores.items()},
    }
    if prediction.labels is not None:
        record["labels"] = prediction.labels
    if prediction.rejected:
        record["rejected"] = True
    if prediction.segments is not None:
        record["segments"] = [
            {
                "start_s": round(event.start_s, 6),
                "end_s": round(event.end_s, 6),
                "label": event.label,
                "score": round(event.score, 6),
            }
            for event in prediction.segments
        ]
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


def _show_segments(predictions: list[Prediction]) -> None:
    for prediction in predictions:
        if prediction.segments is None:
            continue
        output.line(f"{prediction.path} ({output.duration(prediction.audio_s)})")
        if not prediction.segments:
            output.line("  no label is heard")
            continue
        numbers = ("start s", "end s", "score")
        grid = output.table("start s", "end s", "label", "score", numbers=numbers)
        for event in prediction.segments:
            bounds = (f"{event.start_s:.2f}", f"{event.end_s:.2f}")
            grid.add_row(*bounds, output.clean(event.label), f"{event.score:.2f}")
        output.show(grid)
