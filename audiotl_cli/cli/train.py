"""``audiotl train``."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from audiotl_cli.cli import options, output
from audiotl_cli.cli.fitting import Fitting, Training
from audiotl_cli.cli.show_settings import leaderboard
from audiotl_cli.cli.spread import spread
from audiotl_cli.cli.train_events import (
    EVENTS,
    BackgroundName,
    For,
    run_event_training,
)
from audiotl_cli.text import counted

if TYPE_CHECKING:
    from audiotl_cli.classifiers.trials import Runner
    from audiotl_cli.experiments.options import TrainOptions
    from audiotl_cli.workflows.train import TrainReport

EXAMPLES = (
    "Examples:  audiotl train   |   audiotl train --classifier svm --pooling vote --pca 128   |   "
    "audiotl train --for events --background quiet-nights"
)


@spread
def train(
    context: typer.Context,
    *,
    index: options.IndexFile = None,
    audio_root: options.AudioRoot = None,
    store: options.Store = None,
    extractor: options.Extractors = None,
    for_: For = "clips",
    background: BackgroundName = None,
    fitting: Fitting,
    search: options.Search = 0,
    cluster: options.Cluster = None,
    training: Training,
) -> None:
    """Train a classifier on stored features and save it."""
    from audiotl_cli.errors import UsageError
    from audiotl_cli.workflows.train import train_model

    if cluster and not search:
        raise UsageError("--cluster without --search: a single fit needs no cluster")
    chosen = train_options(fitting, training, extractor or [], store, search)
    if for_ == EVENTS:
        run_event_training(context, index, audio_root, chosen, background)
        return
    if background is not None:
        raise UsageError("--background can only be used with --for events")
    run_training(context, train_model, index, audio_root, chosen, options.fits(cluster))


def train_options(
    fitting: Fitting,
    training: Training,
    extractors: Sequence[str],
    store: str | None,
    n_settings: int,
) -> TrainOptions:
    """Return the options of a command as the workflows take them."""
    from audiotl_cli.experiments.options import TrainOptions

    return TrainOptions(
        classifier=fitting.options(),
        extractors=extractors,
        store=options.store_address(store),
        n_settings=n_settings,
        reliability=training.reliability(),
        split=training.split,
        out=training.out,
        overwrite=training.overwrite,
        memory=training.memory,
    )


def run_training(
    context: typer.Context,
    workflow: Callable[..., TrainReport],
    index: Path | None,
    audio_root: str | None,
    chosen: TrainOptions,
    fits: AbstractContextManager[Runner],
) -> None:
    """Train and save a model, print it, and suggest the next command."""
    chosen.check()
    path = options.find_index(index)
    with fits as run, output.progress("Trying settings", "fits") as update:
        report = workflow(
            options.project(),
            options.read_index(path, audio_root),
            chosen,
            run=run,
            on_fit=lambda done, total: update(done, total, 0.0),
        )
    for used in report.stores:
        output.note(f"Features {used.folder}")
    output.result(as_json(report), lambda: show(report))
    output.note(report.advice, style=None)
    out = chosen.out
    file = f" {shlex.quote(str(out))}" if out else ""
    if report.card.held_out:
        where = options.carry(context, "index", "audio_root", "store")
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
        "suspected_groups": card.suspected_groups,
    }
    if card.verdict:
        value["verdict"] = card.verdict
    value["balance"] = card.balance
    if card.balancing:
        value["balancing"] = card.balancing
    if card.calibration:
        value["calibration"] = card.calibration
    if card.rejection:
        value["rejection"] = card.rejection
    if card.search:
        value["leaderboard"] = list(card.search)
    return value


def show(report: TrainReport) -> None:
    """Print what was trained and how it was chosen."""
    from audiotl_cli.cli.show_evaluation import show_verdict

    card = report.card
    networks = " + ".join(f"{spec.name} {spec.layer}".strip() for spec in card.extractors)
    output.line(f"{report.path}", style="bold")
    if card.verdict:
        show_verdict(card.verdict["text"], card.verdict["level"])
    output.line(
        f"{card.classifier} on {networks}, pooling {card.pooling}: "
        f"{counted(card.n_clips, 'clip')}, {counted(len(card.labels), 'label')}"
    )
    if found := card.balancing:
        output.line(
            f"labels {'' if card.balance else 'not '}balanced: balanced accuracy "
            f"{found['balanced']:.3f} with, {found['plain']:.3f} without, by cross-validation on "
            "the training clips"
        )
    if card.streamed:
        output.line("trained block by block, because the frames do not fit into memory")
    output.warnings([*(spec.warning for spec in card.extractors), card.doubt])
    if card.search:
        leaderboard(card.search)
    if card.calibration:
        output.line(f"scores calibrated by {card.calibration['method']}")
    if card.rejection:
        output.line(f"rejects about {card.rejection['rate']:.1%} of recordings with a known label")
    if card.held_out:
        leading = ""
        if card.verdict and card.verdict["metric"] != "accuracy":
            name = card.verdict["metric"].replace("_", " ")
            leading = f"{name} {card.verdict['value']:.3f}, "
        output.line(
            f"{leading}accuracy {card.held_out['accuracy']:.3f} on "
            f"{card.held_out['n_clips']} held-out clips"
        )
