"""Options of the commands that read detections."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from audiotl_cli.cli import options, settings
from audiotl_cli.errors import UsageError
from audiotl_cli.storage.paths import any_path

if TYPE_CHECKING:
    from audiotl_cli.review.choosing import Choice
    from audiotl_cli.review.detections import DetectionOptions

Sources = Annotated[
    list[Path],
    typer.Argument(
        metavar="DETECTIONS",
        parser=options.path,
        help="Files that audiotl predict --segments wrote, annotations, or folders of label "
        "tracks.",
    ),
]


@dataclass(frozen=True)
class Chosen:
    """Options that say which detections to take."""

    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="LABEL", help="Take this label only; repeat for several."),
        settings.FREE,
    ] = None
    select: Annotated[
        Literal["random", "best", "uncertain", "even"],
        typer.Option(
            "--select",
            help="Which detections to take first: at random, the best scores, those near 0.5, or "
            "evenly over scores.",
        ),
        settings.FREE,
    ] = "random"
    min_score: Annotated[
        float | None,
        typer.Option("--min-score", help="Take scores from this one on."),
        settings.FREE,
    ] = None
    max_score: Annotated[
        float | None,
        typer.Option("--max-score", help="Take scores up to this one."),
        settings.FREE,
    ] = None
    audio_root: Annotated[
        str | None,
        typer.Option(
            "--audio-root",
            parser=options.address,
            metavar="FOLDER|URL",
            help="Folder of the recordings, if they are elsewhere than the detections say.",
        ),
        settings.INSIDE,
    ] = None
    seed: options.Seed = 0

    def wanted(self) -> DetectionOptions:
        """Return which detections to read.

        Raises
        ------
        UsageError
            The lowest score is above the highest.
        """
        from audiotl_cli.review.detections import DetectionOptions

        low, high = self.min_score, self.max_score
        if low is not None and high is not None and low > high:
            raise UsageError(f"--min-score is {low:g}, above --max-score {high:g}")
        root = any_path(self.audio_root) if self.audio_root else None
        return DetectionOptions(root, tuple(self.label or ()), low, high)

    def choice(self) -> Choice:
        """Return which detections come first."""
        from audiotl_cli.review.choosing import Choice

        return Choice(self.select, self.seed)
