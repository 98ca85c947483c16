"""Predict from endless sources: a watched folder, samples on stdin or a microphone."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from audiotl_cli.cli import output
from audiotl_cli.cli.formats import stream_formats
from audiotl_cli.cli.predict_files import check_beside, take
from audiotl_cli.cli.predict_request import PredictRequest
from audiotl_cli.cli.predicted_files import choose_targets
from audiotl_cli.cli.prediction_sinks import FolderSink, Sink, StdoutSink
from audiotl_cli.cli.show_left_out import show_left_out
from audiotl_cli.cli.table_writer import LineWriter, TableWriter
from audiotl_cli.errors import DataError, UsageError
from audiotl_cli.files import real_path
from audiotl_cli.left_out import LeftOutCounter

if TYPE_CHECKING:
    from audiotl_cli.audio.raw import RawFormat
    from audiotl_cli.audio.types import Waveform
    from audiotl_cli.inference.model import Model


def watch_folder(request: PredictRequest, folder: Path, interval_s: float) -> None:
    """Predict the recordings in a folder, and new ones as they arrive, until Ctrl-C."""
    from audiotl_cli.audio.listing import list_folder
    from audiotl_cli.workflows.watch import Watcher, watch

    kind, sorter = request.kind, request.sorter
    if request.json or not (kind.streams or kind.file_each):
        raise UsageError(
            "--watch cannot write JSON, a single value, because it never ends: use --format jsonl"
        )
    if request.to is not None and not kind.file_each:
        raise UsageError(
            "--watch writes each line at once, so it takes no --output: redirect stdout to a "
            "file instead"
        )
    if not folder.is_dir():
        raise DataError(f"--watch is {folder}, which is not a folder")
    check_beside(request, [folder])
    if sorter is not None and real_path(folder).is_relative_to(real_path(sorter.folder)):
        raise UsageError(
            f"{folder} is inside {sorter.folder}, the folder to sort recordings "
            "into; watch another folder"
        )
    model = request.load(request.find_model())
    sink: Sink = Sink()
    if not kind.file_each:
        line_kind = LineWriter if kind is TableWriter else kind
        writer = line_kind(output.write, request.writer_options(model))
        sink = StdoutSink(writer, at_once=True)
        sink.begin()
    watcher = Watcher(folder, (sorter.folder,) if sorter else ())
    left_out = LeftOutCounter()
    list_folder(folder).count(left_out)
    show_left_out(left_out.found(), output.say)
    output.note(f"Watching {folder}; press Ctrl-C to stop")
    stream = watch(
        model, watcher, interval_s=interval_s, workers=request.workers, events=request.events
    )
    with closing(stream):
        for prediction in stream:
            if kind.file_each:
                sink = _sink_of(request, model, Path(prediction.path))
            known = take(request, sink, prediction)
            if known.failure is not None:
                output.failures([(known.path, str(known.failure))])


def _sink_of(request: PredictRequest, model: Model, recording: Path) -> Sink:
    targets = choose_targets(request.kind, request.to, [recording])
    sink = FolderSink(request, request.writer_options(model), targets, None)
    sink.remaining([recording])
    return sink


def hear_stdin(request: PredictRequest, raw: RawFormat) -> None:
    """Predict raw samples read from stdin."""
    from audiotl_cli.audio.raw import read_raw

    if request.sorter is not None:
        raise UsageError(
            "audio on stdin is not a file, so it cannot be sorted; leave out "
            "--copy-to, --move-to and --link-to"
        )
    check_stream(request)
    model = request.load(request.find_model())
    # unbuffered, because a buffer would wait until it is full
    channels = {extractor.config.channel for extractor in model.extractors}
    if len(channels) > 1 and raw.n_channels > 1:
        raise UsageError("the networks of this model use different channels; give it a file")
    raw = replace(raw, channel=channels.pop())
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as file:
        hear(request, model, read_raw(file, raw), raw.rate, "stdin")


def check_stream(request: PredictRequest) -> None:
    """Refuse output options that a stream cannot use."""
    formats = stream_formats()
    if request.to is not None or request.kind.name not in formats:
        raise UsageError(
            "a stream is written to stdout as it arrives: expected --format "
            f"{', '.join(formats)}, and no --output"
        )


def hear(
    request: PredictRequest, model: Model, blocks: Iterable[Waveform], rate: int, name: str
) -> None:
    """Write each event of a stream when it ends, or the stream's prediction at its end."""
    from audiotl_cli.workflows.listen import listen

    writer = request.kind(output.write, request.writer_options(model))
    at_end = request.json or not writer.streams  # one value
    if not request.json:
        writer.begin()
    heard = listen(
        model,
        blocks,
        rate,
        name=name,
        events=request.events,
        on_event=lambda event: None if at_end else writer.add_event(name, event),
    )
    if request.json:
        output.result([heard.to_dict(request.top_k)])
    else:
        if at_end or request.events is None or heard.error is not None:
            writer.add(heard)
        writer.end()
    if heard.error is not None:
        output.failures([(name, str(heard.error))])
        raise typer.Exit(1)
