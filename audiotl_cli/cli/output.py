"""The one printer: results on stdout; progress, notes and errors on stderr.

Text that comes from files (names, labels) is printed as it is, never as markup.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from audiotl_cli.cli.streams import BROKEN_PIPE, lead_nowhere
from audiotl_cli.text import printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.style import StyleType
    from rich.table import Table

NARROW = 100  # columns; below, a progress line does without its bar
NUMBERS = 38  # columns that the numbers of a progress line take without one
PLAIN_EVERY_S = 10.0  # between progress lines where there is no terminal to draw a bar in


@dataclass
class State:
    """What ``--json``, ``--quiet`` and ``--debug`` were set to."""

    json: bool = False
    quiet: bool = False
    debug: bool = False
    answered: bool = False  # whether the one JSON value is out
    after_interrupt: str = ""  # what an interrupted command leaves, and how to go on


state = State()
_consoles: dict[bool, Console] = {}


def console(*, stderr: bool = False) -> Console:
    """Return the console of one of the two streams."""
    if stderr not in _consoles:
        stream = sys.stderr if stderr else sys.stdout
        # nothing is folded on its way into a file or another program
        columns = os.environ.get("COLUMNS", "")
        width = None if stream.isatty() else int(columns) if columns.isdecimal() else 200
        _consoles[stderr] = _open_console(stream, width)
    return _consoles[stderr]


def _open_console(stream: TextIO, width: int | None) -> Console:
    from rich.console import Console

    class PipeConsole(Console):
        def on_broken_pipe(self) -> None:
            lead_nowhere(stream)
            if stream is sys.stdout:  # notes may go unread, a result not
                raise SystemExit(BROKEN_PIPE)

    return PipeConsole(file=stream, width=width, highlight=False, markup=False, emoji=False)


def write(text: str) -> None:
    """Write text that is meant for programs to stdout.

    On a terminal, signs in it that would move the cursor and the like become escapes.
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
    """Return text safe to print: control characters and broken bytes become escapes."""
    return printable(text)


def result(value: Any, show: Callable[[], None] = lambda: None) -> None:
    """Give a command's result: one JSON value with ``--json``, else whatever `show` prints."""
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
    """Print a table or the like as a result."""
    console().print(renderable)


def note(text: object, style: StyleType | None = "dim") -> None:
    """Say on stderr what is being worked on; nothing with ``--quiet``."""
    if not state.quiet:
        for part in str(text).splitlines():
            console(stderr=True).print(clean(part), style=style, soft_wrap=True)


def say(text: object) -> None:
    """Say on stderr what must be on record, even with ``--quiet``."""
    console(stderr=True).print(clean(text), soft_wrap=True)


def next_command(command: str) -> None:
    """Say what to type next; see `options.carry` for what it must not forget."""
    if not state.json:
        note(f"Next: {command}", style="cyan")


def ended(text: str) -> None:
    """Say that the command was stopped, even with ``--quiet``."""
    console(stderr=True).print(text, style="yellow", soft_wrap=True)


def error(text: object) -> None:
    """Say what went wrong, even with ``--quiet``."""
    from rich.text import Text

    first, *rest = str(text).splitlines() or [""]
    message = Text.assemble(("Error: ", "bold red"), clean(first))
    console(stderr=True).print(message, soft_wrap=True)
    for part in rest:
        console(stderr=True).print(clean(part), soft_wrap=True)


def warn(text: object) -> None:
    """Say on stderr what should be looked into, even with ``--quiet``."""
    from rich.text import Text

    message = Text.assemble(("Warning: ", "bold yellow"), clean(text))
    console(stderr=True).print(message, soft_wrap=True)


def warnings(texts: Sequence[str]) -> None:
    """Print what a reader of a result must know, each text once; empty ones are left out."""
    for text in dict.fromkeys(filter(None, texts)):
        line(f"! {text}", style="yellow")


def failures(items: Sequence[tuple[str, str]], n_most: int = 20) -> None:
    """List inputs that failed, and why, on stderr, even with ``--quiet``."""
    from rich.text import Text

    for path, message in items[:n_most]:
        text = Text.assemble(("failed ", "bold red"), clean(path), ": ", clean(message))
        console(stderr=True).print(text, soft_wrap=True)
    if len(items) > n_most:
        note(f"... and {len(items) - n_most} more; --json lists all of them")


