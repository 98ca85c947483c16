"""The names of the classifiers that come with audiotl, without importing any of them."""

from __future__ import annotations

import pkgutil

from audiotl_cli.classifiers import recipes


def built_in_names() -> list[str]:
    """Return the names of all built-in classifiers, from the file names in `recipes`."""
    return sorted(
        module.name.replace("_", "-") for module in pkgutil.iter_modules(recipes.__path__)
    )
