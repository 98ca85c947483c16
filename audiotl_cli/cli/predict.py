"""``audiotl predict``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from audiotl_cli.cli import options, settings
from audiotl_cli.cli.formats import all_formats, find_format, listed
from audiotl_cli.cli.predict_files import predict_files, predict_stdin
from audiotl_cli.cli.predict_request import PredictRequest, choose_events
from audiotl_cli.cli.predict_stream import hear_stdin, watch_folder
from audiotl_cli.cli.predicted_files import choose_format
from audiotl_cli.cli.sorting import choose_sorter
from audiotl_cli.errors import UsageError
from audiotl_cli.inference.formats.base import Writer
from audiotl_cli.written import check_folder

EXAMPLES = (
    "Examples:  audiotl predict file.wav   |   audiotl predict ~/new --format csv --output new.csv"
    "   |   audiotl predict night.wav --segments --format audacity   |   "
    "audiotl predict --watch ~/recorder --format jsonl   |   "
    "arecord -r 16000 -f S16_LE | audiotl predict --raw-rate 16000 --segments"
)
FORMATS = all_formats()  # as the help lists them
STDIN = "Sound on stdin"
SORTING = "Sorting"

NO_TRACKS = settings.FromFile(
    lambda value: "may not write files" if value in FORMATS and FORMATS[value].file_each else ""
)
"""These formats write a file beside each recording, and are typed."""


def predict(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE|DIR|PATTERN|-]...",
            help="Recordings, folders, quoted patterns such as 'nights/**/*.flac', or - for a "
            "list on stdin.",
            show_default=False,
        ),
    ] = None,
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
    top_k: Annotated[
        int | None,
        typer.Option(min=1, help="How many labels a recording.  [default: 3 in tables, else all]"),
        settings.FREE,
    ] = None,
    segments: Annotated[
        bool,
        typer.Option("--segments", help="Tell where in a recording each label is heard."),
        settings.FREE,
    ] = False,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Score from which --segments takes a label for heard, above 0 to 1.  "
            "[default: 0.5]",
        ),
        settings.FREE,
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help=f"How to write predictions: {listed(FORMATS)}.  [default: as --output ends, else "
            "table]",
        ),
        NO_TRACKS,
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--output",
            parser=options.path,
            help="File to write instead of stdout; interrupted, the same command goes on there. "
            f"For {listed(name for name, kind in FORMATS.items() if kind.file_each)}, which write "
            "a file a recording, a folder.  [default for these: beside the recording]",
        ),
        settings.TYPED,
    ] = None,
    overwrite: options.Overwrite = False,
    watch: Annotated[
        Path | None,
        typer.Option(
            parser=options.path,
            metavar="DIR",
            help="Tell of each recording in a folder, and of each that comes into it.",
        ),
        settings.TYPED,
    ] = None,
    interval: Annotated[
        float,
        typer.Option(
            min=0.05, help="Seconds a recording must not change before --watch takes it for whole."
        ),
        settings.FREE,
    ] = 2.0,
    stdin_audio: Annotated[
        bool,
        typer.Option("--stdin-audio", help="A sound file comes on stdin.", rich_help_panel=STDIN),
        settings.FREE,
    ] = False,
    raw_rate: Annotated[
        int | None,
        typer.Option(
            metavar="HZ",
            help="Samples without a header come on stdin, so many a second; with --segments, "
            "events are told as they end.",
            rich_help_panel=STDIN,
        ),
        settings.FREE,
    ] = None,
    raw_format: Annotated[
        str,
        typer.Option(
            help="Their format: s16le, s24le, s32le, f32le, f64le, s16be, s32be, f32be or u8.",
            rich_help_panel=STDIN,
        ),
        settings.FREE,
    ] = "s16le",
    raw_channels: Annotated[
        int, typer.Option(help="Their channels, interleaved.", rich_help_panel=STDIN), settings.FREE
    ] = 1,
    copy_to: Annotated[
        Path | None,
        typer.Option(
            parser=options.path,
            metavar="DIR",
            help="Copy each recording to DIR/LABEL; what cannot be used or is none of the labels "
            "stays, and nothing is written over.",
            rich_help_panel=SORTING,
        ),
        settings.TYPED,
    ] = None,
    move_to: Annotated[
        Path | None,
        typer.Option(
            parser=options.path, metavar="DIR", help="Move it there.", rich_help_panel=SORTING
        ),
        settings.TYPED,
    ] = None,
    link_to: Annotated[
        Path | None,
        typer.Option(
            parser=options.path, metavar="DIR", help="Link to it there.", rich_help_panel=SORTING
        ),
        settings.TYPED,
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only say what would go where.", rich_help_panel=SORTING),
        settings.FREE,
    ] = False,
    trust: options.TrustModel = None,
    workers: options.Workers = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Tell what recordings are."""
    raw = None
    if raw_rate is not None:
        from audiotl_cli.audio.raw import RawFormat

        raw = RawFormat(raw_rate, raw_format, raw_channels)
    _check_one_source(inputs or [], watch, stdin_audio=stdin_audio, raw=raw is not None)
    request = PredictRequest(
        model=model,
        trust=trust or (),
        kind=_choose_writer(format_, to, json=json),
        to=to,
        overwrite=overwrite,
        sorter=choose_sorter(copy_to, move_to, link_to, dry_run=dry_run),
        events=choose_events(threshold, segments=segments),
        top_k=top_k,
        workers=workers,
        json=json,
    )
    if watch is not None:
        watch_folder(request, watch, interval)
    elif raw is not None:
        hear_stdin(request, raw)
    elif stdin_audio:
        predict_stdin(request)
    else:
        predict_files(request, inputs or [])


def _choose_writer(format_: str | None, to: Path | None, *, json: bool) -> type[Writer]:
    """Return how to write, or raise `UsageError`, before any work is done."""
    formats = all_formats()
    if format_ is not None and find_format(format_, formats).file_each:
        if to is not None:
            check_folder(to.parent)
        return formats[format_]
    in_one_file = {
        name: kind.suffix for name, kind in formats.items() if kind.suffix and not kind.file_each
    }
    return formats[choose_format(format_, to, in_one_file, json=json)]


def _check_one_source(
    inputs: Sequence[str], watch: Path | None, *, stdin_audio: bool, raw: bool
) -> None:
    given = {
        "recordings": bool(inputs),
        "--watch": watch is not None,
        "--stdin-audio": stdin_audio,
        "--raw-rate": raw,
    }
    names = [name for name, there in given.items() if there]
    if not names:
        raise UsageError(
            "nothing to predict: name recordings or folders, - for a list on stdin, --watch DIR, "
            "--stdin-audio or --raw-rate HZ"
        )
    if len(names) > 1:
        raise UsageError(f"{' and '.join(names)} are given; expected one of them")