def table(*columns: str, title: str | None = None, numbers: Sequence[str] = ()) -> Table:
    """Return an empty table, whose text is printed as it is; `numbers` are set to the right."""
    from rich import box
    from rich.table import Table

    class CleanTable(Table):
        def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
            super().add_row(*map(_clean_lines, cells), **options)

    grid = CleanTable(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for column in columns:
        grid.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    return grid


def _clean_lines(cell: RenderableType | None) -> RenderableType | None:
    return "\n".join(map(clean, cell.split("\n"))) if isinstance(cell, str) else cell


def setting(chosen: Mapping[str, Any]) -> str:
    """Return a classifier's settings as one reads them."""
    params = ", ".join(
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in chosen["params"].items()
        if name != "max_iter"  # which only says how long it may take
    )
    pca = f", PCA to {chosen['pca']}" if chosen["pca"] else ""
    root = "square root of " if chosen["sqrt"] else ""
    return (
        f"{chosen['classifier']}{f' {params}' if params else ''} on {root}{chosen['pooling']}{pca}"
    )


def networks(extractors: Sequence[Mapping[str, str]]) -> str:
    """Return extractors and their layers as one reads them."""
    return " + ".join(f"{one['name']} {one['layer']}".strip() for one in extractors)


def leaderboard(tried: Sequence[Mapping[str, Any]], n_most: int = 10) -> None:
    """Print how the settings that were tried did, the one taken marked."""
    numbers = ("accuracy", "95 % interval", "lowest fold")
    grid = table("", *numbers, "extractors", "setting", numbers=numbers)
    for i, one in enumerate(tried):
        if i < n_most or one["chosen"]:
            low, high = one["interval"]
            grid.add_row(
                "*" if one["chosen"] else "",
                f"{one['accuracy']:.3f}",
                f"{low:.3f} to {high:.3f}",
                f"{min(one['accuracies']):.3f}",
                clean(networks(one["extractors"])),
                setting(one),
            )
    show(grid)
    n_folds = max(len(one["accuracies"]) for one in tried)
    n_dropped = sum(len(one["accuracies"]) < n_folds for one in tried)
    dropped = f" ({n_dropped} given up early, being clearly worse)" if n_dropped else ""
    line(
        f"{len(tried)} settings, cross-validated among the clips trained on{dropped}; * is taken: "
        "the simplest that cannot be told from the best"
    )


def duration(seconds: float) -> str:
    """Return seconds as people read them: ``4.2 s``, ``3 min 20 s``, ``5 h 02 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


@contextmanager
def progress(what: str, unit: str = "clips") -> Iterator[Callable[[int, int, float], None]]:
    """Show how far a piece of work is; the callable takes done, total, and seconds of audio."""
    if state.quiet:
        yield lambda done, total, audio_s: None
    elif console(stderr=True).is_terminal:
        with _bar(what, unit) as update:
            yield update
    else:
        yield _plain(what, unit)


@contextmanager
def _bar(what: str, unit: str) -> Iterator[Callable[[int, int, float], None]]:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    width = console(stderr=True).width
    narrow = width < NARROW
    room = max(width - NUMBERS, 8) if narrow else NARROW // 3
    name = what if len(what) <= room else f"{what[: room - 1]}…"
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
        started = time.monotonic()

        def update(done: int, total: int, audio_s: float = 0.0) -> None:
            nonlocal task
            if total == 0:
                return
            if task is None:
                task = bars.add_task(name, total=total, speed="")
            speed = audio_s / max(time.monotonic() - started, 1e-3)
            text = (
                f"{speed:.0f}x"
                if narrow
                else f"{duration(audio_s)} of audio, {speed:.0f}x real time"
            )
            text = text if audio_s else ""
            bars.update(task, completed=done, total=total, speed=text)

        yield update


def _plain(what: str, unit: str) -> Callable[[int, int, float], None]:
    started = last = time.monotonic()
    told = (0, 0)

    def update(done: int, total: int, audio_s: float = 0.0) -> None:
        nonlocal last, told
        now = time.monotonic()
        if total == 0 or (now - last < PLAIN_EVERY_S and done != total) or done == 0:
            return
        if (done, total) == told:  # of bytes, whole megabytes are told
            return
        last, told = now, (done, total)
        spent = max(now - started, 1e-3)
        text = f"{what}: {done}/{total} {unit}"
        if audio_s:
            text += f", {duration(audio_s)} of audio, {audio_s / spent:.0f}x real time"
        if done < total:
            text += f", {duration((total - done) * spent / done)} left"
        note(text, style=None)

    return update


class LogHandler(logging.Handler):
    """Shows what the package logs: information as notes, the rest as warnings."""

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.levelno >= logging.WARNING:
            warn(text)
        else:
            note(text, style=None)


def finish(code: int) -> int:
    """Bring out what is left to be written, and return the exit code after that."""
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
    """Keep native libraries from writing across the screen.

    Decoders and TensorFlow write to file descriptor 2. For the length of a command it
    leads nowhere, while Python's own stderr goes on a private copy of it. ``--debug``
    gives it back, see `release_stderr`.
    """
    try:
        copy = os.dup(2)
    except OSError:  # there is no stderr
        yield
        return
    python_stderr = sys.stderr
    encoding = getattr(python_stderr, "encoding", None) or "utf-8"
    own = os.fdopen(copy, "w", buffering=1, encoding=encoding, errors="backslashreplace")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
    sys.stderr = own
    _consoles.clear()
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
        _consoles.clear()


def release_stderr() -> None:
    """Let native libraries write to stderr again."""
    os.dup2(sys.stderr.fileno(), 2)
