"""Settings: defaults, then ``audiotl.toml``, then ``AUDIOTL_*``, then flags.

Each table in ``audiotl.toml`` is a command, and each key is one of its options::

    [extract]
    extractor = ["musicnn", "mfcc"]
    workers = 2

    [store.import]
    split = "test"

The same setting as an environment variable: ``AUDIOTL_EXTRACT_WORKERS=2``.

The file may come from a stranger, together with its folder. So each option declares whether the
file may set it (`FREE`, `INSIDE`, `TYPED`, or a `FromFile` of its own)::

    Annotated[int, typer.Option(help="..."), settings.FREE]
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from audiotl_cli.errors import UsageError
from audiotl_cli.files import read_regular
from audiotl_cli.spelling import did_you_mean

FILE = Path("audiotl.toml")
MAX_BYTES, MAX_LINE = 64 << 10, 2000
"""The time of reading TOML grows with the square of the dots in a key, which is on one line."""


@dataclass(frozen=True)
class FromFile:
    """Whether the settings file may set an option.

    Parameters
    ----------
    refusal : callable
        Takes a value, and returns why a file may not set it; empty if it may.
    """

    refusal: Callable[[object], str]


def _leaves_the_folder(value: object) -> str:
    if not isinstance(value, str):
        return "may only have text as its value"
    parts = {*PurePosixPath(value).parts, *PureWindowsPath(value).parts}
    absolute = PurePosixPath(value).is_absolute() or PureWindowsPath(value).anchor
    if absolute or ".." in parts or value.startswith("~") or re.match(r"[\w+.-]+:", value):
        return "may only name paths inside its own folder"
    return ""


FREE = FromFile(lambda value: "")
"""Changes only numbers or the format of a result."""

INSIDE = FromFile(_leaves_the_folder)
"""Names a file or folder, which must be inside the folder of the settings file."""

TYPED = FromFile(lambda value: "may not run code, open connections, or write, move or delete files")
"""Runs code, opens connections, or chooses files to write, move, label or delete."""


@dataclass(frozen=True)
class Option:
    """An option as a file can set it.

    Parameters
    ----------
    name : str
        Of the parameter it sets.
    flag : str
        As it is typed.
    repeatable : bool
        Whether it takes a list.
    from_file : FromFile
    """

    name: str
    flag: str
    repeatable: bool
    from_file: FromFile


Options = Mapping[str, Option]
Commands = Mapping[str, "Options | Commands"]


def read_settings(path: Path, commands: Commands) -> dict[str, Any]:
    """Read the settings file of a project.

    Parameters
    ----------
    path : Path
        A missing file is an empty one.
    commands : mapping
        The options of every command by name; commands of commands one level down.

    Returns
    -------
    defaults : dict
        Of every command named in the file, by parameter.

    Raises
    ------
    UsageError
        The file is no TOML, names a command or option that does not exist, or sets what only
        the user may.
    """
    try:
        text = read_regular(path, MAX_BYTES).decode("utf-8")
        if max(map(len, text.split("\n"))) > MAX_LINE:
            raise ValueError(f"it has a line of more than {MAX_LINE} characters")
        content = tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    return _of_commands(path, content, commands, "")


def _of_commands(
    path: Path, content: dict[str, Any], commands: Commands, above: str
) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for name, table in content.items():
        full = f"{above}.{name}" if above else name
        known = commands.get(name)
        if known is None or not isinstance(table, dict):
            raise UsageError(
                f"{path}: [{full}] is not the name of a command; choose from "
                f"{', '.join(sorted(commands))}{did_you_mean(name, commands)}"
            )
        if any(isinstance(value, Option) for value in known.values()):
            settings[name] = _of_options(path, table, known, full)  # type: ignore[arg-type]
        else:
            settings[name] = _of_commands(path, table, known, full)  # type: ignore[arg-type]
    return settings


def _of_options(path: Path, table: dict[str, Any], options: Options, name: str) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for key, value in table.items():
        option = options.get(key.replace("-", "_"))
        if option is None:
            raise UsageError(
                f"{path}: {name} has no option {key!r}; it has {', '.join(sorted(options))}"
                f"{did_you_mean(key, options)}"
            )
        values = value if isinstance(value, list) and option.repeatable else [value]
        for item in values:
            if "\0" in str(item):
                raise UsageError(
                    f"{path}: {key} of [{name}] is {ascii(item)[:60]}, expected text; it holds "
                    "a NUL byte"
                )
            if not isinstance(item, str | int | float):
                raise UsageError(
                    f"{path}: {key} of [{name}] is {ascii(item)[:60]}, expected text, a number, "
                    f"true or false{', or a list of these' * option.repeatable}"
                )
            if refusal := option.from_file.refusal(item):
                raise UsageError(_refused(path, name, key, option.flag, refusal))
        settings[option.name] = values if option.repeatable else value
    return settings


def _refused(path: Path, command: str, key: str, flag: str, refusal: str) -> str:
    typed = f"audiotl {command.replace('.', ' ')} {flag}"
    return (
        f"{path}: {key} of [{command}] is refused: a settings file {refusal}. Remove it from "
        f"the file, and give it on the command line: {typed}"
    )
