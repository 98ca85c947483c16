"""Settings: defaults, then ``audiotl.toml``, then ``AUDIOTL_*``, then flags.

A table in ``audiotl.toml`` is a command, a key one of its options::

    [extract]
    extractor = ["musicnn", "mfcc"]
    workers = 2

The same by environment: ``AUDIOTL_EXTRACT_WORKERS=2``.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from audiotl_cli.errors import UsageError

FILE = Path("audiotl.toml")


def read_settings(path: Path, options: dict[str, set[str]]) -> dict[str, dict[str, Any]]:
    """Read the settings file of a project.

    Parameters
    ----------
    path : Path
        A missing file is an empty one.
    options : dict
        The names of the options of every command.

    Returns
    -------
    defaults : dict
        Of every command named in the file, by option.

    Raises
    ------
    UsageError
        The file is no TOML, or names a command or option that does not exist.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    settings: dict[str, dict[str, Any]] = {}
    for command, table in content.items():
        if command not in options or not isinstance(table, dict):
            raise UsageError(
                f"{path}: [{command}] is not a command; choose from {', '.join(sorted(options))}"
            )
        values = {key.replace("-", "_"): value for key, value in table.items()}
        unknown = sorted(values.keys() - options[command])
        if unknown:
            raise UsageError(
                f"{path}: {command} has no option {unknown[0]!r}; it has "
                f"{', '.join(sorted(options[command]))}"
            )
        settings[command] = values
    return settings
