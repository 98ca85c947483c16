"""``audiotl demo``."""

from __future__ import annotations

import typer

from audiotl_cli.cli import options, output

EXAMPLES = "Example:  audiotl demo"


def demo(
    context: typer.Context, quiet: options.Quiet = False, debug: options.Debug = False
) -> None:
    """Synthesise recordings of ten kinds of sounds, and run the five main commands on them."""
    from audiotl_cli.workflows.demo import NETWORK, make_demo_sounds

    output.note("Synthesising recordings of ten kinds of sounds ...", style=None)
    made = make_demo_sounds(options.project())
    if made.n_written:
        output.line(f"{made.n_written} recordings written to {made.sounds} and {made.unseen}")
    else:
        output.line(f"the recordings in {made.sounds} already exist")
    commands = (
        ["index", str(made.sounds)],
        ["extract", "--extractor", NETWORK],
        ["train"],
        ["evaluate"],
        ["predict", str(made.unseen), "--top-k", "2"],
    )
    passed_on = [*(["--quiet"] if quiet else []), *(["--debug"] if debug else [])]
    for command in commands:
        output.line("")
        output.line(f"$ audiotl {' '.join(command)}", style="bold cyan")
        code = context.obj([*command, *passed_on])
        if code:
            raise typer.Exit(code)
    output.line("")
    output.next_command("audiotl index FOLDER, where FOLDER has recordings of your own")
