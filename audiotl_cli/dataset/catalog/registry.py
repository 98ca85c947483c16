"""The data sets known by name. Listing their names imports none of them."""

from __future__ import annotations

import importlib

from audiotl_cli.dataset.catalog.base import DataSet
from audiotl_cli.errors import UsageError
from audiotl_cli.spelling import did_you_mean

MODULES = {
    "esc10": "esc10",
    "esc50": "esc50",
    "fsdd": "fsdd",
    "gtzan": "gtzan",
    "speech-commands": "speech_commands",
    "tut-scenes-2017": "tut_scenes_2017",
    "urbansound8k": "urbansound8k",
}
"""To add a data set: write its file beside this one, and its line here."""


def list_datasets() -> list[str]:
    """Return the names of all data sets."""
    return list(MODULES)


def get_dataset(name: str) -> DataSet:
    """Return a data set by its name; ``ESC-50``, ``esc_50`` and ``esc50`` are the same.

    Raises
    ------
    UsageError
        There is no data set of that name.
    """
    names = {_plain(known): known for known in MODULES}
    known = names.get(_plain(name))
    if known is None:
        raise UsageError(
            f"no data set {name!r}; choose from {', '.join(MODULES)}{did_you_mean(name, MODULES)}"
        )
    module = importlib.import_module(f"audiotl_cli.dataset.catalog.{MODULES[known]}")
    found: DataSet = module.DATASET
    return found


def _plain(name: str) -> str:
    return "".join(char for char in name.lower() if char.isalnum())
