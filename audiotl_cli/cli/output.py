"""Print results to stdout, and progress, notes and errors to stderr.

Text from files, such as names and labels, is never interpreted as markup.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from audiotl_cli.cli.pace import Pace
from audiotl_cli.cli.streams import BROKEN_PIPE, lead_nowhere
from audiotl_cli.text import printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.style import StyleType
    from rich.table import Table

NARROW = 100  # columns; narrower progress lines have no bar
NUMBERS = 38  # columns taken by the numbers of a progress line without a bar
PLAIN_EVERY_S = 10.0  # between progress lines when stderr is not a terminal


@dataclass
class State:
    """The values of ``--json``, ``--quiet`` and ``--debug``, and what was printed."""

    json: bool = False
    quiet: bool = False
    debug: bool = False
    answered: bool = False  # whether the single JSON value was written
    after_interrupt: str = ""  # what an interrupted command keeps, and how to continue


state = State()
consoles: dict[bool, Console] = {}


def console(*, stderr: bool = False) -> Console:
    """Return the console of stdout or stderr."""
    if stderr not in consoles:
        stream = sys.stderr if stderr else sys.stdout
        # output to a file or another program is not wrapped
        columns = os.environ.get("COLUMNS", "")
        width = None if stream.isatty() else int(columns) if columns.isdecimal() else 200
        consoles[stderr] = _open_console(stream, width)
    return consoles[stderr]


def _open_console(stream: TextIO, width: int | None) -> Console:
    from rich.console import Console

    class PipeConsole(Console):
        def on_broken_pipe(self) -> None:
            lead_nowhere(stream)
            if stream is sys.stdout:  # unread notes do not matter, unread results do
                raise SystemExit(BROKEN_PIPE)

    return PipeConsole(file=stream, width=width, highlight=False, markup=False, emoji=False)


def write(text: str) -> None:
    """Write text for other programs to stdout.

    On a terminal, control characters are escaped.
    """
    if sys.stdout.isatty():
        text = "".join(char if char in "\n\r\t" else clean(char) for char in text)
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError as error:
        lead_nowhere(sys.stdout)
        raise SystemExit(BROKEN_PIPE) from error


def clean(text: object) -> str:
    """Return text that is safe to print: control characters and invalid bytes are escaped."""
    return printable(text)


def result(value: Any, show: Callable[[], None] = lambda: None) -> None:
    """Print a command's result: a JSON value with ``--json``, else whatever `show` prints."""
    if state.json:
        text = json.dumps(value, allow_nan=False) + "\n"
        state.answered = True
        write(text)
    else:
        show()


def line(text: object, style: StyleType | None = None) -> None:
    """Print a line of a result."""
    console().print(clean(text), style=style, soft_wrap=True)


def show(renderable: RenderableType) -> None:
    """Print a table or the like as a result, without optional columns that have no room."""
    from rich.measure import Measurement

    screen = console()
    unlimited = screen.options.update(max_width=10_000)
    for name in getattr(renderable, "left_out_first", ()):
        if Measurement.get(screen, unlimited, renderable).minimum <= screen.width:
            break
        renderable = _without(renderable, name)
    screen.print(renderable)


def _without(grid: Any, name: str) -> Table:
    """Return a table without a column."""
    kept = [column for column in grid.columns if column.header != name]
    numbers = [column.header for column in kept if column.justify == "right"]
    smaller = table(*(column.header for column in kept), title=grid.title, numbers=numbers)
    for cells in zip(*(column.cells for column in kept), strict=True):
        smaller.add_row(*cells)
    return smaller


def note(text: object, style: StyleType | None = "dim") -> None:
    """Print a note to stderr, unless ``--quiet`` is set."""
    if not state.quiet:
        for part in str(text).splitlines():
            console(stderr=True).print(clean(part), style=style, soft_wrap=True)


def say(text: object) -> None:
    """Print text to stderr that must be recorded, even with ``--quiet``."""
    console(stderr=True).print(clean(text), soft_wrap=True)


def next_command(command: str) -> None:
    """Suggest the next command; `options.carry` returns the options to repeat in it."""
    if not state.json:
        note(f"Next: {command}", style="cyan")


def ended(text: str) -> None:
    """Print that the command was stopped, even with ``--quiet``."""
    console(stderr=True).print(text, style="yellow", soft_wrap=True)


def error(text: object) -> None:
    """Print an error message, even with ``--quiet``."""
    from rich.text import Text

    first, *more = str(text).splitlines() or [""]
    message = Text.assemble(("Error: ", "bold red"), clean(first))
    console(stderr=True).print(message, soft_wrap=True)
    for part in more:
        console(stderr=True).print(clean(part), soft_wrap=True)


def warn(text: object) -> None:
    """Print a warning to stderr, even with ``--quiet``."""
    from rich.text import Text

    message = Text.assemble(("Warning: ", "bold yellow"), clean(text))
    console(stderr=True).print(message, soft_wrap=True)


def warnings(texts: Sequence[str]) -> None:
    """Print warnings as part of a result, without duplicates and empty texts."""
    for text in dict.fromkeys(filter(None, texts)):
        line(f"! {text}", style="yellow")


