"""What runs a network: TensorFlow, the reference, or ncnn, which is faster and starts sooner.

A network is described once, as a function of `operations.Operations`; every engine builds
its own graph by calling it. Engines round differently, so that features of different
engines are not mixed: any but the reference is part of the fingerprint.
"""

from __future__ import annotations

from importlib.util import find_spec

from audiotl_cli.errors import UsageError
from audiotl_cli.extractor_config import AUTO, ENGINES, NCNN, TENSORFLOW
from audiotl_cli.extractors.engines.operations import Forward, Network

__all__ = ["AUTO", "ENGINES", "NCNN", "TENSORFLOW", "choose", "is_installed", "load"]


def choose(asked: str, offered: tuple[str, ...], extractor: str) -> str | None:
    """Return the engine to run an extractor in, None for what it runs in anyway.

    Parameters
    ----------
    asked : str
        One of `ENGINES`; ``auto`` is ncnn where it is installed and the extractor can.
    offered : tuple of str
        The extractor's `engines`.
    extractor : str
        For messages.

    Raises
    ------
    UsageError
        There is no such engine, it is not installed, or the extractor does not run in it.
    """
    if asked not in ENGINES:
        raise UsageError(f"no engine {asked!r}; choose from {', '.join(ENGINES)}")
    if asked == AUTO:
        return NCNN if NCNN in offered and is_installed() else None
    if asked == TENSORFLOW:
        return None
    if asked not in offered:
        raise UsageError(
            f"{extractor} does not run in {asked}; leave --engine out, or choose {AUTO}, which "
            f"takes {asked} for the networks that do"
        )
    if not is_installed():
        raise UsageError(f"the engine {NCNN} is not installed: pip install 'audiotl[fast]'")
    return asked


def is_installed() -> bool:
    """Return whether ncnn can be imported."""
    return find_spec("ncnn") is not None


def load(network: Network, engine: str, batch_size: int) -> Forward:
    """Return a network, ready to run in an engine.

    Parameters
    ----------
    network : Network
    engine : {"tensorflow", "ncnn"}
    batch_size : int
        Patches that TensorFlow takes at once, exactly; ncnn takes any number.

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
