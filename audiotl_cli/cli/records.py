"""Write a list of records as JSON, JSON lines or CSV, or show it as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from json import dumps
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from audiotl_cli.cells import csv_text
from audiotl_cli.cli import options, output, settings
from audiotl_cli.written import write_output

SUFFIXES = {"json": ".json", "jsonl": ".jsonl", "csv": ".csv"}

Format = Annotated[
    Literal["table", "json", "jsonl", "csv"] | None,
    typer.Option(
        "--format", help="Output format.  [default: by the suffix of --output, else table]"
    ),
    settings.FREE,
]
Output = Annotated[
    Path | None,
    typer.Option("--output", parser=options.path, help="File to write instead of stdout."),
    settings.TYPED,
]


def give(
    form: str,
    to: Path | None,
    records: Sequence[Mapping[str, Any]],
    rows: Callable[[], Sequence[Sequence[object]]],
    show: Callable[[], None],
) -> None:
    """Write or show a command's records in the chosen format.

    Parameters
    ----------
    form : str
        From `choose_format`.
    to : Path or None
        The file to write to; None is stdout.
    records : sequence of mapping
        JSON values; with ``--json``, they are printed as well.
    rows : callable
        Returns the lines of a CSV table, its header first.
    show : callable
        Prints a table for people.
    """
    if form != "table":
        if form == "csv":
            text = csv_text(rows())
        elif form == "json":
            text = dumps(list(records), allow_nan=False) + "\n"
        else:
            text = "".join(dumps(record, allow_nan=False) + "\n" for record in records)
        if to is not None:
            write_output(to, text.encode("utf-8", "surrogateescape"))
            output.note(f"Written to {to}")
        elif not output.state.json:
            output.write(text)
    if output.state.json:
        output.result(list(records))
    elif form == "table":
        show()
