"""``audiotl models``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audiotl_cli.cli import options, output

app = typer.Typer(no_args_is_help=True, help="List the networks and fetch their weights.")


@app.command("list", epilog="Example:  audiotl models list")
def list_(
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Show the extractors, what they hear, and whether their weights are here."""
    from audiotl_cli.workflows.models import list_models

    found = list_models()

    def show() -> None:
        grid = output.table(
            "name", "installed", "dim", "window", "hop", "rate", "weights", "what it is",
            numbers=("dim", "window", "hop", "rate"),
        )  # fmt: skip
        for one in found:
            weights = f"{one.size / 1e6:.0f} MB, {one.licence}" if one.size else "none"
            grid.add_row(
                one.name, "yes" if one.installed else "no", str(one.dim), f"{one.window_s:g} s",
                f"{one.hop_s:g} s", f"{one.sample_rate / 1000:g} kHz", weights, one.summary,
            )  # fmt: skip
        output.show(grid)

    output.result([vars(one) for one in found], show)


@app.command(epilog="Example:  audiotl models fetch musicnn")
def fetch(
    name: Annotated[str, typer.Argument(help="Name of the extractor.")],
    source: Annotated[
        Path | None, typer.Option("--from", help="File at hand, instead of the network.")
    ] = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Put the weights of a network into the cache, their hash checked."""
    from audiotl_cli.workflows.models import fetch_model

    folder = fetch_model(name, source)
    value = {"name": name, "path": str(folder) if folder else None}
    text = f"{name} is installed in {folder}" if folder else f"{name} needs no weights"
    output.result(value, lambda: output.line(text))
    output.next_command(f"audiotl extract --extractor {name}")
