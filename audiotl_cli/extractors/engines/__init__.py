"""Engines that run networks: ONNX Runtime, TensorFlow, which is the reference, and ncnn.

A network is described once, as a function of `operations.Operations`, from which every engine
builds its own graph. Engines round differently, so the engine is part of the fingerprint of
features; where none is recorded, it is TensorFlow.
"""

from __future__ import annotations

from importlib.util import find_spec

from audiotl_cli.errors import UsageError
from audiotl_cli.extractor_config import AUTO, ENGINES, NCNN, ONNX, TENSORFLOW
from audiotl_cli.extractors.engines.operations import Forward, Network

__all__ = ["AUTO", "ENGINES", "NCNN", "ONNX", "TENSORFLOW", "choose", "default_engine", "load"]


def default_engine(offered: tuple[str, ...]) -> str:
    """Return the engine of an extractor where none is named; empty where there is no choice.

    It does not depend on what is installed, and so neither do fingerprints.
    """
    return ONNX if ONNX in offered else next(iter(offered), "")


def choose(name: str, offered: tuple[str, ...], extractor: str) -> str | None:
    """Return the engine for an extractor, or None where it has no choice.

    Parameters
    ----------
    name : str
        One of `ENGINES`; ``auto`` chooses the fastest that is installed.
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
        return next((engine for engine in offered if is_installed(engine)), None)
    if name == TENSORFLOW and not offered:
        return None
    if name not in offered:
        raise UsageError(
            f"{extractor} does not run in {name}; omit --engine, or choose {AUTO}, which uses the "
            "fastest that is installed"
        )
    if not is_installed(name):
        raise UsageError(f"the engine {name} is not installed: pip install 'audiotl[fast]'")
    return name


def is_installed(engine: str) -> bool:
    """Return whether an engine can be imported; only ncnn is optional."""
    return engine != NCNN or find_spec(NCNN) is not None


def load(network: Network, engine: str, batch_size: int) -> Forward:
    """Build a network in an engine.

    Parameters
    ----------
    network : Network
    engine : {"onnx", "tensorflow", "ncnn"}
    batch_size : int
        Exact number of patches in a batch for TensorFlow; the others take any number.

    Raises
    ------
    WeightsError
        The weights cannot be read, or the cache cannot be written.
    """
    if engine == NCNN:
        from audiotl_cli.extractors.engines import ncnn

        return ncnn.load(network)
    if engine == ONNX:
        from audiotl_cli.extractors.engines import onnx

        return onnx.load(network)
    from audiotl_cli.extractors.engines import tensorflow

    return tensorflow.load(network, batch_size)
