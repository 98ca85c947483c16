"""The options of labelling recordings, which ``predict`` and ``tag`` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audiotl_cli.cli import options, settings
from audiotl_cli.cli.formats import all_formats, listed

FORMATS = all_formats()  # as the help lists them
NO_TRACKS = settings.FromFile(
    lambda value: "may not write files" if value in FORMATS and FORMATS[value].file_each else ""
)
"""Formats that write a file beside each recording must be given on the command line."""

Inputs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FILE|DIR|PATTERN|-]...",
        help="Recordings, folders, quoted patterns such as 'nights/**/*.flac', or - to read a list "
        "of paths from stdin.",
        show_default=False,
    ),
]
Segments = Annotated[
    bool,
    typer.Option(
        "--segments", help="Detect events: report where in a recording each label occurs."
    ),
    settings.FREE,
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help=f"Format of the output: {listed(FORMATS)}.  [default: by the suffix of --output, else "
        "table]",
    ),
    NO_TRACKS,
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        parser=options.path,
        help="File to write instead of stdout; after an interruption, the same command continues "
        f"it. {listed(name for name, kind in FORMATS.items() if kind.file_each)} write one file "
        "per recording into this folder.  [default for these: beside the recording]",
    ),
    settings.TYPED,
]
StdinAudio = Annotated[
    bool, typer.Option("--stdin-audio", help="Read an audio file from stdin."), settings.FREE
]
