"""``audiotl doctor``."""

from __future__ import annotations

from dataclasses import asdict

import typer

from audiotl_cli.cli import options, output
from audiotl_cli.cli.spread import spread

EXAMPLES = "Example:  audiotl doctor"
STYLES = {"good": "green", "absent": "dim", "bad": "bold red"}
SIGNS = {"good": "ok", "absent": "-", "bad": "BAD"}


@spread
def doctor() -> None:
    """Check that everything works on this machine: libraries, decoders, networks and the project.

    Downloads and changes nothing. The exit code is 3 if a check fails.
    """
    from rich.text import Text

    from audiotl_cli.workflows.doctor import examine

    with output.progress("Examining", "checks") as update:
        findings = examine(options.project(), lambda done, total: update(done, total, 0.0))

    def show() -> None:
        grid = output.table("", "check", "found", "what to do")
        for finding in findings:
            sign = Text(SIGNS[finding.state], style=STYLES[finding.state])
            grid.add_row(sign, *map(output.clean, (finding.about, finding.found, finding.advice)))
        output.show(grid)
        n_bad = sum(finding.state == "bad" for finding in findings)
        output.line(f"{n_bad} of {len(findings)} checks failed" if n_bad else "All checks passed.")

    output.result([asdict(finding) for finding in findings], show)
    if any(finding.state == "bad" for finding in findings):
        raise typer.Exit(3)
