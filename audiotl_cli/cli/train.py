"""``audiotl train``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from audiotl_cli.cli import options, output

if TYPE_CHECKING:
    from audiotl_cli.workflows.train import TrainReport

EXAMPLES = "Examples:  audiotl train   |   audiotl train --classifier svm --pooling vote --pca 128"


def train(
    context: typer.Context,
    index: options.IndexFile = None,
    store: options.Store = None,
    extractor: options.Extractors = None,
    classifier: options.Classifier = "logreg",
    pooling: options.Pooling = "mean+std",
    pca: options.Pca = None,
    scale: options.Scale = None,
    param: options.Param = None,
    search: options.Search = 0,
    split: Annotated[str, typer.Option(help="Which split to train on.")] = "train",
    out: Annotated[
        Path | None,
        typer.Option(help="Model file.  [default: data/models/..., named by what it is]"),
    ] = None,
    seed: options.Seed = 0,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Fit a classifier on stored features and save it."""
    from audiotl_cli.classify.classifier import ClassifierOptions
    from audiotl_cli.dataset.index import Index
    from audiotl_cli.workflows.project import FEATURES, MODELS, newest_index
    from audiotl_cli.workflows.train import train_model

    path = index or newest_index()
    output.note(f"Index {path}")
    with output.progress("Trying settings", "fits") as update:
        report = train_model(
            Index.read(path),
            store or FEATURES,
            extractor or [],
            ClassifierOptions(
                classifier=classifier,
                pooling=pooling,
                pca=pca,
                scale=scale,
                params=options.parse_params(param),
                seed=seed,
            ),
            n_settings=search,
            split=split,
            out=out,
            models=MODELS,
            on_fit=lambda done, total: update(done, total, 0.0),
        )
    for used in report.stores:
        output.note(f"Features {used.folder}")
    card = report.card
    output.result(as_json(report), lambda: show(report))
    file = shlex.quote(str(out)) if out else ""
    if card.held_out:
        where = options.carry(context, "index", "store")
        output.next_command(f"audiotl evaluate{f' {file}' if file else ''}{where}")
    else:
        output.next_command(f"audiotl predict FILE{f' --model {file}' if file else ''}")


def as_json(report: TrainReport) -> dict[str, Any]:
    """Return what ``--json`` prints of a model."""
    card = report.card
    value = {
        "model": str(report.path),
        "classifier": card.classifier,
        "extractors": [spec.name for spec in card.extractors],
        "weights": [spec.weights for spec in card.extractors],
        "pooling": card.pooling,
        "n_clips": card.n_clips,
        "labels": list(card.labels),
        "held_out": card.held_out,
    }
    return value | ({"leaderboard": list(card.search)} if card.search else {})


def show(report: TrainReport) -> None:
    """Print what was fitted and how it came about."""
    card = report.card
    networks = " + ".join(f"{spec.name} {spec.layer}".strip() for spec in card.extractors)
    output.line(f"{report.path}", style="bold")
    output.line(
        f"{card.classifier} on {networks}, pooling {card.pooling}: "
        f"{card.n_clips} clips, {len(card.labels)} labels"
    )
    output.warnings([spec.warning for spec in card.extractors])
    if card.search:
        output.leaderboard(card.search)
    if card.held_out:
        output.line(
            f"accuracy {card.held_out['accuracy']:.3f} on {card.held_out['n_clips']} held-out clips"
        )
