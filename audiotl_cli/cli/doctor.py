"""``audiotl doctor``."""

from __future__ import annotations

from dataclasses import asdict

import typer

from audiotl_cli.cli import options, output

EXAMPLES = "Example:  audiotl doctor"
STYLES = {"good": "green", "absent": "dim", "bad": "bold red"}
SIGNS = {"good": "ok", "absent": "-", "bad": "BAD"}


def doctor(
    json: options.Json = False, quiet: options.Quiet = False, debug: options.Debug = False
) -> None:
    """Try whether everything works here: libraries, decoders, networks, and the project.

    Nothing is fetched and nothing is changed. Exit code 3 if anything that should work does not.
    """
    from rich.text import Text

    from audiotl_cli.workflows.doctor import examine

    with output.progress("Examining", "checks") as update:
        findings = examine(lambda done, total: update(done, total, 0.0))

    def show() -> None:
        grid = output.table("", "what", "found", "what to do")
        for one in findings:
            sign = Text(SIGNS[one.state], style=STYLES[one.state])
            grid.add_row(sign, *map(output.clean, (one.about, one.found, one.advice)))
        output.show(grid)
        n_bad = sum(one.state == "bad" for one in findings)
        output.line(f"{n_bad} of {len(findings)} do not work" if n_bad else "All of it works.")

    output.result([asdict(one) for one in findings], show)
    if any(one.state == "bad" for one in findings):
        raise typer.Exit(3)
