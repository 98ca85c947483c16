"""The entry point: the commands, the settings, and what an exit code means."""

from __future__ import annotations

import errno
import logging
import os
import sys
from typing import Annotated, Any, NoReturn

import typer

from audiotl_cli.cli import (
    demo,
    evaluate,
    extract,
    index,
    models,
    output,
    predict,
    settings,
    store,
    train,
)
from audiotl_cli.errors import AudiotlError

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

app = typer.Typer(
    name="audiotl",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (index, extract, train, evaluate, predict, demo):
    name = command.__name__.rpartition(".")[2]
    app.command(name, epilog=command.EXAMPLES)(getattr(command, name))
app.add_typer(models.app, name="models")
app.add_typer(store.app, name="store")


def _version(value: bool) -> None:
    if value:
        from audiotl_cli import __version__

        typer.echo(f"audiotl {__version__}")
        raise typer.Exit


@app.callback()
def audiotl(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Turn a folder of recordings into a working audio classifier, on an ordinary CPU.

    In a project folder, one after the other:

    [bold]audiotl index FOLDER[/bold], [bold]audiotl extract[/bold],
    [bold]audiotl train[/bold], [bold]audiotl evaluate[/bold],
    [bold]audiotl predict FILE[/bold]

    Exit codes: 0 done; 1 some inputs failed; 2 wrong usage; 3 bad data; 4 weights or
    network missing; 5 model not trusted; 130 interrupted.
    """


def main(args: list[str] | None = None) -> NoReturn:
    """Run a command line and exit with its code.

    Parameters
    ----------
    args : list of str, optional
        Without the program's name; None takes the process's own.
    """
    logger = logging.getLogger("audiotl_cli")
    handler = output.LogHandler()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    output.state = output.State()
    try:
        with output.own_stderr():
            sys.exit(run(args))
    finally:
        logger.removeHandler(handler)


def _options(group: Any) -> dict[str, set[str]]:
    """Return the names of every command's options, and keep variables out of the help."""
    for parameter in group.params:
        parameter.show_envvar = False
    options: dict[str, set[str]] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            _options(command)
        for parameter in command.params:
            parameter.show_envvar = False
        options[name] = {parameter.name for parameter in command.params}
    return options


def run(args: list[str] | None) -> int:
    """Run a command line, show what went wrong, and return its exit code."""
    try:
        group = typer.main.get_command(app)
        options = _options(group)
        defaults = settings.read_settings(settings.FILE, options)
        group.main(
            args=args, prog_name="audiotl", default_map=defaults, auto_envvar_prefix="AUDIOTL"
        )
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        if code == 130:
            output.note("Interrupted; the same command goes on where it stopped.", style="yellow")
        return code
    except AudiotlError as error:
        if output.state.debug:
            raise
        output.error(error)
        return error.exit_code
    except OSError as error:
        if output.state.debug:
            raise
        where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        output.error(f"{where}{error.strerror or error}")
        if error.errno in NO_ROOM:
            output.note("Make room; what was finished is kept, and the same command goes on there.")
        return 3
    except Exception as error:
        if output.state.debug:
            raise
        output.error(f"{type(error).__name__}: {error}")
        output.note("This should not happen; --debug shows where it did.")
        return 70
    return 0
