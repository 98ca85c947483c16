"""Predict what does not end by itself: a folder that fills, samples on stdin."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from audiotl_cli.cli import output
from audiotl_cli.cli.order import Order
from audiotl_cli.cli.predicted_files import A_FILE_EACH, choose_targets, write_file
from audiotl_cli.cli.predictions import TABLE_TOP_K, Lines, annotation, show_table, to_record
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.files import real_path

if TYPE_CHECKING:
    from audiotl_cli.audio.raw import RawFormat
    from audiotl_cli.audio.types import Waveform
    from audiotl_cli.workflows.predict import Model


def watch_folder(order: Order, folder: Path, interval_s: float) -> None:
    """Tell of each recording in a folder, a line each, until Ctrl-C."""
    from audiotl_cli.workflows.watch import Watcher, watch

    if order.json or order.form == "json":
        raise UsageError("--watch does not end, and JSON is one value: give --format jsonl")
    if order.to is not None and order.form not in A_FILE_EACH:
        raise UsageError(
            "--watch writes lines as they come: leave --output out, and lead stdout into a file"
        )
    if not folder.is_dir():
        raise DataError(f"--watch is {folder}: no such folder")
    sorter = order.sorter
    if order.form in A_FILE_EACH and order.to is None and sorter and sorter.how == "move":
        raise UsageError(f"--format {order.form} writes beside recordings that move: give --output")
    if sorter is not None and real_path(folder).is_relative_to(real_path(sorter.folder)):
        raise UsageError(f"{folder} lies in {sorter.folder}, where recordings are to be put")
    model = order.load(order.find_model())
    lines = Lines(order.form, model, segments=order.events is not None)
    watcher = Watcher(folder, (sorter.folder,) if sorter else ())
    output.note(f"Watching {folder}; Ctrl-C ends it")
    stream = watch(
        model, watcher, interval_s=interval_s, workers=order.workers, events=order.events
    )
    with closing(stream):
        for prediction in stream:
            record = to_record(prediction, order.top_k)
            if sorter is not None:
                sorter.sort(prediction, record)
                output.failures(sorter.failures)
                sorter.failures.clear()
            if prediction.error is not None:
                output.failures([(prediction.path, str(prediction.error))])
            elif order.form in A_FILE_EACH:
                path = Path(prediction.path)
                target = choose_targets(order.form, order.to, [path])[path]
                write_file(target, annotation(order.form, prediction, record, model))
            lines.add(prediction, record)


def hear_stdin(order: Order, raw: RawFormat) -> None:
    """Predict samples on stdin."""
    from audiotl_cli.audio.raw import read_raw

    if order.sorter is not None:
        raise UsageError("what comes on stdin is no file that could be sorted")
    check_stream(order)
    model = order.load(order.find_model())
    # no buffer in between: it would wait until it is full
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as file:
        hear(order, model, read_raw(file, raw), raw.rate, "stdin")


def check_stream(order: Order) -> None:
    """Refuse what a stream cannot be written as."""
    if order.to is not None or order.form == "raven":
        raise UsageError(
            "a stream is told on stdout as it comes: expected --format table, jsonl, csv, rttm or "
            "audacity, and no --output"
        )


def hear(order: Order, model: Model, blocks: Iterable[Waveform], rate: int, name: str) -> None:
    """Tell the events of a stream as they end, or at its end what it is."""
    from audiotl_cli.workflows.listen import listen

    telling = order.events is not None
    lines = Lines(order.form, model, segments=telling)
    whole = order.json or order.form == "json"
    heard = listen(
        model,
        blocks,
        rate,
        name=name,
        events=order.events,
        on_event=lambda event: None if whole else lines.add_event(name, event),
    )
    record = to_record(heard, order.top_k)
    if order.json:
        output.result([record])
    elif order.form == "json":
        from audiotl_cli.prediction.formats import to_json

        output.write(to_json([record], model.labels))
    elif not telling and order.form == "table":
        show_table([heard], order.top_k or TABLE_TOP_K)
    elif not telling and order.form == "audacity":
        output.write(annotation(order.form, heard, record, model) if heard.error is None else "")
    elif not telling or (heard.error is not None and order.form in ("jsonl", "csv")):
        lines.add(heard, record)
    if heard.error is not None:
        output.failures([(name, str(heard.error))])
        raise typer.Exit(1)
