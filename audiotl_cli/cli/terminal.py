"""Ask questions in the terminal, and show the steps of longer work.

Python's ``input`` cannot be used: it writes its prompt to file descriptor 2, which is redirected
to the null device while a command runs (`output.own_stderr`).
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from audiotl_cli.cli import output

INDENT = "   "

OnStep = Callable[[str, int, int], None]
"""Called with the name of a step, the work done and the total; both are 0 if unknown."""


def is_interactive() -> bool:
    """Return whether a user can see questions and type answers."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def read_line(question: str) -> str | None:
    """Show a question on stdout and return the answer.

    Answers from a file or a pipe are printed after their questions, as if they were typed.

    Returns
    -------
    answer : str or None
        Stripped of whitespace; None at the end of the input.
    """
    output.write(output.clean(question.rstrip()) + " ")
    answer = sys.stdin.readline()
    if not answer:
        output.write("\n")
        return None
    if not sys.stdin.isatty():
        output.write(output.clean(answer.strip()) + "\n")
    return answer.strip()


def say(text: str, style: str | None = None) -> None:
    """Print indented and wrapped text to stdout."""
    for line in wrapped(text, INDENT).splitlines():
        output.line(line, style)


def wrapped(text: str, indent: str = "") -> str:
    """Return text wrapped to the width of the terminal."""
    width = max(output.console().width - 1, len(indent) + 10)
    return textwrap.fill(output.clean(text), width, initial_indent=indent, subsequent_indent=indent)


def forget_typed() -> None:
    """Discard keys that were typed before the question was shown."""
    if not sys.stdin.isatty():
        return
    try:
        import termios
    except ImportError:  # Windows
        return
    termios.tcflush(sys.stdin, termios.TCIFLUSH)


@contextmanager
def steps() -> Iterator[OnStep]:
    """Show the current step of longer work on stderr, unless ``--quiet`` is set.

    In a terminal, a single line with the elapsed time is shown and removed at the end; elsewhere,
    each step is printed as a line.
    """
    console = output.console(stderr=True)
    if output.state.quiet:
        yield lambda step, done, total: None
    elif not console.is_terminal:
        yield _as_lines()
    else:
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.table import Column

        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", table_column=Column(no_wrap=True, ratio=1)),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=console, transient=True, expand=True) as shown:
            task = shown.add_task("Starting")

            def show(step: str, done: int, total: int) -> None:
                share = f" {done / total:.0%}" if total else ""
                # refresh now, because a busy step may not let the display refresh later
                shown.update(task, description=f"{output.clean(step)}{share}", refresh=True)

            yield show


def _as_lines() -> OnStep:
    last = ""

    def show(step: str, done: int, total: int) -> None:
        nonlocal last
        if step != last:
            last = step
            output.note(step)

    return show
