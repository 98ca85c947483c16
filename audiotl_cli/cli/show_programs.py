"""Show the extractor programs that a model or a feature store needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from audiotl_cli.cli import output

if TYPE_CHECKING:
    from audiotl_cli.extractors.trusted import Program


def show_programs(holder: object, programs: Sequence[Program]) -> None:
    """Print the programs that a file's extractors load and run, and whether they are trusted.

    Parameters
    ----------
    holder : object
        The model file, or the store's folder.
    programs : sequence of Program
    """
    for program in programs:
        if program.problem:
            output.line(f"! {holder} needs {program.name}: {program.problem}", style="yellow")
            continue
        output.line(
            f"! Embedding recordings for {holder} runs the program {program.name}: "
            f"{program.source}",
            style="yellow",
        )
        state = "trusted on this machine" if program.trusted else "NOT trusted on this machine"
        output.line(f"  SHA-256 {program.sha256}, {state}")