def failures(items: Sequence[tuple[str, str]], n_most: int = 20) -> None:
    """List the failed inputs and their errors on stderr, even with ``--quiet``."""
    from rich.text import Text

    for path, message in items[:n_most]:
        text = Text.assemble(("failed ", "bold red"), clean(path), ": ", clean(message))
        console(stderr=True).print(text, soft_wrap=True)
    if len(items) > n_most:
        note(f"... and {len(items) - n_most} more; use --json to list all of them")


def table(
    *columns: str,
    title: str | None = None,
    numbers: Sequence[str] = (),
    optional: Sequence[str] = (),
) -> Table:
    """Return an empty table without markup.

    Parameters
    ----------
    *columns : str
    title : str, optional
    numbers : sequence of str
        Columns that are aligned to the right, and whose cells are never broken.
    optional : sequence of str
        Columns that `show` leaves out, the first of these first, while words would be broken.
    """
    from rich import box
    from rich.table import Table

    class CleanTable(Table):
        left_out_first = tuple(optional)

        def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
            for column, cell in zip(self.columns, cells, strict=False):
                if column.justify == "right" and isinstance(cell, str):
                    column.min_width = max(column.min_width or 0, len(cell))
            super().add_row(*map(_clean_lines, cells), **options)

    grid = CleanTable(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for column in columns:
        longest = max(map(len, column.split()), default=0)
        if column in numbers:
            grid.add_column(column, justify="right", overflow="fold", min_width=longest)
        else:
            grid.add_column(column, overflow="fold")
    return grid


def _clean_lines(cell: RenderableType | None) -> RenderableType | None:
    return "\n".join(map(clean, cell.split("\n"))) if isinstance(cell, str) else cell


@contextmanager
def progress(task_name: str, unit: str = "clips") -> Iterator[Callable[[int, int, float], None]]:
    """Show progress; the callable takes the work done, the total, and seconds of audio."""
    if state.quiet:
        yield lambda done, total, audio_s: None
    elif console(stderr=True).is_terminal:
        with _bar(task_name, unit) as update:
            yield update
    else:
        yield _plain(task_name, unit)


@contextmanager
def _bar(task_name: str, unit: str) -> Iterator[Callable[[int, int, float], None]]:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    width = console(stderr=True).width
    narrow = width < NARROW
    room = max(width - NUMBERS, 8) if narrow else NARROW // 3
    name = task_name if len(task_name) <= room else f"{task_name[: room - 1]}…"
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        *(() if narrow else (BarColumn(bar_width=None),)),
        TextColumn("{task.completed:.0f}/{task.total:.0f} " + unit),
        TextColumn("{task.fields[speed]}", style="green"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=console(stderr=True), transient=True) as bars:
        task = None
        pace = Pace()

        def update(done: int, total: int, audio_s: float = 0.0) -> None:
            nonlocal task
            if total == 0:
                return
            if task is None:
                task = bars.add_task(name, total=total, speed="")
            pace.add(done, total, audio_s)
            speed = pace.speed if narrow else ", ".join(pace.words)
            bars.update(task, completed=done, total=total, speed=speed)

        yield update


def _plain(task_name: str, unit: str) -> Callable[[int, int, float], None]:
    last = time.monotonic()
    reported = (0, 0)
    pace = Pace()

    def update(done: int, total: int, audio_s: float = 0.0) -> None:
        nonlocal last, reported
        now = time.monotonic()
        pace.add(done, total, audio_s)
        if total == 0 or (now - last < PLAIN_EVERY_S and done != total) or done == 0:
            return
        if (done, total) == reported:  # bytes are reported in whole megabytes
            return
        last, reported = now, (done, total)
        text = ", ".join([f"{task_name}: {done}/{total} {unit}", *pace.words])
        note(f"{text}, {pace.left}" if pace.left else text, style=None)

    return update


class LogHandler(logging.Handler):
    """Prints log records of the package: INFO and below as notes, others as warnings.

    A note that repeats the one before, as of an index that is read twice, is printed once.
    """

    _last = ""

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.levelno >= logging.WARNING:
            warn(text)
        elif text != self._last:
            note(text, style=None)
        self._last = text


def finish(code: int) -> int:
    """Flush stdout, and return the exit code, which may change if that fails."""
    try:
        sys.stdout.flush()
    except OSError as problem:
        lead_nowhere(sys.stdout)
        if isinstance(problem, BrokenPipeError):
            return BROKEN_PIPE
        if not code:
            error(f"stdout: {problem.strerror}")
        return code or 3
    return code


@contextmanager
def own_stderr() -> Iterator[None]:
    """Keep native libraries from writing to the terminal.

    Decoders and TensorFlow write to file descriptor 2. During a command, it is redirected to the
    null device, while Python's stderr uses a private copy of it. ``--debug`` restores it, see
    `release_stderr`.
    """
    try:
        copy = os.dup(2)
    except OSError:  # stderr is closed
        yield
        return
    python_stderr = sys.stderr
    encoding = getattr(python_stderr, "encoding", None) or "utf-8"
    own = os.fdopen(copy, "w", buffering=1, encoding=encoding, errors="backslashreplace")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
    sys.stderr = own
    consoles.clear()
    try:
        yield
    finally:
        try:
            own.flush()
        except OSError:
            lead_nowhere(own)
        os.dup2(copy, 2)
        sys.stderr = python_stderr
        own.close()
        consoles.clear()


def release_stderr() -> None:
    """Let native libraries write to stderr again."""
    os.dup2(sys.stderr.fileno(), 2)
