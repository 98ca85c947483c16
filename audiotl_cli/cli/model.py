"""``audiotl model``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audiotl_cli.cli import options, output

if TYPE_CHECKING:
    from audiotl_cli.workflows.inspect import Inspection

app = typer.Typer(no_args_is_help=True, help="Look into a model file.")


@app.callback()
def model() -> None:
    """Look into a model file."""


@app.command(epilog="Example:  audiotl model inspect data/models/demo.joblib")
def inspect(
    file: Annotated[Path, typer.Argument(help="Model file.")],
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Tell what a model file is and holds, without loading it: nothing in it runs."""
    from audiotl_cli.workflows.inspect import inspect_model

    found = inspect_model(file)
    output.result(asdict(found), lambda: _show(found))


def _show(found: Inspection) -> None:
    output.line(f"file     {found.path}, {found.size} bytes")
    output.line(f"sha256   {found.sha256}")
    card = found.card
    if card is not None:
        networks = ", ".join(one["name"] for one in card["extractors"])
        output.line(f"model    {card['classifier']}, {card['pooling']}, on {networks}")
        output.line(f"labels   {len(card['labels'])}: {', '.join(card['labels'][:10])}")
        output.line(f"trained  on {card['n_clips']} clips of {card['index']}")
    for one in found.names:
        output.line(f"{'allowed' if one['allowed'] else 'REFUSED'}  {one['name']}")
    if found.allowed:
        output.line("It can be loaded; nothing in it runs.")
    else:
        output.line(f"It is not loaded: {found.problem}")
