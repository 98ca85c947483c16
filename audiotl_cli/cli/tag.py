"""``audiotl tag``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audiotl_cli.cli import options, output, settings
from audiotl_cli.cli.formats import all_formats, listed
from audiotl_cli.cli.predict import NO_TRACKS
from audiotl_cli.cli.predict_files import predict_files, predict_stdin
from audiotl_cli.cli.predict_request import PredictRequest, ready_events
from audiotl_cli.cli.predicted_files import choose_writer
from audiotl_cli.cli.ready import Ready
from audiotl_cli.cli.spread import spread
from audiotl_cli.errors import UsageError

EXAMPLES = (
    "Examples:  audiotl tag file.wav   |   audiotl tag ~/new --network birdnet --lat 52.5 "
    "--lon 13.4 --week 18 --segments --output birds.csv   |   "
    "audiotl tag file.wav --labels wanted.txt --top-k 10"
)
FORMATS = all_formats()


@spread
def tag(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE|DIR|PATTERN|-]...",
            help="Recordings, folders, quoted patterns such as 'nights/**/*.flac', or - to "
            "read a list of paths from stdin.",
            show_default=False,
        ),
    ] = None,
    *,
    ready: Ready,
    top_k: Annotated[
        int | None,
        typer.Option(min=1, help="Number of labels per recording, in every format.  [default: 5]"),
        settings.FREE,
    ] = None,
    segments: Annotated[
        bool,
        typer.Option(
            "--segments", help="Detect events: report where in a recording each label occurs."
        ),
        settings.FREE,
    ] = False,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Lowest score of a label, or of an event with --segments; above 0, at most 1.  "
            "[default: 0.25]",
        ),
        settings.FREE,
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help=f"Format of the output: {listed(FORMATS)}.  [default: by the suffix of "
            "--output, else table]",
        ),
        NO_TRACKS,
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            "--output",
            parser=options.path,
            help="File to write instead of stdout; after an interruption, the same command "
            "continues it. "
            f"{listed(name for name, kind in FORMATS.items() if kind.file_each)} write one file "
            "per recording into this folder.  [default for these: beside the recording]",
        ),
        settings.TYPED,
    ] = None,
    overwrite: options.Overwrite = False,
    stdin_audio: Annotated[
        bool,
        typer.Option("--stdin-audio", help="Read an audio file from stdin."),
        settings.FREE,
    ] = False,
    workers: options.Workers = None,
) -> None:
    """Label recordings with a network's own classes, without any training."""
    if bool(inputs) == stdin_audio:
        raise UsageError(
            "recordings and --stdin-audio cannot be combined; give only one of them"
            if inputs
            else "nothing to label: name recordings or folders, or give - (a list on stdin) or "
            "--stdin-audio"
        )
    chosen = ready.choose(threshold=threshold, top_k=top_k, segments=segments)
    request = PredictRequest(
        model=None,
        ready=chosen,
        accept_licence=ready.accept_licence,
        kind=choose_writer(format_, to),
        to=to,
        overwrite=overwrite,
        events=ready_events(chosen, segments=segments),
        top_k=chosen.top_k,
        workers=workers,
        json=output.state.json,
    )
    if stdin_audio:
        predict_stdin(request)
    else:
        predict_files(request, inputs or [])
