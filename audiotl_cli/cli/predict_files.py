"""Predict recordings that are there."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from audiotl_cli.cli import output
from audiotl_cli.cli.order import Order
from audiotl_cli.cli.predicted_files import check_targets, choose_targets, write_file
from audiotl_cli.cli.predictions import (
    TABLE_TOP_K,
    Lines,
    annotation,
    show_segments,
    show_table,
    to_record,
)
from audiotl_cli.errors import UsageError
from audiotl_cli.leftovers import temporary_folder
from audiotl_cli.storage.paths import AnyPath, any_path, join, need_local
from audiotl_cli.storage.remote import RemotePath

if TYPE_CHECKING:
    from audiotl_cli.workflows.predict import Model, Prediction

STDIN_NAME = "stdin"


def predict_files(order: Order, inputs: Sequence[str]) -> None:
    """Predict the recordings that are named, in folders, or listed on stdin."""
    from audiotl_cli.workflows.predict import list_inputs

    given = _expand(inputs)
    model = order.find_model()
    files = list_inputs(given)
    recordings = [file for file in files if isinstance(file, Path | RemotePath)]
    if order.sorter is not None:
        for path in recordings:
            need_local(path, "only files of this machine are sorted")
    targets = choose_targets(order.form, order.to, recordings)
    if targets and order.to is None and order.sorter is not None and order.sorter.how == "move":
        raise UsageError(f"--format {order.form} writes beside recordings that move: give --output")
    check_targets(order.to, targets, [*recordings, model])
    _predict(order, order.load(model), files, targets)


def predict_stdin(order: Order) -> None:
    """Predict a sound file that comes on stdin.

    It is kept in a temporary file: most formats cannot be read without going back.
    """
    if order.sorter is not None:
        raise UsageError("what comes on stdin is no file that could be sorted")
    path = order.find_model()
    targets = choose_targets(order.form, order.to, [Path(STDIN_NAME)])
    check_targets(order.to, targets, [path])
    with temporary_folder() as folder:
        spooled = folder / STDIN_NAME
        with spooled.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file, 1 << 20)
        _predict(order, order.load(path), [spooled], targets, name=STDIN_NAME)


def _predict(
    order: Order,
    model: Model,
    files: Sequence[AnyPath | Prediction],
    targets: Mapping[AnyPath, Path],
    *,
    name: str | None = None,
) -> None:
    predictions: list[Prediction] = []
    records: list[dict[str, Any]] = []
    audio_s = 0.0
    lines = None
    # on a terminal, lines would run into the bar
    if order.form == "jsonl" and order.to is None and not sys.stdout.isatty():
        lines = Lines("jsonl", model, segments=order.events is not None)
    with output.progress("Predicting", "files") as update:
        for prediction in model.stream(files, workers=order.workers, events=order.events):
            if name is not None:
                prediction = replace(prediction, path=name)
            record = to_record(prediction, order.top_k)
            if order.sorter is not None:
                order.sorter.sort(prediction, record)
            if lines is not None:
                lines.add(prediction, record)
            predictions.append(prediction)
            records.append(record)
            audio_s += prediction.audio_s
            update(len(predictions), len(files), audio_s)
    if lines is None:
        _write(order, targets, predictions, records, model)
    if order.json:
        output.result(records)
    elif order.form == "table":
        if order.events is not None:
            show_segments(predictions)
        else:
            show_table(predictions, order.top_k or TABLE_TOP_K)
    conclude(order, predictions)


def conclude(order: Order, predictions: Sequence[Prediction]) -> None:
    """List what failed and end with the code that says so."""
    failed = [(p.path, str(p.error)) for p in predictions if p.error is not None]
    if order.sorter is not None:
        failed += order.sorter.failures
        order.sorter.summarize()
    output.failures(failed)
    if failed:
        raise typer.Exit(1)


def _write(
    order: Order,
    targets: Mapping[AnyPath, Path],
    predictions: Sequence[Prediction],
    records: Sequence[dict[str, Any]],
    model: Model,
) -> None:
    from audiotl_cli.prediction.formats import FORMATS

    if order.form == "table":
        return
    if order.form in FORMATS:
        text = FORMATS[order.form](records, model.labels)
    else:
        texts = []
        for prediction, record in zip(predictions, records, strict=True):
            if prediction.error is not None:
                continue
            texts.append(annotation(order.form, prediction, record, model))
            if targets:
                write_file(targets[join(Path(), prediction.path)], texts[-1])
        if targets:
            return
        text = "".join(texts)
    if order.to is not None:
        write_file(order.to, text)
    elif not order.json:
        output.write(text)


def _expand(inputs: Sequence[str]) -> list[AnyPath]:
    """Return the paths typed, ``-`` replaced by those listed on stdin.

    Names on stdin stand one a line, or are parted by NUL where there is one. Of those, one that
    cannot be read costs nothing but itself; see `join`.
    """
    paths: list[AnyPath] = []
    for text in inputs:
        if not text:  # an unset variable of a script; as a path it would be the current folder
            raise UsageError("an input is empty text; expected a recording, a folder, or -")
        if text == "-":
            told = sys.stdin.read()
            lines = told.split("\0") if "\0" in told else told.splitlines()
            paths += [join(Path(), line) for line in lines if line]
        else:
            paths.append(any_path(text))
    return paths
