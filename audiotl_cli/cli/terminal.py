"""Talk with the person at the terminal: questions, answers, and what is being done meanwhile.

Nothing else in this program reads from a terminal. Python's own ``input`` shows its question on
file descriptor 2, which leads nowhere while a command runs (`output.own_stderr`).
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from audiotl_cli.cli import output

INDENT = "   "

OnStep = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and of how much; 0 and 0 where that is
not known."""


def is_interactive() -> bool:
    """Return whether somebody can see questions and type answers."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def read_line(question: str) -> str | None:
    """Show a question on stdout and return the answer.

    Where answers come from a file or a pipe, each is shown after its question, as if it had been
    typed.

    Returns
    -------
    answer : str or None
        Without the spaces around it; None at the end of the input.
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
    """Show a remark on stdout, indented, its lines broken between words."""
    for line in wrapped(text, INDENT).splitlines():
        output.line(line, style)


def wrapped(text: str, indent: str = "") -> str:
    """Return text with its lines broken between words, to fit the terminal."""
    width = max(output.console().width - 1, len(indent) + 10)
    return textwrap.fill(output.clean(text), width, initial_indent=indent, subsequent_indent=indent)


def forget_typed() -> None:
    """Drop what was typed before the question it would answer could be seen."""
    if not sys.stdin.isatty():
        return
    try:
        import termios
    except ImportError:  # Windows
        return
    termios.tcflush(sys.stdin, termios.TCIFLUSH)


@contextmanager
def steps() -> Iterator[OnStep]:
    """Show which step of a piece of work is being done, on stderr; nothing with ``--quiet``.

    In a terminal, it is one line with the time the step has taken, which vanishes at the end;
    elsewhere each step is a line.
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
                # at once: a step that keeps the interpreter busy leaves no time for it later
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
