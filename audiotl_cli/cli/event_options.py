"""The options of finding events, which ``predict`` and ``listen`` share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from audiotl_cli.cli import output, settings
from audiotl_cli.errors import UsageError
from audiotl_cli.spelling import did_you_mean

if TYPE_CHECKING:
    from audiotl_cli.inference.events import EventOptions
    from audiotl_cli.inference.model import Model

Thresholds = Annotated[
    list[str] | None,
    typer.Option(
        "--threshold",
        metavar="SCORE|LABEL=SCORE",
        help="Lowest score of an event, above 0 and at most 1, for all labels or for one, such as "
        "owl=0.7; repeat for several.  [default: what the model holds (audiotl model threshold); "
        "else 0.5, or no limit for a model of events]",
        show_default=False,
    ),
    settings.FREE,
]
WithBackground = Annotated[
    bool,
    typer.Option(
        "--with-background",
        help="Also report where there is only background.",
    ),
    settings.FREE,
]


def choose_events(
    thresholds: Sequence[str] | None, *, segments: bool, with_background: bool = False
) -> EventOptions | None:
    """Return the options of event detection, or None; raise `UsageError` for bad ones."""
    from audiotl_cli.inference.events import EventOptions

    if not segments and (thresholds or with_background):
        name = "--threshold" if thresholds else "--with-background"
        raise UsageError(f"{name} can only be used with --segments")
    if not segments:
        return None
    everywhere = [_score("--threshold", text, text) for text in thresholds or [] if "=" not in text]
    of_label = scores_of_labels("--threshold", [text for text in thresholds or [] if "=" in text])
    return EventOptions(
        everywhere[-1] if everywhere else None,
        thresholds=of_label,
        with_background=with_background,
    )


def scores_of_labels(option: str, texts: Sequence[str] | None) -> dict[str, float]:
    """Return the score of each label from texts such as ``owl=0.7``; `UsageError` for others."""
    found = {}
    for text in texts or []:
        label, separator, number = text.rpartition("=")
        if not separator or not label:
            raise UsageError(f"{option} is {text!r}; expected LABEL=SCORE, such as owl=0.7")
        found[label] = _score(option, number, text)
    return found


def one_threshold(thresholds: Sequence[str] | None) -> float | None:
    """Return the threshold of all classes of a network, whose labels have none of their own."""
    if not thresholds:
        return None
    if len(thresholds) > 1 or "=" in thresholds[0]:
        raise UsageError("with --network, --threshold is one score for all labels, such as 0.5")
    return _score("--threshold", thresholds[0], thresholds[0])


def _score(option: str, number: str, text: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise UsageError(
            f"{option} is {text!r}; expected a score above 0 and at most 1, or LABEL=SCORE, "
            "such as owl=0.7"
        )
    return value


def describe_events(model: Model, events: EventOptions) -> None:
    """Say what counts as an event; raise `UsageError` for a threshold of an unknown label."""
    for label in events.thresholds:
        if label not in model.labels:
            raise UsageError(
                f"--threshold is about {label!r}, which is none of the model's labels: "
                f"{', '.join(model.labels[:10])}{did_you_mean(label, model.labels)}"
            )
    finds = model.classifier.events
    used = model.event_options(events)
    if finds is not None:
        output.note(f"This model of events scores a frame every {finds.hop_s:g} s")
    else:
        output.note(f"Scoring {model.context_s:g} s around every step")
        if not model.classifier.backgrounds:
            output.note(
                "This model was trained on clips and knows no background, so it may find its "
                "labels everywhere; for long recordings, train one with: audiotl train --for events"
            )
    _note_thresholds(model, used)


def _note_thresholds(model: Model, used: EventOptions) -> None:
    usual = 0.0 if model.classifier.events is not None else None
    of = used.of if usual is None else lambda label: used.of(label, usual)
    found = {
        label: of(label) for label in model.labels if label not in model.classifier.backgrounds
    }
    scores = sorted(set(found.values()))
    own = set(model.card.thresholds) & set(used.thresholds) if used.threshold is None else set()
    source = f" (stored in the model for {', '.join(sorted(own))})" if own else ""
    if len(scores) == 1 and scores[0] > 0:
        output.note(f"A score of {scores[0]:g} or more counts as an event{source}")
    elif len(scores) > 1:
        shown = ", ".join(f"{label} {score:g}" for label, score in found.items() if score)
        output.note(f"Lowest scores of events: {shown}{source}")
