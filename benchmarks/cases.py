"""The networks and engines to measure."""

from __future__ import annotations

from audiotl_cli.extractors.engines import default_engine
from audiotl_cli.extractors.registry import BUILT_IN, extractor_class

NETWORKS = tuple(BUILT_IN)
"""All networks that come with audiotl; each is measured at its default layer and hop."""


def engines(network: str) -> tuple[str, ...]:
    """Return the engines of a network, the default first; empty text where there is no choice."""
    offered = extractor_class(network).engines
    default = default_engine(offered)
    return (default, *(engine for engine in offered if engine != default))
