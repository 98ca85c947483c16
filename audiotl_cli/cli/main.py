"""The entry point: it registers the commands, reads the settings and sets the exit code."""

from __future__ import annotations

import atexit
import gc
import json
import logging
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn, get_type_hints

import typer

from audiotl_cli import leftovers
from audiotl_cli.cli import (
    balance,
    cut,
    datasets,
    demo,
    doctor,
    evaluate,
    extract,
    index,
    label,
    listen,
    model,
    models,
    output,
    predict,
    review,
    settings,
    signals,
    similar,
    store,
    summary,
    tag,
    train,
    tune,
)
from audiotl_cli.cli.consent import consents
from audiotl_cli.cli.help_layout import lay_out
from audiotl_cli.cli.problems import check_memory, explain
from audiotl_cli.cli.signals import INTERRUPTED
from audiotl_cli.cli.streams import BROKEN_PIPE, mend_size, open_streams
from audiotl_cli.errors import LicenceError, UsageError

HELP = {"-h", "--help", "--version"}

GC_THRESHOLD = 50_000
"""New objects between two garbage collections. TensorFlow's import creates a million lasting
objects; with the default of 700, scanning them takes a third of a short command's time."""

app = typer.Typer(
    name="audiotl",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    index,
    extract,
    train,
    tune,
    evaluate,
    predict,
    tag,
    listen,
    similar,
    label,
    summary,
    review,
    cut,
    demo,
    doctor,
):
    name = command.__name__.rpartition(".")[2]
    app.command(name, epilog=command.EXAMPLES)(getattr(command, name))
app.add_typer(datasets.app, name="datasets")
app.add_typer(model.app, name="model")
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

    Run these commands in a project folder, in this order:

    [bold]audiotl index FOLDER[/bold], [bold]audiotl extract[/bold],
    [bold]audiotl train[/bold], [bold]audiotl evaluate[/bold],
    [bold]audiotl predict FILE[/bold]

    Exit codes: 0 done; 1 some inputs failed; 2 wrong usage; 3 bad data; 4 missing weights or no
    network; 5 damaged or outdated model, or untrusted program; 130 interrupted (129 by SIGHUP,
    143 by SIGTERM); 141 output closed.
    """


def main(args: list[str] | None = None) -> NoReturn:
    """Run a command line and exit with its code.

    Parameters
    ----------
    args : list of str, optional
        Without the program's name; None takes the process's own.
    """
    # Python processes that are started from here import nothing from the current folder
    os.environ["PYTHONSAFEPATH"] = "1"
    gc.set_threshold(GC_THRESHOLD)
    atexit.register(gc.freeze)  # and no collection at exit
    logger = logging.getLogger("audiotl_cli")
    handler = output.LogHandler()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    output.state = output.State()
    open_streams()
    mend_size()
    try:
        with output.own_stderr():
            arguments = sys.argv[1:] if args is None else args
            with signals.caught(arguments):
                try:
                    code = output.finish(run(arguments))
                except KeyboardInterrupt:  # at the very end
                    code = signals.stop.exit_code(INTERRUPTED)
                if code == INTERRUPTED or signals.stop.number:
                    output.ended(signals.ended(arguments, output.state.after_interrupt))
            sys.exit(code)
    finally:
        logger.removeHandler(handler)


def _options(group: Any) -> settings.Commands:
    """Return the options of every command, and whether a settings file may set them."""
    commands: dict[str, Any] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            commands[name] = _options(command)
            continue
        commands[name] = {}
        hints = get_type_hints(command.callback, include_extras=True)
        for parameter in command.params:
            flags = [flag for flag in parameter.opts if flag.startswith("--")]
            declared = getattr(hints[parameter.name], "__metadata__", ())
            from_file = next(
                (note for note in declared if isinstance(note, settings.FromFile)), settings.TYPED
            )
            for flag in flags:  # arguments have none: what a command works on is typed
                key = flag.removeprefix("--").replace("-", "_")
                commands[name][key] = settings.Option(
                    parameter.name, flag, getattr(parameter, "multiple", False), from_file
                )
    return commands


def _defaults(args: Sequence[str], group: Any) -> dict[str, Any]:
    """Read the settings; a broken file must not prevent ``--help``."""
    if not os.path.lexists(settings.FILE):  # also a link that leads nowhere
        return {}
    try:
        return settings.read_settings(settings.FILE, _options(group))
    except UsageError:
        if not args or not HELP.isdisjoint(args) or "_AUDIOTL_COMPLETE" in os.environ:
            return {}
        raise


def run(args: Sequence[str]) -> int:
    """Run a command line, report any error, and return the exit code.

    With ``--json``, an error is also written as an object to stdout, unless the command has
    already written its result.
    """
    code, message = _run(args)
    code = signals.stop.exit_code(code)
    message = f"stopped by {signals.stop.name}" if signals.stop.number else message
    asked = output.state.json or "--json" in args
    if code and asked and not output.state.answered and code != BROKEN_PIPE:
        output.write(json.dumps({"error": {"exit_code": code, "message": message}}) + "\n")
    return code


def _run(args: Sequence[str]) -> tuple[int, str]:
    try:
        if HELP.isdisjoint(args):
            check_memory()
            leftovers.sweep_temporary()
        group = typer.main.get_command(app)
        lay_out(group)
        defaults = _defaults(args, group)
        group.main(
            args=balance.with_value(args),
            prog_name="audiotl",
            default_map=defaults,
            auto_envvar_prefix="AUDIOTL",
            obj=run,  # used by `demo` to run other commands
        )
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # raised while help was printed
            return BROKEN_PIPE, ""
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
        # Typer has already shown usage errors; the message is in the context
        wrong = getattr(stop.__context__, "format_message", lambda: "")()
        return code, "interrupted" if code == INTERRUPTED else wrong
    except KeyboardInterrupt:
        return INTERRUPTED, "interrupted"
    except Exception as error:
        if isinstance(error, LicenceError) and consents(error):
            return _run(args)
        if output.state.debug:
            raise
        code, message, advice = explain(error)
        output.error(message)
        if advice:
            output.note(advice)
        return code, message
    return 0, ""
