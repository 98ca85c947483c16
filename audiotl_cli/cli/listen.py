"""``audiotl listen``."""

from __future__ import annotations

import itertools
from typing import Annotated

import typer

from audiotl_cli.cli import options, output, settings
from audiotl_cli.cli.event_options import Thresholds, WithBackground, choose_events
from audiotl_cli.cli.formats import all_formats, find_format, listed, stream_formats
from audiotl_cli.cli.predict_request import PredictRequest
from audiotl_cli.cli.predict_stream import check_stream, hear
from audiotl_cli.cli.spread import spread

EXAMPLES = (
    "Examples:  audiotl listen   |   audiotl listen -m birds.joblib --threshold 0.8 --format jsonl"
)


@spread
def listen(
    model: options.ModelName = None,
    device: Annotated[
        str | None,
        typer.Option(
            help="Input device, by number or part of its name.  [default: the "
            "system's default input]"
        ),
        settings.FREE,
    ] = None,
    threshold: Thresholds = None,
    with_background: WithBackground = False,
    seconds: Annotated[
        float | None,
        typer.Option(
            min=0.1, help="Stop after this number of seconds.  [default: run until Ctrl-C]"
        ),
        settings.FREE,
    ] = None,
    format_: Annotated[
        str,
        typer.Option(
            "--format", metavar="FORMAT", help=f"Format of the events: {listed(stream_formats())}."
        ),
        settings.FREE,
    ] = "table",
    trust: options.TrustModel = None,
) -> None:
    """Detect events from a microphone, and report each one when it ends."""
    from audiotl_cli.audio.microphone import BLOCK_S, open_microphone

    events = choose_events(threshold, segments=True, with_background=with_background)
    kind = find_format(format_, all_formats())
    request = PredictRequest(model, trust or (), kind, events=events, json=output.state.json)
    check_stream(request)
    loaded = request.load(request.find_model())
    for extractor in loaded.extractors:
        extractor.prepare()  # so that no audio has to wait for it
    with open_microphone(device) as (blocks, rate):
        output.note(f"Listening at {rate} Hz" + ("" if seconds else "; press Ctrl-C to stop"))
        n_blocks = None if seconds is None else max(1, round(seconds / BLOCK_S))
        hear(request, loaded, itertools.islice(blocks, n_blocks), rate, "microphone")
