"""Front ends for network files: one file each in this folder, found by looking."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from audiotl_cli.extractors.front_ends.base import FrontEnd

__all__ = ["FrontEnd", "find_front_ends"]


@cache
def find_front_ends() -> dict[str, type[FrontEnd]]:
    """Return the front ends in this folder by name, that of samples first."""
    found: set[type[FrontEnd]] = set()
    for module in pkgutil.iter_modules(__path__):
        for value in vars(import_module(f"{__name__}.{module.name}")).values():
            if isinstance(value, type) and issubclass(value, FrontEnd) and "name" in vars(value):
                found.add(value)
    ranked = sorted(found, key=lambda kind: (len(kind.axes), kind.name))
    return {kind.name: kind for kind in ranked}
