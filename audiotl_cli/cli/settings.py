"""Settings: defaults, then ``audiotl.toml``, then ``AUDIOTL_*``, then flags.

A table in ``audiotl.toml`` is a command, a key one of its options::

    [extract]
    extractor = ["musicnn", "mfcc"]
    workers = 2

    [store.import]
    split = "test"

The same by environment: ``AUDIOTL_EXTRACT_WORKERS=2``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiotl_cli.errors import UsageError
from audiotl_cli.files import SMALL, read_regular

FILE = Path("audiotl.toml")


@dataclass(frozen=True)
class Option:
    """An option as a file can set it.

    Parameters
    ----------
    name : str
        Of the parameter it sets.
    repeatable : bool
        Whether it takes a list.
    """

    name: str
    repeatable: bool


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
        The file is no TOML, or names a command or option that does not exist.
    """
    try:
        content = tomllib.loads(read_regular(path, SMALL).decode("utf-8"))
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
                f"{path}: [{full}] is not a command; choose from {', '.join(sorted(commands))}"
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
            )
        one = option.repeatable and not isinstance(value, list)
        settings[option.name] = [value] if one else value
    return settings
