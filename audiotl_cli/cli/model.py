"""``audiotl model``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audiotl_cli.cli import options, output, settings
from audiotl_cli.cli.show_network import show_network
from audiotl_cli.cli.show_programs import show_programs
from audiotl_cli.cli.spread import spread
from audiotl_cli.errors import UsageError
from audiotl_cli.extractors.inspection import kind_of
from audiotl_cli.text import counted

if TYPE_CHECKING:
    from audiotl_cli.experiments.leaderboard import ModelRow
    from audiotl_cli.inference.quantisation_cost import QuantisationCost
    from audiotl_cli.workflows.export import ExportReport
    from audiotl_cli.workflows.inspect import Inspection
    from audiotl_cli.workflows.threshold import ThresholdReport

app = typer.Typer(no_args_is_help=True, help="List, inspect and export trained models.")


@app.callback()
def model() -> None:
    """List, inspect and export trained models."""


@app.command("list", epilog="Examples:  audiotl model list   |   audiotl predict FILE --model NAME")
@spread
def list_() -> None:
    """List the trained models in data/models, the best of each index first."""
    from audiotl_cli.experiments.leaderboard import list_models

    rows = list_models(options.project())
    output.result([row.to_dict() for row in rows], lambda: _show_list(rows))
    if damaged := [(str(row.path), row.problem) for row in rows if row.card is None]:
        output.failures(damaged)
        raise typer.Exit(1)


@app.command(
    epilog="Examples:  audiotl model inspect data/models/demo.joblib   |   "
    "audiotl model inspect bird.onnx --sidecar"
)
@spread
def inspect(
    file: Annotated[
        Path,
        typer.Argument(
            parser=options.path,
            help="Model file, or a part of its name in data/models; or a network in an .onnx or "
            ".tflite file.",
        ),
    ],
    sidecar: Annotated[
        bool,
        typer.Option(
            "--sidecar",
            help="Write the settings of a network, FILE.json, to start from; never overwrites.",
        ),
        settings.TYPED,
    ] = False,
) -> None:
    """Show the contents of a model or network file without running any code from it.

    Of a network, these are its input and the tensors that may be embeddings.
    """
    from audiotl_cli.workflows.inspect import inspect_model

    if kind_of(file):
        _inspect_network(file, sidecar=sidecar)
        return
    if sidecar:
        raise UsageError(f"--sidecar is for networks in .onnx or .tflite files, not for {file}")
    found = inspect_model(options.project().find_model(file))
    output.result(asdict(found), lambda: _show(found))


@app.command(
    epilog="Examples:  audiotl model export data/models/birds.joblib --whole   |   "
    "audiotl model export data/models/birds.joblib --output birds.onnx"
)
@spread
def export(
    file: Annotated[
        Path,
        typer.Argument(
            parser=options.path, help="Model file, or a part of its name in data/models."
        ),
    ],
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
    quantise: Annotated[
        bool,
        typer.Option(
            "--quantise",
            help="Keep the weights of the networks in 8 bits, which makes the file up to three "
            "times smaller, and measure what that costs on held-out clips.",
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
) -> None:
    """Write a model as an ONNX graph, for ONNX Runtime on any machine.

    The model and the graph first predict the same clips; a graph whose labels or scores differ is
    not written.
    """
    from audiotl_cli.workflows.export import export_model

    project = options.project()
    report = export_model(
        project,
        project.find_model(file),
        format,
        to,
        whole=whole,
        quantise=quantise,
        trust=trust or (),
        overwrite=overwrite,
    )
    output.result(report.to_dict(), lambda: _show_export(report))


def _inspect_network(file: Path, *, sidecar: bool) -> None:
    from audiotl_cli.workflows.inspect_network import inspect_network

    report = inspect_network(file, sidecar=sidecar)
    output.result(asdict(report), lambda: show_network(report))
    if report.file.problem or report.problem:
        raise typer.Exit(1)


@app.command(
    epilog="Examples:  audiotl model threshold birds --precision 0.9 --verdicts verdicts.csv   |   "
    "audiotl model threshold birds --set owl=0.7"
)
@spread
def threshold(
    file: Annotated[
        Path,
        typer.Argument(
            parser=options.path, help="Model file, or a part of its name in data/models."
        ),
    ],
    precision: Annotated[
        float | None,
        typer.Option(
            help="Share of the reported events of each label that should be right, such as 0.9; "
            "the lower end of its interval must reach it.",
        ),
        settings.FREE,
    ] = None,
    verdicts: Annotated[
        Path | None,
        typer.Option(
            parser=options.path,
            metavar="TABLE",
            help="Table of judged events for --precision, with the columns label, score and "
            "verdict (right or wrong).",
        ),
        settings.TYPED,
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="LABEL=SCORE", help="Threshold of a label; repeat for several."
        ),
        settings.TYPED,
    ] = None,
    clear: Annotated[
        bool,
        typer.Option("--clear", help="Forget the thresholds that the model holds."),
        settings.TYPED,
    ] = False,
    overwrite: options.Overwrite = False,
) -> None:
    """Show, choose or set from which scores a model reports events."""
    from audiotl_cli.cli.event_options import scores_of_labels
    from audiotl_cli.workflows.threshold import ThresholdOptions, set_thresholds

    path = options.project().find_model(file)
    chosen = ThresholdOptions(
        scores_of_labels("--set", given), precision, verdicts, clear, overwrite
    )
    report = set_thresholds(path, chosen)
    value = asdict(report) | {"path": str(report.path)}
    output.result(value, lambda: _show_thresholds(report))
    for label, reason in report.refused.items():
        output.warn(f"{label}: no threshold, because {reason}")
    if report.refused:
        raise typer.Exit(1)


def _show_thresholds(report: ThresholdReport) -> None:
    output.line(f"{report.path}", style="bold")
    if report.n_judged:
        output.line(
            f"{counted(report.n_judged, 'judged event')}, and {report.n_other} without a verdict "
            "of right or wrong"
        )
    if not report.thresholds:
        output.line("No thresholds: every event is reported, or from 0.5 by a model of clips")
        return
    columns = ("label", "threshold", "right", "interval", "events", "from")
    grid = output.table(*columns, numbers=("threshold", "right", "events"))
    for label, found in sorted(report.thresholds.items()):
        judged = (
            (f"{found.precision:.3f}", f"{found.low:.3f} to {found.high:.3f}", str(found.n_events))
            if found.n_events
            else ("", "", "")
        )
        grid.add_row(label, f"{found.threshold:.3f}", *judged, found.source)
    output.show(grid)


def _show_list(rows: Sequence[ModelRow]) -> None:
    if not rows:
        output.line("There are no models in data/models yet; create one with: audiotl train")
        return
    newest = max(rows, key=lambda row: (row.changed_at, row.path.name))
    scores = ("balanced accuracy", "accuracy")
    numbers = (*scores, "clips", "labels")
    columns = ("model", *scores, "made of", "index", "clips", "labels", "trained")
    optional = ("labels", "made of", "clips", "index", "trained", "accuracy")
    grid = output.table(*columns, numbers=numbers, optional=optional)
    for row in rows:
        card = row.card
        if card is None:
            continue
        found = (row.scores.get(name.replace(" ", "_")) for name in scores)
        grid.add_row(
            row.path.stem,
            *("" if value is None else f"{value:.3f}" for value in found),
            f"{card.classifier} on {' + '.join(spec.name for spec in card.extractors)}",
            card.index,
            str(card.n_clips),
            str(len(card.labels)),
            f"{datetime.fromtimestamp(row.changed_at):%Y-%m-%d %H:%M}",
        )
    output.show(grid)
    output.line(
        "Scores are of clips that a model was not trained on. For more, run: audiotl evaluate"
    )
    if newest.card is None:
        output.line(
            f"The newest model, {newest.path.stem}, is damaged: name another, or delete it."
        )
    else:
        output.line(f"Commands use the newest model, {newest.path.stem}, unless you name another.")


def _show_export(report: ExportReport) -> None:
    output.line(f"{report.path}: {report.size / 1e6:.2f} MB")
    if report.quantised is not None:
        _show_cost(report.quantised)
        return
    output.line(
        f"gives the same labels as the model on {report.n_probes} synthetic "
        f"{'sounds' if report.whole else 'clips'}; scores differ by at most "
        f"{report.largest_difference:.1g}"
    )
    if report.whole:
        output.line(f"takes mono audio at {report.sample_rate} Hz; see examples/predict_onnx.py")


def _show_cost(cost: QuantisationCost) -> None:
    """Print what it costs that weights are kept in 8 bits."""
    if cost.problem or cost.accuracy is None or cost.accuracy_before is None:
        output.warn(f"what 8 bits cost was not measured: {cost.problem}")
        return
    failed = f" ({cost.n_failed} more cannot be read)" if cost.n_failed else ""
    output.line(
        f"accuracy {cost.accuracy:.3f} on {counted(cost.n_clips, 'clip')} of the split "
        f"{cost.split}{failed}, {cost.accuracy_before:.3f} with full weights; both give the same "
        f"label to {cost.agreement:.1%} of them"
    )


def _show(found: Inspection) -> None:
    output.line(f"file     {found.path}, {found.size} bytes")
    output.line(f"sha256   {found.sha256}")
    card = found.card
    if card is not None:
        networks = ", ".join(map(_network, card["extractors"]))
        output.line(f"model    {card['classifier']}, {card['pooling']}, on {networks}")
        output.line(f"labels   {len(card['labels'])}: {', '.join(card['labels'][:10])}")
        output.line(f"trained  on {counted(card['n_clips'], 'clip')} of {card['index']}")
    if found.allowed:
        output.line("The file contains only numbers and text, so loading it runs no code.")
        show_programs(found.path, found.programs)
    else:
        output.line(f"The file cannot be loaded: {found.problem}")


def _network(extractor: Mapping[str, Any]) -> str:
    """Return the name of a network, and its licence if the card has it."""
    licence = extractor.get("licence")
    return f"{extractor['name']} (licence {licence})" if licence else str(extractor["name"])
