"""The formats predictions are written in: one file each in this folder, found by looking."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from audiotl_cli.inference.formats.base import Writer


def find_writers() -> dict[str, type[Writer]]:
    """Return the writer of every format in this folder, by the name of the format."""
    found: set[type[Writer]] = set()
    for module in pkgutil.iter_modules(__path__):
        for value in vars(import_module(f"{__name__}.{module.name}")).values():
            if isinstance(value, type) and issubclass(value, Writer) and "name" in vars(value):
                found.add(value)
    return {
        writer.name: writer for writer in sorted(found, key=lambda kind: (kind.rank, kind.name))
    }
