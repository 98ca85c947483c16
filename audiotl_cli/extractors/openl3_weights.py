"""Find and read OpenL3's weights.

The files are Keras weights in HDF5, published gzipped. Neither Keras nor the package
``openl3`` is needed to read them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from audiotl_cli.errors import WeightsError, is_out_of_memory
from audiotl_cli.extractors.hdf5 import member, open_hdf5, read_values
from audiotl_cli.extractors.weights import FoundWeights, PublishedFile, locate

FloatArray = npt.NDArray[np.float32]
Float64Array = npt.NDArray[np.float64]

BATCH_NORM_EPSILON = 1e-3  # Keras' default
CHANNELS = (1, 64, 64, 128, 128, 256, 256, 512, 512)  # into and between the 3x3 convolutions
MAX_BYTES = 64 << 20  # three times the size of an uncompressed published file

_BLOBS = {
    "linear_env": "7837407f033f3564c7e8d53fc4a4241fe160478b",
    "linear_music": "4e2e61beb17865481c8b8791c72eac8307e2753a",
    "mel128_env": "8c3dfee140f7776373841e5938a3e76c54f28942",
    "mel128_music": "73ff29de441865318c4b3a3f98c40763c4773e7c",
    "mel256_env": "34dbd7a91cdd2de6a3d6d036ac0a24d27d78e3cc",
    "mel256_music": "15e483646fa3d4091a463f0affbb706e6bbbb098",
}

WEIGHTS = {
    network: PublishedFile(
        name=f"openl3-{network}",
        url=f"https://github.com/marl/openl3/raw/models/openl3_audio_{network}-v0_4_0.h5.gz",
        digest=f"gitblob:{blob}",
        size=18_700_000,  # 4.7 million values in single precision; gzip saves little
        licence="CC BY 4.0",
        citation="Cramer, Wu, Salamon and Bello, Look, Listen, and Learn More: Design Choices "
        "for Deep Audio Embeddings, ICASSP 2019",
        # uncompressed there, so that the published digest does not apply
        packaged=f"openl3/openl3_audio_{network}.h5",
    )
    for network, blob in _BLOBS.items()
}


@dataclass(frozen=True)
class Parameters:
    """The parameters of a network, with batch normalisation folded into the convolutions.

    Parameters
    ----------
    scale, shift : float
        The batch normalisation of the spectrogram. It cannot be folded, because the zero
        padding of the first convolution comes after it.
    convolutions : tuple of (kernel, bias)
        Kernels float32 (3, 3, n_in, n_out), biases float32 (n_out,).
    """

    scale: float
    shift: float
    convolutions: tuple[tuple[FloatArray, FloatArray], ...]


def find_weights(representation: str, content: str, chosen: Path | None = None) -> FoundWeights:
    """Return the weights of a network.

    They are in the chosen file, or else in the cache, in an installed package, or published.

    Raises
    ------
    WeightsError
        There are none, they cannot be fetched, or the chosen file is of another network.
    """
    network = f"{representation}_{content}"
    if chosen is not None:
        _check_name(chosen, network)
    return locate(WEIGHTS[network], chosen)


def _check_name(chosen: Path, network: str) -> None:
    """Refuse a file that is named after another network; the contents do not show this."""
    named = re.search("|".join(WEIGHTS), chosen.name)
    if named and named.group() != network:
        raise WeightsError(
            f"{chosen} holds the weights of OpenL3's {named.group()} by its name, expected those "
            f"of {network}; choose a layer that begins with {named.group()}, or another file"
        )


def read_parameters(path: Path) -> Parameters:
    """Read a file of weights, ``.h5`` or ``.h5.gz``.

    Raises
    ------
    WeightsError
        The file cannot be read, or holds something else.
    """
    try:
        with open_hdf5(path, MAX_BYTES) as file:
            return _parameters(file)
    except Exception as error:  # damage raises any exception
        if is_out_of_memory(error):
            raise
        raise WeightsError(
            f"{path} does not hold the weights of an OpenL3 network ({error}); expected one of "
            "the published openl3_audio_*-v0_4_0.h5.gz, or the same uncompressed"
        ) from error


def _parameters(file: Any) -> Parameters:
    """Fold the batch normalisation after each convolution but the last into its parameters."""
    normalisations, convolutions = _layers(file)
    scale, shift = _scale_and_shift(normalisations[0], CHANNELS[0])
    folded = []
    for number, layer in enumerate(convolutions):
        n_in, n_out = CHANNELS[number : number + 2]
        kernel = _read(layer, "kernel", (3, 3, n_in, n_out))
        bias = _read(layer, "bias", (n_out,))
        if layer is not convolutions[-1]:
            factor, offset = _scale_and_shift(normalisations[number + 1], n_out)
            kernel, bias = kernel * factor, bias * factor + offset
        folded.append((kernel.astype(np.float32), bias.astype(np.float32)))
    return Parameters(float(scale[0]), float(shift[0]), tuple(folded))


def _layers(file: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the batch normalisations and the convolutions in the order of the network."""
    layers = [_arrays(member(file, name)) for name in file.attrs["layer_names"]]
    normalisations = [layer for layer in layers if "gamma" in layer]
    convolutions = [layer for layer in layers if "kernel" in layer]
    found, expected = (len(normalisations), len(convolutions)), (8, 8)
    if found != expected:
        raise ValueError(
            f"it has {found[0]} batch normalisations and {found[1]} convolutions, "
            f"expected {expected[0]} and {expected[1]}"
        )
    return normalisations, convolutions


def _arrays(group: Any) -> dict[str, Any]:
    """Return the data sets of a layer by their last name: ``kernel`` for ``a/a/kernel:0``."""
    arrays: dict[str, Any] = {}

    def collect(name: str, item: Any) -> None:
        if hasattr(item, "shape"):
            arrays[name.split("/")[-1].split(":")[0]] = item

    group.visititems(collect)
    return arrays


def _read(layer: dict[str, Any], name: str, shape: tuple[int, ...]) -> Float64Array:
    values: Float64Array = read_values(layer[name], shape).astype(np.float64)
    return values


def _scale_and_shift(layer: dict[str, Any], width: int) -> tuple[Float64Array, Float64Array]:
    """Return a batch normalisation as one multiplication and one addition."""
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    gamma, beta, mean, variance = (_read(layer, name, (width,)) for name in names)
    scale = gamma / np.sqrt(variance + BATCH_NORM_EPSILON)
    return scale, beta - mean * scale
