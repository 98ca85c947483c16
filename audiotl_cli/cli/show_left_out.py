"""What a command left out, on the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from audiotl_cli.cli import output
from audiotl_cli.left_out import SYSTEM_FILE, LeftOut


def show_left_out(groups: Sequence[LeftOut], line: Callable[[str], None]) -> None:
    """Print a line for each kind of thing that was left out, and why.

    Parameters
    ----------
    groups : sequence of LeftOut
    line : callable
        Prints a line: `output.line` where this is part of the result, else `output.say`. System
        files are a note.
    """
    for group in groups:
        more = ", ..." if group.n > len(group.examples) else ""
        examples = ", ".join(map(output.clean, group.examples))
        text = f"{group.counted}: {group.reason} ({examples}{more})"
        if group.unit == SYSTEM_FILE:
            output.note(f"Left out: {text}")
        else:
            line(f"Left out: {text}")
