"""``audiotl model``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audiotl_cli.cli import options, output, settings
from audiotl_cli.cli.show_programs import show_programs

if TYPE_CHECKING:
    from audiotl_cli.workflows.export import ExportReport
    from audiotl_cli.workflows.inspect import Inspection

app = typer.Typer(no_args_is_help=True, help="Inspect a model file, or export a model to ONNX.")


@app.callback()
def model() -> None:
    """Inspect a model file, or export a model to ONNX."""


@app.command(epilog="Example:  audiotl model inspect data/models/demo.joblib")
def inspect(
    file: Annotated[Path, typer.Argument(parser=options.path, help="Model file.")],
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Show the contents of a model file without running any code from it."""
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
        typer.Option("--format", metavar="onnx", help="Format to write."),
        settings.FREE,
    ] = "onnx",
    whole: Annotated[
        bool,
        typer.Option(
            "--whole",
            help="Include the networks, so that the graph takes the samples of a recording.",
        ),
        settings.FREE,
    ] = False,
    to: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            parser=options.path,
            metavar="FILE",
            help="File to write.  [default: beside the model]",
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

    The model and the graph first predict the same clips; a graph whose labels or scores differ is
    not written.
    """
    from audiotl_cli.workflows.export import export_model

    report = export_model(file, format, to, whole=whole, trust=trust or (), overwrite=overwrite)
    output.result(asdict(report) | {"path": str(report.path)}, lambda: _show_export(report))


def _show_export(report: ExportReport) -> None:
    output.line(f"{report.path}: {report.size / 1e6:.2f} MB")
    output.line(
        f"gives the same labels as the model on {report.n_probes} synthetic "
        f"{'sounds' if report.whole else 'clips'}; scores differ by at most "
        f"{report.largest_difference:.1g}"
    )
    if report.whole:
        output.line(f"takes mono audio at {report.sample_rate} Hz; see examples/predict_onnx.py")


def _show(found: Inspection) -> None:
    output.line(f"file     {found.path}, {found.size} bytes")
    output.line(f"sha256   {found.sha256}")
    card = found.card
    if card is not None:
        networks = ", ".join(map(_network, card["extractors"]))
        output.line(f"model    {card['classifier']}, {card['pooling']}, on {networks}")
        output.line(f"labels   {len(card['labels'])}: {', '.join(card['labels'][:10])}")
        output.line(f"trained  on {card['n_clips']} clips of {card['index']}")
    if found.allowed:
        output.line("The file contains only numbers and text, so loading it runs no code.")
        show_programs(found.path, found.programs)
    else:
        output.line(f"The file cannot be loaded: {found.problem}")


def _network(extractor: Mapping[str, Any]) -> str:
    """Return the name of a network, and its licence if the card has it."""
    licence = extractor.get("licence")
    return f"{extractor['name']} (licence {licence})" if licence else str(extractor["name"])
