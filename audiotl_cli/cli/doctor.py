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
        findings = examine(options.project(), lambda done, total: update(done, total, 0.0))

    def show() -> None:
        grid = output.table("", "what", "found", "what to do")
        for finding in findings:
            sign = Text(SIGNS[finding.state], style=STYLES[finding.state])
            cells = (finding.about, finding.found, finding.advice)
            grid.add_row(sign, *map(output.clean, cells))
        output.show(grid)
        n_bad = sum(finding.state == "bad" for finding in findings)
        output.line(f"{n_bad} of {len(findings)} do not work" if n_bad else "All of it works.")

    output.result([asdict(finding) for finding in findings], show)
    if any(finding.state == "bad" for finding in findings):
        raise typer.Exit(3)
