"""The options of training, which several commands share."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from audiotl_cli.classifiers.names import built_in_names
from audiotl_cli.cli import options, settings
from audiotl_cli.errors import UsageError

if TYPE_CHECKING:
    from audiotl_cli.classifiers.options import ClassifierOptions
    from audiotl_cli.experiments.training import Reliability


@dataclass(frozen=True)
class Fitting:
    """The classifier and its input; every field is an option."""

    classifier: Annotated[
        str,
        typer.Option(
            "--classifier",
            help=f"Classifier to train: {', '.join(built_in_names())}, or the name of a plug-in.",
            rich_help_panel=options.CLASSIFIER,
        ),
        settings.FREE,
    ] = "logreg"
    pooling: Annotated[
        str,
        typer.Option(
            "--pooling",
            help="How to turn the frames of a clip into one vector: mean+std, mean or mean+max; or "
            "vote, to classify every frame and average the results.",
            rich_help_panel=options.CLASSIFIER,
        ),
        settings.FREE,
    ] = "mean+std"
    pca: Annotated[
        int | None,
        typer.Option(
            "--pca",
            help="Reduce the features to this number of whitened principal components before the "
            "classifier.  [default: no PCA]",
            rich_help_panel=options.CLASSIFIER,
        ),
        settings.FREE,
    ] = None
    scale: Annotated[
        bool | None,
        typer.Option(
            "--scale/--no-scale",
            help="Standardise the features first.  [default: depends on the classifier; always "
            "with several extractors]",
            show_default=False,
            rich_help_panel=options.CLASSIFIER,
        ),
        settings.FREE,
    ] = None
    root: Annotated[
        bool,
        typer.Option(
            "--root",
            help="Use square roots of the features, and scale all of them by a single factor "
            "instead of scaling each one separately.",
            rich_help_panel=options.CLASSIFIER,
        ),
        settings.FREE,
    ] = False
    combine: Annotated[
        Literal["concat", "average"],
        typer.Option(
            "--combine",
            help="How to combine several extractors: concat trains one classifier on their "
            "concatenated features; average trains one classifier per extractor and averages their "
            "scores.",
            rich_help_panel=options.CLASSIFIER,
        ),
        settings.FREE,
    ] = "concat"
    balance: Annotated[
        bool,
        typer.Option(
            "--balance",
            help="Give every label the same weight, however many clips it has.",
            rich_help_panel=options.CLASSIFIER,
        ),
        settings.FREE,
    ] = False
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param",
            metavar="K=V",
            help="Parameter of the classifier, such as C=0.1; repeat for several.",
            rich_help_panel=options.CLASSIFIER,
        ),
        settings.FREE,
    ] = None
    seed: options.Seed = 0

    def options(self) -> ClassifierOptions:
        """Return the options as the workflows take them."""
        from audiotl_cli.classifiers.options import ClassifierOptions

        return ClassifierOptions(
            classifier=self.classifier,
            pooling=self.pooling,
            pca=self.pca,
            scale=self.scale,
            sqrt=self.root,
            params=parse_params(self.param),
            combine=self.combine,
            balance=self.balance,
            seed=self.seed,
        )


@dataclass(frozen=True)
class Learning:
    """Calibration, rejection and memory; every field is an option."""

    calibrate: Annotated[
        str | None,
        typer.Option(
            "--calibrate",
            metavar="HOW",
            help="Turn scores into probabilities by sigmoid, isotonic or temperature scaling, "
            "fitted by cross-validation on the training clips. Calibration may make knn worse, and "
            "isotonic may lower the accuracy.  [default: no calibration]",
            rich_help_panel=options.CLASSIFIER,
        ),
        settings.FREE,
    ] = None
    reject: Annotated[
        float | None,
        typer.Option(
            "--reject",
            metavar="RATE",
            help="Learn to reject recordings that have none of the labels. RATE, such as 0.05, is "
            "the share of clips with a known label that may be rejected as well. Rejection is "
            "unreliable with few labels or clips; evaluate --open-set measures it.  [default: no "
            "rejection]",
            rich_help_panel=options.CLASSIFIER,
        ),
        settings.FREE,
    ] = None
    memory_mb: Annotated[
        int | None,
        typer.Option(
            "--memory-mb",
            min=1,
            help="Most memory for the frames of --pooling vote, in MB; beyond that, frames are "
            "streamed from the store.  [default: half of this machine's memory]",
            show_default=False,
            rich_help_panel=options.CLASSIFIER,
        ),
        settings.FREE,
    ] = None

    def reliability(self) -> Reliability:
        """Return calibration and rejection, as the workflows take them."""
        from audiotl_cli.experiments.training import Reliability

        return Reliability(self.calibrate, self.reject)

    @property
    def memory(self) -> int | None:
        """Bytes; None for what the machine has."""
        return None if self.memory_mb is None else self.memory_mb << 20


@dataclass(frozen=True)
class Training(Learning):
    """Also which clips to train on, and where to save the model; every field is an option."""

    split: Annotated[str, typer.Option(help="Which split to train on."), settings.FREE] = "train"
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            parser=options.path,
            help="Model file to write.  [default: in data/models, named after the index and "
            "the options]",
        ),
        settings.TYPED,
    ] = None
    overwrite: options.Overwrite = False


def parse_params(items: list[str] | None) -> dict[str, Any]:
    """Turn ``K=V`` into keyword arguments; a value that is no Python literal is taken as text."""
    params: dict[str, Any] = {}
    for item in items or []:
        name, separator, text = item.partition("=")
        if not separator or not name.isidentifier():
            raise UsageError(f"--param is {item!r}, expected NAME=VALUE, such as C=0.1")
        try:
            params[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            params[name] = text
    return params
