"""``audiotl tune``."""

from __future__ import annotations

from typing import Annotated

import typer

from audiotl_cli.cli import options, output, settings
from audiotl_cli.cli.fitting import Fitting, Learning, spread
from audiotl_cli.cli.train import finish

EXAMPLES = "Examples:  audiotl tune   |   audiotl tune --extractor yamnet --extractor musicnn"


@spread
def tune(
    context: typer.Context,
    *,
    index: options.IndexFile = None,
    audio_root: options.AudioRoot = None,
    store: options.Store = None,
    extractor: Annotated[
        list[str] | None,
        typer.Option(
            "--extractor",
            help="Whose features to try, each alone and every two; repeatable.  [default: all "
            "that are there]",
            rich_help_panel=options.CLASSIFIER,
        ),
        settings.FREE,
    ] = None,
    fitting: Fitting,
    search: Annotated[
        int,
        typer.Option(
            "--search",
            metavar="N",
            min=1,
            help="How many settings to try; there are up to 99 an extractor, or two.",
            rich_help_panel=options.CLASSIFIER,
        ),
        settings.FREE,
    ] = 200,
    learning: Learning,
    workers: options.Workers = None,
    cluster: options.Cluster = None,
    split: Annotated[
        str, typer.Option(help="Which split to choose and train on."), settings.FREE
    ] = "train",
    out: options.ModelFile = None,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Choose extractor, pooling, classifier and parameters on the training clips alone.

    The setting given by --classifier, --pooling and so on is tried first. What is picked is
    fitted and saved. Interrupted, the same command goes on where it stopped.
    """
    from audiotl_cli.experiments.options import TrainOptions
    from audiotl_cli.workflows.tune import tune_model

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
    chosen.check()
    path = options.find_index(index)
    with (
        options.fits(cluster, workers) as run,
        output.progress("Trying settings", "fits") as update,
    ):
        report = tune_model(
            options.project(),
            options.read_index(path, audio_root),
            chosen,
            run=run,
            on_fit=lambda done, total: update(done, total, 0.0),
        )
    finish(context, report, out)
