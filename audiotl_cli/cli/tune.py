"""``audiotl tune``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audiotl_cli.cli import options, output
from audiotl_cli.cli.train import finish

EXAMPLES = "Examples:  audiotl tune   |   audiotl tune --extractor yamnet --extractor musicnn"


def tune(
    context: typer.Context,
    index: options.IndexFile = None,
    store: options.Store = None,
    extractor: Annotated[
        list[str] | None,
        typer.Option(
            "--extractor",
            help="Whose features to try, each alone and every two; repeatable.  [default: all "
            "that are there]",
            rich_help_panel=options.CLASSIFIER,
        ),
    ] = None,
    classifier: options.Classifier = "logreg",
    pooling: options.Pooling = "mean+std",
    pca: options.Pca = None,
    scale: options.Scale = None,
    param: options.Param = None,
    search: Annotated[
        int,
        typer.Option(
            "--search",
            metavar="N",
            min=1,
            help="How many settings to try; there are up to 75 an extractor, or two.",
            rich_help_panel=options.CLASSIFIER,
        ),
    ] = 200,
    workers: options.Workers = None,
    cluster: options.Cluster = None,
    split: Annotated[str, typer.Option(help="Which split to choose and train on.")] = "train",
    out: Annotated[
        Path | None,
        typer.Option(help="Model file.  [default: data/models/..., named by what it is]"),
    ] = None,
    seed: options.Seed = 0,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Choose extractor, pooling, classifier and parameters on the training clips alone.

    The setting given by --classifier, --pooling and so on is tried first. What is picked is
    fitted and saved. Interrupted, the same command goes on where it stopped.
    """
    from audiotl_cli.classify.classifier import ClassifierOptions
    from audiotl_cli.dataset.index import Index
    from audiotl_cli.workflows.project import FEATURES, MODELS, newest_index
    from audiotl_cli.workflows.tune import tune_model

    path = index or newest_index()
    output.note(f"Index {path}")
    with (
        options.fits(cluster, workers) as run,
        output.progress("Trying settings", "fits") as update,
    ):
        report = tune_model(
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
            run=run,
            on_fit=lambda done, total: update(done, total, 0.0),
        )
    finish(context, report, out)
