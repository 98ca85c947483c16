"""Engines that run networks: TensorFlow, the reference, and ncnn, which is faster.

A network is described once, as a function of `operations.Operations`, from which every engine
builds its own graph. Engines round differently, so any engine but the reference is part of the
fingerprint of features.
"""

from __future__ import annotations

from importlib.util import find_spec

from audiotl_cli.errors import UsageError
from audiotl_cli.extractor_config import AUTO, ENGINES, NCNN, TENSORFLOW
from audiotl_cli.extractors.engines.operations import Forward, Network

__all__ = ["AUTO", "ENGINES", "NCNN", "TENSORFLOW", "choose", "is_installed", "load"]


def choose(name: str, offered: tuple[str, ...], extractor: str) -> str | None:
    """Return the engine for an extractor, or None for its reference.

    Parameters
    ----------
    name : str
        One of `ENGINES`; ``auto`` chooses ncnn if it is installed and the extractor supports it.
    offered : tuple of str
        The `engines` of the extractor.
    extractor : str
        The name of the extractor; used in messages.

    Raises
    ------
    UsageError
        There is no such engine, it is not installed, or the extractor does not run in it.
    """
    if name not in ENGINES:
        raise UsageError(f"no engine {name!r}; choose from {', '.join(ENGINES)}")
    if name == AUTO:
        return NCNN if NCNN in offered and is_installed() else None
    if name == TENSORFLOW:
        return None
    if name not in offered:
        raise UsageError(
            f"{extractor} does not run in {name}; omit --engine, or choose {AUTO}, which "
            f"uses {name} for the networks that support it"
        )
    if not is_installed():
        raise UsageError(f"the engine {NCNN} is not installed: pip install 'audiotl[fast]'")
    return name


def is_installed() -> bool:
    """Return whether ncnn can be imported."""
    return find_spec("ncnn") is not None


def load(network: Network, engine: str, batch_size: int) -> Forward:
    """Build a network in an engine.

    Parameters
    ----------
    network : Network
    engine : {"tensorflow", "ncnn"}
    batch_size : int
        Exact number of patches in a batch for TensorFlow; ncnn takes any number.

    Raises
    ------
    WeightsError
        The weights cannot be read, or the cache cannot be written.
    """
    if engine == NCNN:
        from audiotl_cli.extractors.engines import ncnn

        return ncnn.load(network)
    from audiotl_cli.extractors.engines import tensorflow

    return tensorflow.load(network, batch_size)
