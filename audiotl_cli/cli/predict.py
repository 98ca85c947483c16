"""``audiotl predict``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audiotl_cli.cli import options, output, settings
from audiotl_cli.cli.event_options import (
    Thresholds,
    WithBackground,
    choose_events,
    one_threshold,
)
from audiotl_cli.cli.predict_files import predict_files, predict_stdin
from audiotl_cli.cli.predict_request import PredictRequest, ready_events
from audiotl_cli.cli.predict_stream import hear_stdin, watch_folder
from audiotl_cli.cli.predicted_files import choose_writer
from audiotl_cli.cli.prediction_options import Format, Inputs, Output, Segments
from audiotl_cli.cli.ready import Ready
from audiotl_cli.cli.sorting import choose_sorter
from audiotl_cli.cli.spread import spread
from audiotl_cli.errors import UsageError

if TYPE_CHECKING:
    from audiotl_cli.inference.ready import ReadyOptions

EXAMPLES = (
    "Examples:  audiotl predict file.wav   |   audiotl predict ~/new --format csv --output new.csv"
    "   |   audiotl predict night.wav --segments --format audacity   |   "
    "audiotl predict --watch ~/recorder --format jsonl   |   "
    "arecord -r 16000 -f S16_LE | audiotl predict --raw-rate 16000 --segments"
)
STDIN = "Audio on stdin"
SORTING = "Sorting"


@spread
def predict(
    inputs: Inputs = None,
    model: options.ModelName = None,
    *,
    ready: Ready,
    top_k: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of labels per recording.  [default: 3 in tables, else all; 5 "
            "with --network]",
        ),
        settings.FREE,
    ] = None,
    segments: Segments = False,
    threshold: Thresholds = None,
    with_background: WithBackground = False,
    format_: Format = None,
    to: Output = None,
    overwrite: options.Overwrite = False,
    watch: Annotated[
        Path | None,
        typer.Option(
            parser=options.path,
            metavar="DIR",
            help="Label every recording in this folder, then wait for new recordings.",
        ),
        settings.TYPED,
    ] = None,
    interval: Annotated[
        float,
        typer.Option(
            min=0.05,
            help="Seconds without a change after which --watch treats a recording as complete.",
        ),
        settings.FREE,
    ] = 2.0,
    stdin_audio: Annotated[
        bool,
        typer.Option("--stdin-audio", help="Read an audio file from stdin.", rich_help_panel=STDIN),
        settings.FREE,
    ] = False,
    raw_rate: Annotated[
        int | None,
        typer.Option(
            metavar="HZ",
            help="Read raw samples at this sample rate from stdin; with --segments, each event "
            "is reported when it ends.",
            rich_help_panel=STDIN,
        ),
        settings.FREE,
    ] = None,
    raw_format: Annotated[
        str,
        typer.Option(
            help="Format of the raw samples: s16le, s24le, s32le, f32le, f64le, s16be, s32be, "
            "f32be or u8.",
            rich_help_panel=STDIN,
        ),
        settings.FREE,
    ] = "s16le",
    raw_channels: Annotated[
        int,
        typer.Option(
            help="Number of interleaved channels of the raw samples.", rich_help_panel=STDIN
        ),
        settings.FREE,
    ] = 1,
    copy_to: Annotated[
        Path | None,
        typer.Option(
            parser=options.path,
            metavar="DIR",
            help="Copy each recording to DIR/LABEL. Unreadable and rejected recordings stay "
            "where they are, and no file is overwritten.",
            rich_help_panel=SORTING,
        ),
        settings.TYPED,
    ] = None,
    move_to: Annotated[
        Path | None,
        typer.Option(
            parser=options.path,
            metavar="DIR",
            help="Move each recording to DIR/LABEL.",
            rich_help_panel=SORTING,
        ),
        settings.TYPED,
    ] = None,
    link_to: Annotated[
        Path | None,
        typer.Option(
            parser=options.path,
            metavar="DIR",
            help="Create a link to each recording in DIR/LABEL.",
            rich_help_panel=SORTING,
        ),
        settings.TYPED,
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Show where recordings would go, but change nothing.",
            rich_help_panel=SORTING,
        ),
        settings.FREE,
    ] = False,
    trust: options.TrustModel = None,
    workers: options.Workers = None,
) -> None:
    """Label recordings with a trained model, or with a network's own classes (--network)."""
    chosen = _choose_network(ready, model, threshold, top_k, segments=segments)
    raw = None
    if raw_rate is not None:
        from audiotl_cli.audio.raw import RawFormat

        raw = RawFormat(raw_rate, raw_format, raw_channels)
    _check_source(inputs or [], watch, stdin_audio=stdin_audio, raw=raw is not None)
    request = PredictRequest(
        model=model,
        ready=chosen,
        accept_licence=ready.accept_licence,
        trust=trust or (),
        kind=choose_writer(format_, to),
        to=to,
        overwrite=overwrite,
        sorter=choose_sorter(copy_to, move_to, link_to, dry_run=dry_run),
        events=ready_events(chosen, segments=segments)
        if chosen
        else choose_events(threshold, segments=segments, with_background=with_background),
        top_k=chosen.top_k if chosen else top_k,
        workers=workers,
        json=output.state.json,
    )
    if watch is not None:
        watch_folder(request, watch, interval)
    elif raw is not None:
        hear_stdin(request, raw)
    elif stdin_audio:
        predict_stdin(request)
    else:
        predict_files(request, inputs or [])


def _choose_network(
    ready: Ready,
    model: Path | None,
    threshold: Sequence[str] | None,
    top_k: int | None,
    *,
    segments: bool,
) -> ReadyOptions | None:
    """Return the network in the place of a model, or None."""
    if ready.network is None:
        if given := ready.given():
            raise UsageError(f"{' and '.join(given)} can only be used with --network")
        return None
    if model is not None:
        raise UsageError("--model and --network cannot be combined; give only one of them")
    one = one_threshold(threshold)
    return ready.choose(threshold=one, top_k=top_k, segments=segments)


def _check_source(
    inputs: Sequence[str], watch: Path | None, *, stdin_audio: bool, raw: bool
) -> None:
    sources = {
        "recordings": bool(inputs),
        "--watch": watch is not None,
        "--stdin-audio": stdin_audio,
        "--raw-rate": raw,
    }
    names = [name for name, is_given in sources.items() if is_given]
    if not names:
        raise UsageError(
            "nothing to predict: name recordings or folders, or give - (a list on stdin), "
            "--watch DIR, --stdin-audio or --raw-rate HZ"
        )
    if len(names) > 1:
        raise UsageError(f"{' and '.join(names)} cannot be combined; give only one of them")
