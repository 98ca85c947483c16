"""Networks that are published in another format, run in ONNX Runtime from a converted file."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from audiotl_cli.errors import WeightsError
from audiotl_cli.extractors.engines.built import Built, built
from audiotl_cli.extractors.engines.operations import Array, Forward
from audiotl_cli.extractors.engines.session import forward_of
from audiotl_cli.extractors.engines.tflite_file import TfliteModel, read_tflite
from audiotl_cli.graph import Graph

_OUTPUT = "vectors"


@dataclass(frozen=True)
class TfliteNetwork:
    """A network in a TFLite file.

    Parameters
    ----------
    name : str
        Unique for a network and layer; can be part of a file name.
    weights : str
        ``sha256:`` and the SHA-256 of the file.
    shape : tuple of int
        Of a patch.
    opened : callable
        Returns a context that checks the file and gives its path.
    write : callable
        Takes the graph, the network and the name of the patches (n, ...), and returns the name
        of the output, vectors (n, dim).
    constants : tuple of int
        The numbers of tensors that the front end needs.
    """

    name: str
    weights: str
    shape: tuple[int, ...]
    opened: Callable[[], AbstractContextManager[Sequence[Path]]] = field(compare=False)
    write: Callable[[Graph, TfliteModel, str], str] = field(compare=False)
    constants: tuple[int, ...] = ()


@dataclass(frozen=True)
class Converted:
    """A network that was converted.

    Parameters
    ----------
    forward : callable
    constants : dict of float32 array
        Those of `TfliteNetwork`, by their numbers.
    """

    forward: Forward
    constants: dict[int, Array]


def load(network: TfliteNetwork) -> Converted:
    """Return a network, converted to ONNX; the converted file is kept in the cache.

    Raises
    ------
    WeightsError
        The file cannot be had, read or converted, or the cache cannot be written.
    """
    _, found = built(network, "onnx", lambda: _convert(network))
    place = found.header["n_bytes"]
    forward = forward_of(found.data[:place], network.shape, _OUTPUT)
    constants = {}
    for number, shape in zip(network.constants, found.header["shapes"], strict=True):
        values = np.frombuffer(found.data, np.float32, math.prod(shape), place)
        constants[number] = values.reshape(shape)
        place += values.nbytes
    return Converted(forward, constants)


def add_converted(graph: Graph, network: TfliteNetwork, patches: str) -> str:
    """Write a network into a graph, from patches (n, ...) to vectors (n, dim).

    Raises
    ------
    WeightsError
        The file cannot be had, read or converted.
    """
    return _written(graph, network, patches)[0]


def _convert(network: TfliteNetwork) -> Built:
    graph = Graph()
    patches = graph.input("patches", np.float32, ["n", *network.shape])
    vectors, constants = _written(graph, network, patches)
    graph.output(_OUTPUT, vectors, np.float32, ["n", "dim"])
    content = graph.model({"weights": network.weights})
    header = {"n_bytes": len(content), "shapes": [values.shape for values in constants]}
    return Built(header, b"".join([content, *(values.tobytes() for values in constants)]))


def _written(graph: Graph, network: TfliteNetwork, patches: str) -> tuple[str, list[Array]]:
    with network.opened() as (path, *_):
        model = read_tflite(path)
        try:
            vectors = network.write(graph, model, patches)
            return vectors, [model.constant(n).astype(np.float32) for n in network.constants]
        except (ValueError, LookupError) as error:
            raise WeightsError(f"{path} is not the network {network.name} ({error})") from error
