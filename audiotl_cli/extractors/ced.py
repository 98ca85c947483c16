"""CED: transformers that tag 527 AudioSet classes, in four sizes.

Dinkel, Wang, Yan, Zhang and Wang, *CED: Consistent ensemble distillation for audio tagging*,
ICASSP 2024. The weights are ONNX files published for sherpa-onnx. The front end is written from
its definition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.counted import CountedBlocks
from audiotl_cli.audio.framing import Framing, segments
from audiotl_cli.audio.types import Waveform
from audiotl_cli.errors import WeightsError
from audiotl_cli.extractors.audioset_classes import CLASS_NAMES
from audiotl_cli.extractors.base import Classes, Layer, Patches
from audiotl_cli.extractors.engines.onnx_file import OnnxFile, read_onnx, with_output
from audiotl_cli.extractors.engines.operations import Array, Forward
from audiotl_cli.extractors.engines.session import forward_of
from audiotl_cli.extractors.weighted import WeightedExtractor
from audiotl_cli.extractors.weights import FoundWeights, PublishedFile, WeightSource, locate
from audiotl_cli.files import read_regular

SAMPLE_RATE = 16_000
N_FFT, STFT_HOP, N_MELS = 512, 160, 64
FLOOR, DYNAMIC_RANGE_DB = 1e-10, 120.0
PATCH_FRAMES = 16  # a token is a square of so many frames and bands
MIN_SAMPLES = (PATCH_FRAMES - 1) * STFT_HOP  # of a window with one token in time


def _published(size: str, n_bytes: int) -> PublishedFile:
    folder = f"k2-fsa/sherpa-onnx-ced-{size}-audio-tagging-2024-04-19"
    return PublishedFile(
        name=f"ced-{size}",
        url=f"https://huggingface.co/{folder}/resolve/main/model.onnx",
        digest="",
        size=n_bytes,
        licence="Apache-2.0",
        citation="Dinkel et al., CED, ICASSP 2024",
        file_name=f"ced-{size}-2024-04-19.onnx",
    )


class CedExtractor(WeightedExtractor):
    """CED embeddings: one frame for each stretch of 10 s; subclasses are the sizes.

    ``scores`` are those of AudioSet's 527 classes in `CLASS_NAMES` instead, each from 0 to 1.

    Notes
    -----
    The last stretch is what is left, and may be shorter, as published; where it is too short for
    the network (0.15 s), it is filled up with zeros.
    """

    version = "1"
    sample_rate = SAMPLE_RATE
    window_s = 10.0
    default_hop_s = 10.0
    default_layer = "embedding"
    batch_size = 1  # windows differ in length
    published: PublishedFile
    width: int

    @classmethod
    def layers(cls) -> dict[str, Layer]:
        return {"embedding": Layer(cls.width), "scores": Layer(len(CLASS_NAMES))}

    @classmethod
    def classes(cls) -> tuple[Classes, ...]:
        return (Classes("scores", lambda: CLASS_NAMES),)

    def frame(self, hop_s: float) -> Framing:
        return Framing(
            window=round(self.window_s * SAMPLE_RATE),
            hop=max(1, round(hop_s * SAMPLE_RATE)),
            tail="pad",
        )

    @classmethod
    def weights_files(cls, layer: str | None = None) -> tuple[WeightSource, ...]:
        return (cls.published,)

    def prepare(self) -> None:
        _ = self._network

    def patches(self, blocks: Iterable[Waveform], *, eager: bool = False) -> Iterator[Patches]:
        counted, start = CountedBlocks(blocks), 0
        for segment in segments(counted, self.framing, max_windows=1, eager=eager):
            yield self.front_end(segment[: max(counted.n_samples - start, MIN_SAMPLES)])
            start += self.framing.hop

    def front_end(self, segment: Waveform) -> Patches:
        """Compute levels (n, 64, n_frames); those after the end of a shorter window are NaN."""
        window = self.framing.window
        length = min(window, len(segment))
        windows = np.lib.stride_tricks.sliding_window_view(segment, length)[:: self.framing.hop]
        patches = np.full((len(windows), N_MELS, 1 + window // STFT_HOP), np.nan, np.float32)
        for patch, samples in zip(patches, windows, strict=True):
            levels = decibel(samples)
            patch[:, : levels.shape[1]] = levels
        return patches

    def forward(self, patches: Patches) -> npt.NDArray[np.float32]:
        lengths = np.count_nonzero(~np.isnan(patches[:, 0]), axis=1)
        return np.stack(
            [
                self._network(patch[None, :, :length])
                for patch, length in zip(patches, lengths, strict=True)
            ]
        )

    @cached_property
    def _found(self) -> FoundWeights:
        return locate(self.published, self.config.weights)

    @cached_property
    def _network(self) -> Forward:
        return self._found.read(self._open)

    def _open(self, path: Path) -> Forward:
        content = read_regular(path)
        try:
            graph = read_onnx(content)
            self._check(graph)
            if self.layer == "scores":
                return forward_of(content, shape=(N_MELS, None), output=graph.outputs[0])
            name = graph.pooled()
            content = with_output(content, name, self.width)
            return forward_of(content, shape=(N_MELS, None), output=name)
        except ValueError as error:
            raise WeightsError(f"{path} is not the network {self.name} ({error})") from error

    def _check(self, graph: OnnxFile) -> None:
        """Raise ValueError for a network of another width, or one that takes shorter windows."""
        found = [
            shape
            for shape in graph.shapes.values()
            if len(shape) == 4 and shape[0] == shape[2] == 1 and shape[3] > 1
        ]
        if len(found) != 1:
            raise ValueError("it has no positions in time, (1, width, 1, n)")
        _, width, _, n_columns = found[0]
        if width != self.width:
            raise ValueError(f"its embeddings have {width} values, expected {self.width}")
        longest = PATCH_FRAMES * (n_columns + 1) - 1
        if longest < 1 + self.framing.window // STFT_HOP:
            raise ValueError(
                f"it takes up to {longest * STFT_HOP / SAMPLE_RATE:.2f} s, expected "
                f"{self.window_s:g} s"
            )


class CedTiny(CedExtractor):
    """The smallest: 5.5 million parameters."""

    name = "ced-tiny"
    summary = "general sounds (AudioSet), also 527 class scores; transformer, 5.5 M parameters"
    width = 192
    published = _published("tiny", 22_300_000)


class CedMini(CedExtractor):
    """9.7 million parameters."""

    name = "ced-mini"
    summary = "general sounds (AudioSet), also 527 class scores; transformer, 9.7 M parameters"
    width = 256
    published = _published("mini", 39_000_000)


class CedSmall(CedExtractor):
    """22 million parameters."""

    name = "ced-small"
    summary = "general sounds (AudioSet), also 527 class scores; transformer, 22 M parameters"
    width = 384
    published = _published("small", 88_000_000)


class CedBase(CedExtractor):
    """The largest: 86 million parameters."""

    name = "ced-base"
    summary = "general sounds (AudioSet), also 527 class scores; transformer, 86 M parameters"
    width = 768
    published = _published("base", 344_000_000)


def decibel(waveform: Waveform) -> Array:
    """Return mel levels of centred frames.

    Parameters
    ----------
    waveform : float32 (n_samples,)
        At 16 kHz, more than 256 samples.

    Returns
    -------
    levels : float32 (64, 1 + n_samples // 160)
        ``10 log10`` of the power, at least -100, and at least 120 below the loudest.
    """
    samples = np.pad(waveform.astype(np.float64), N_FFT // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(samples, N_FFT)[::STFT_HOP]
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N_FFT) / N_FFT)
    spectra = np.fft.rfft(frames * taper, axis=1)
    power = (spectra.real**2 + spectra.imag**2) @ _mel_bands()
    levels = 10 * np.log10(np.maximum(power, FLOOR))
    raised: Array = np.maximum(levels, levels.max() - DYNAMIC_RANGE_DB).T.astype(np.float32)
    return raised


@cache
def _mel_bands() -> npt.NDArray[np.float64]:
    """Return triangles (257, 64) that are straight in Hz between edges on HTK's mel scale."""
    highest = 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, highest, N_MELS + 2) / 2595) - 1)
    bins = np.linspace(0, SAMPLE_RATE / 2, N_FFT // 2 + 1)[:, None]
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (bins - low) / (centre - low), (high - bins) / (high - centre)
    bands: npt.NDArray[np.float64] = np.maximum(0, np.minimum(rising, falling))
    return bands
