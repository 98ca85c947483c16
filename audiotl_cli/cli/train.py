"""``audiotl train``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audiotl_cli.cli import options, output, settings
from audiotl_cli.cli.fitting import Fitting, Learning, spread

if TYPE_CHECKING:
    from audiotl_cli.workflows.train import TrainReport

EXAMPLES = "Examples:  audiotl train   |   audiotl train --classifier svm --pooling vote --pca 128"


@spread
def train(
    context: typer.Context,
    *,
    index: options.IndexFile = None,
    store: options.Store = None,
    extractor: options.Extractors = None,
    fitting: Fitting,
    search: options.Search = 0,
    cluster: options.Cluster = None,
    learning: Learning,
    split: Annotated[str, typer.Option(help="Which split to train on."), settings.FREE] = "train",
    out: options.ModelFile = None,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Fit a classifier on stored features and save it."""
    from audiotl_cli.dataset.index import Index
    from audiotl_cli.errors import UsageError
    from audiotl_cli.experiments.options import TrainOptions
    from audiotl_cli.workflows.train import train_model

    chosen = TrainOptions(
        classifier=fitting.options(),
        extractors=extractor or [],
        store=options.store_address(store),
        n_settings=search,
        reliability=learning.reliability(),
        split=split,
        out=out,
        overwrite=overwrite,
        memory=learning.memory,
    )
    if cluster and not search:
        raise UsageError("--cluster without --search: one fit needs no cluster")
    chosen.check()
    path = options.find_index(index)
    with options.fits(cluster) as run, output.progress("Trying settings", "fits") as update:
        report = train_model(
            options.project(),
            Index.read(path),
            chosen,
            run=run,
            on_fit=lambda done, total: update(done, total, 0.0),
        )
    for used in report.stores:
        output.note(f"Features {used.folder}")
    finish(context, report, out)


def finish(context: typer.Context, report: TrainReport, out: Path | None) -> None:
    """Print a saved model, and the command that comes next."""
    output.result(as_json(report), lambda: show(report))
    file = f" {shlex.quote(str(out))}" if out else ""
    if report.card.held_out:
        where = options.carry(context, "index", "store")
        output.next_command(f"audiotl evaluate{file}{where}")
    else:
        output.next_command(f"audiotl predict FILE{f' --model{file}' if file else ''}")


def as_json(report: TrainReport) -> dict[str, Any]:
    """Return what ``--json`` prints of a model."""
    card = report.card
    value = {
        "model": str(report.path),
        "classifier": card.classifier,
        "extractors": [spec.name for spec in card.extractors],
        "weights": [spec.weights for spec in card.extractors],
        "licences": [spec.licence for spec in card.extractors],
        "pooling": card.pooling,
        "n_clips": card.n_clips,
        "labels": list(card.labels),
        "held_out": card.held_out,
        "streamed": card.streamed,
    }
    if card.calibration:
        value["calibration"] = card.calibration
    if card.rejection:
        value["rejection"] = card.rejection
    if card.search:
        value["leaderboard"] = list(card.search)
    return value


def show(report: TrainReport) -> None:
    """Print what was fitted and how it came about."""
    card = report.card
    networks = " + ".join(f"{spec.name} {spec.layer}".strip() for spec in card.extractors)
    output.line(f"{report.path}", style="bold")
    output.line(
        f"{card.classifier} on {networks}, pooling {card.pooling}: "
        f"{card.n_clips} clips, {len(card.labels)} labels"
    )
    if card.streamed:
        output.line("fitted block by block: the frames do not fit into memory")
    output.warnings([spec.warning for spec in card.extractors])
    if card.search:
        output.leaderboard(card.search)
    if card.calibration:
        output.line(f"scores calibrated by {card.calibration['method']}")
    if card.rejection:
        output.line(f"may say 'none of these', of known sounds about {card.rejection['rate']:.1%}")
    if card.held_out:
        output.line(
            f"accuracy {card.held_out['accuracy']:.3f} on {card.held_out['n_clips']} held-out clips"
        )
