"""``audiotl tune``."""

from __future__ import annotations

from typing import Annotated

import typer

from audiotl_cli.cli import options, settings
from audiotl_cli.cli.fitting import Fitting, Training
from audiotl_cli.cli.spread import spread
from audiotl_cli.cli.train import run_training, train_options

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
            help="Extractor whose features to try; repeat for several. Each is tried alone "
            "and in pairs.  [default: all with stored features]",
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
            help="Number of settings to try; there are up to 99 for each extractor or pair of "
            "extractors.",
            rich_help_panel=options.CLASSIFIER,
        ),
        settings.FREE,
    ] = 200,
    training: Training,
    workers: options.Workers = None,
    cluster: options.Cluster = None,
) -> None:
    """Choose extractors, pooling, classifier and parameters, using the training clips alone.

    The setting given by --classifier, --pooling and so on is tried first.
    The chosen setting is trained and saved. If tuning is interrupted, the
    same command continues where it stopped.
    """
    from audiotl_cli.workflows.tune import tune_model

    chosen = train_options(fitting, training, extractor or [], store, search)
    run_training(context, tune_model, index, audio_root, chosen, options.fits(cluster, workers))
