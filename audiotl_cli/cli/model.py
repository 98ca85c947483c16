"""``audiotl model``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from audiotl_cli.cli import options, output, settings
from audiotl_cli.cli.show_programs import show_programs

if TYPE_CHECKING:
    from audiotl_cli.workflows.export import ExportReport
    from audiotl_cli.workflows.inspect import Inspection

app = typer.Typer(no_args_is_help=True, help="Look into a model file, or pass a model on.")


@app.callback()
def model() -> None:
    """Look into a model file, or pass a model on."""


@app.command(epilog="Example:  audiotl model inspect data/models/demo.joblib")
def inspect(
    file: Annotated[Path, typer.Argument(parser=options.path, help="Model file.")],
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Show what a model file is and holds; nothing in it runs."""
    from audiotl_cli.workflows.inspect import inspect_model

    found = inspect_model(file)
    output.result(asdict(found), lambda: _show(found))


@app.command(
    epilog="Examples:  audiotl model export data/models/birds.joblib --whole   |   "
    "audiotl model export data/models/birds.joblib --output birds.onnx"
)
def export(
    file: Annotated[Path, typer.Argument(parser=options.path, help="Model file.")],
    format: Annotated[
        str,
        typer.Option("--format", metavar="onnx", help="What to write."),
        settings.FREE,
    ] = "onnx",
    whole: Annotated[
        bool,
        typer.Option("--whole", help="From the samples of a recording on, networks and all."),
        settings.FREE,
    ] = False,
    to: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            parser=options.path,
            metavar="FILE",
            help="Where to; beside the model if none.",
        ),
        settings.TYPED,
    ] = None,
    overwrite: options.Overwrite = False,
    trust: options.TrustModel = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Write a model as an ONNX graph, for ONNX Runtime on any machine.

    Both predict the same clips first; a graph that gives another label, or scores that are not
    the same, is not written.
    """
    from audiotl_cli.workflows.export import export_model

    report = export_model(file, format, to, whole=whole, trust=trust or (), overwrite=overwrite)
    output.result(asdict(report) | {"path": str(report.path)}, lambda: _show_export(report))


def _show_export(report: ExportReport) -> None:
    output.line(f"{report.path}: {report.size / 1e6:.2f} MB")
    output.line(
        f"gives the same labels on {report.n_probes} made {'sounds' if report.whole else 'clips'}, "
        f"scores within {report.largest_difference:.1g}"
    )
    if report.whole:
        output.line(f"takes one channel at {report.sample_rate} Hz; see examples/predict_onnx.py")


def _show(found: Inspection) -> None:
    output.line(f"file     {found.path}, {found.size} bytes")
    output.line(f"sha256   {found.sha256}")
    card = found.card
    if card is not None:
        networks = ", ".join(one["name"] for one in card["extractors"])
        output.line(f"model    {card['classifier']}, {card['pooling']}, on {networks}")
        output.line(f"labels   {len(card['labels'])}: {', '.join(card['labels'][:10])}")
        output.line(f"trained  on {card['n_clips']} clips of {card['index']}")
    if found.allowed:
        output.line("It holds numbers and text alone: nothing in it runs.")
        show_programs(found.path, found.programs)
    else:
        output.line(f"It is not loaded: {found.problem}")
