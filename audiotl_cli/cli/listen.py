"""``audiotl listen``."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated, Literal

import typer

from audiotl_cli.cli import options, output, settings
from audiotl_cli.cli.endless import check_stream, hear
from audiotl_cli.cli.order import Order, choose_events

EXAMPLES = (
    "Examples:  audiotl listen   |   audiotl listen -m birds.joblib --threshold 0.8 --format jsonl"
)


def listen(
    model: Annotated[
        Path | None,
        typer.Option(
            "--model",
            "-m",
            parser=options.path,
            help="Model file.  [default: the newest in data/models]",
        ),
        settings.INSIDE,
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(help="Number or part of the name of an input.  [default: the system's]"),
        settings.FREE,
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Score from which a label is taken for heard, above 0 to 1.  [default: 0.5]"
        ),
        settings.FREE,
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(min=0.1, help="End after so many.  [default: at Ctrl-C]"),
        settings.FREE,
    ] = None,
    format_: Annotated[
        Literal["table", "json", "jsonl", "csv", "audacity", "rttm"],
        typer.Option("--format", help="How to write events."),
        settings.FREE,
    ] = "table",
    trust: options.TrustModel = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Tell what a microphone hears, a line an event, as it ends."""
    from audiotl_cli.audio.microphone import BLOCK_S, open_microphone

    events = choose_events(threshold, segments=True)
    order = Order(model, trust or (), form=format_, events=events, json=json)
    check_stream(order)
    loaded = order.load(order.find_model())
    for extractor in loaded.extractors:
        extractor.prepare()  # no sound is to wait for that
    with open_microphone(device) as (blocks, rate):
        output.note(f"Listening at {rate} Hz" + ("" if seconds else "; Ctrl-C ends it"))
        n_blocks = None if seconds is None else max(1, round(seconds / BLOCK_S))
        hear(order, loaded, itertools.islice(blocks, n_blocks), rate, "microphone")
