"""``audiotl tag``."""

from __future__ import annotations

from typing import Annotated

import typer

from audiotl_cli.cli import options, output, settings
from audiotl_cli.cli.predict_files import predict_files, predict_stdin
from audiotl_cli.cli.predict_request import PredictRequest, ready_events
from audiotl_cli.cli.predicted_files import choose_writer
from audiotl_cli.cli.prediction_options import Format, Inputs, Output, Segments, StdinAudio
from audiotl_cli.cli.ready import Ready
from audiotl_cli.cli.spread import spread
from audiotl_cli.errors import UsageError

EXAMPLES = (
    "Examples:  audiotl tag file.wav   |   audiotl tag ~/new --network birdnet --lat 52.5 "
    "--lon 13.4 --week 18 --segments --output birds.csv   |   "
    "audiotl tag file.wav --labels wanted.txt --top-k 10"
)


@spread
def tag(
    inputs: Inputs = None,
    *,
    ready: Ready,
    top_k: Annotated[
        int | None,
        typer.Option(min=1, help="Number of labels per recording, in every format.  [default: 5]"),
        settings.FREE,
    ] = None,
    segments: Segments = False,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Lowest score of a label, or of an event with --segments; above 0, at most 1.  "
            "[default: 0.25]",
        ),
        settings.FREE,
    ] = None,
    format_: Format = None,
    to: Output = None,
    overwrite: options.Overwrite = False,
    stdin_audio: StdinAudio = False,
    workers: options.Workers = None,
) -> None:
    """Label recordings with a network's own classes, without any training."""
    if bool(inputs) == stdin_audio:
        raise UsageError(
            "recordings and --stdin-audio cannot be combined; give only one of them"
            if inputs
            else "nothing to label: name recordings or folders, or give - (a list on stdin) or "
            "--stdin-audio"
        )
    chosen = ready.choose(threshold=threshold, top_k=top_k, segments=segments)
    request = PredictRequest(
        model=None,
        ready=chosen,
        accept_licence=ready.accept_licence,
        kind=choose_writer(format_, to),
        to=to,
        overwrite=overwrite,
        events=ready_events(chosen, segments=segments),
        top_k=chosen.top_k,
        workers=workers,
        json=output.state.json,
    )
    if stdin_audio:
        predict_stdin(request)
    else:
        predict_files(request, inputs or [])
