"""What a command left out, on the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from audiotl_cli.left_out import LeftOut


def show_left_out(groups: Sequence[LeftOut], line: Callable[[str], None]) -> None:
    """Print a line for each kind of thing that was left out, and why.

    Parameters
    ----------
    groups : sequence of LeftOut
    line : callable
        Prints one line: `output.line` where this is part of the result, else `output.say`.
    """
    for group in groups:
        kind = f"{group.suffix} {group.unit}".strip()
        things = f"{group.n:,} {kind}{'' if group.n == 1 else 's'}"
        more = ", ..." if group.n > len(group.examples) else ""
        examples = f" ({', '.join(group.examples)}{more})" if group.examples else ""
        line(f"Left out: {things}: {group.reason}{examples}")
