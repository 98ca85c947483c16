"""``audiotl train --for events``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from audiotl_cli.cli import options, output, settings
from audiotl_cli.errors import UsageError
from audiotl_cli.text import counted

if TYPE_CHECKING:
    from audiotl_cli.experiments.options import TrainOptions
    from audiotl_cli.workflows.train_events import EventTrainReport

EVENTS = "events"

For = Annotated[
    Literal["clips", "events"],
    typer.Option(
        "--for",
        help="What the model is for: labels of whole clips; or events, to find with predict "
        "--segments where in long recordings each label occurs.",
    ),
    settings.FREE,
]
BackgroundName = Annotated[
    str | None,
    typer.Option(
        "--background",
        metavar="LABEL|DIR",
        help="With --for events: a label of the index, or a folder of recordings, in which there "
        "is nothing to find.  [default: a label called background, noise or silence; else what "
        "lies between annotations; else the quiet parts of the clips]",
    ),
    settings.TYPED,
]

UNUSED = (
    "classifier", "pooling", "pca", "scale", "root", "combine", "balance", "param", "calibrate",
    "reject", "search", "cluster",
)  # fmt: skip
"""Options that a model of events has no use for."""


def run_event_training(
    context: typer.Context,
    index: Path | None,
    audio_root: str | None,
    chosen: TrainOptions,
    background: str | None,
) -> None:
    """Train and save a model of events, print it, and suggest the next command."""
    from audiotl_cli.workflows.train_events import EventTraining, train_events

    if unused := options.typed(context, *UNUSED):
        raise UsageError(
            f"{', '.join(unused)} cannot be combined with --for events, whose classifier is "
            "always a logistic regression of frames"
        )
    path = options.find_index(index)
    with output.progress("Reading clips", "clips") as update:
        report = train_events(
            options.project(),
            options.read_index(path, audio_root),
            EventTraining(chosen, background),
            on_clip=lambda done, total: update(done, total, 0.0),
        )
    for used in report.stores:
        output.note(f"Features {used.folder}")
    output.result(as_json(report), lambda: show(report))
    if report.failures:
        output.failures([tuple(text.split(": ", 1)) for text in report.failures])  # type: ignore[misc]
    out = f" --model {shlex.quote(str(chosen.out))}" if chosen.out else ""
    output.next_command(f"audiotl predict FILE --segments{out}")
    if report.failures:
        raise typer.Exit(1)


def as_json(report: EventTrainReport) -> dict[str, Any]:
    """Return what ``--json`` prints of a model of events."""
    card, settings_ = report.card, report.settings
    value: dict[str, Any] = {
        "model": str(report.path),
        "for": EVENTS,
        "classifier": card.classifier,
        "extractors": [spec.name for spec in card.extractors],
        "weights": [spec.weights for spec in card.extractors],
        "licences": [spec.licence for spec in card.extractors],
        "pooling": card.pooling,
        "n_clips": card.n_clips,
        "labels": list(card.labels),
        "held_out": card.held_out,
        "suspected_groups": card.suspected_groups,
        "background": {
            "label": settings_.background,
            "origin": settings_.origin,
            "seconds": round(settings_.background_s, 3),
            "n_mixed": settings_.n_mixed,
        },
        "hop_s": settings_.hop_s,
        "switch_cost": settings_.switch_cost,
        "frames": None if report.score is None else vars(report.score),
        "failures": report.failures,
    }
    if card.verdict:
        value["verdict"] = card.verdict
    return value


def show(report: EventTrainReport) -> None:
    """Print what was trained, on which background, and how good it is."""
    card, found = report.card, report.settings
    networks = " + ".join(f"{spec.name} {spec.layer}".strip() for spec in card.extractors)
    output.line(f"{report.path}", style="bold")
    output.line(
        f"Finds events: {card.classifier} on frames of {networks}, "
        f"{counted(card.n_clips, 'clip')}, {counted(len(card.labels), 'label')}, "
        f"a frame every {found.hop_s:g} s"
    )
    if found.background_s:
        output.line(
            f"Background: {found.background_s:.0f} s of {found.origin}, also mixed under a copy "
            f"of {counted(found.n_mixed, 'clip')}"
        )
    else:
        output.warn(
            f"The background is {found.origin} alone, so many events in other sounds will be "
            "missed or made up; give a label or a folder of recordings in which there is "
            "nothing to find with --background"
        )
    if report.score is not None:
        output.line(
            f"Held-out frames: {report.score.balanced_accuracy:.1%} recognised, the mean over the "
            f"labels and the background, by {report.score.n_folds}-fold cross-validation"
        )
    output.warnings([*(spec.warning for spec in card.extractors), card.doubt])
    if card.held_out:
        output.line(
            f"Held-out clips: the label heard most is right for {card.held_out['accuracy']:.1%} of "
            f"{card.held_out['n_clips']}; how well events are found in recordings is not measured"
        )
