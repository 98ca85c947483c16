"""Google's speech embedding: 96 values that tell words apart, 12.5 times a second.

Lin, Kilgour, Roblek and Sharifi, *Training Keyword Spotters with Limited and Synthesized Speech
Data*, ICASSP 2020 (TensorFlow Hub, ``google/speech_embedding/1``). The network is read from the
TFLite file in the package ``pyopen_wakeword``; the front end is that of the second file there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from tempfile import SpooledTemporaryFile
from typing import IO

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.framing import Framing, segments
from audiotl_cli.audio.spectrogram import mel_filters
from audiotl_cli.audio.types import Waveform
from audiotl_cli.extractors.base import SEGMENT_WINDOWS, Extractor, Layer, Patches
from audiotl_cli.extractors.checks import Check, compare, rising_tones
from audiotl_cli.extractors.engines.converted import Converted, TfliteNetwork, add_converted, load
from audiotl_cli.extractors.engines.operations import Array
from audiotl_cli.extractors.engines.tflite_file import TfliteModel
from audiotl_cli.extractors.engines.tflite_onnx import convert
from audiotl_cli.extractors.packages import opened
from audiotl_cli.extractors.runtime import limit_threads
from audiotl_cli.extractors.weights import PUBLISHED, WeightFile, WeightPackage, WeightSource
from audiotl_cli.graph import Graph

Doubles = npt.NDArray[np.float64]

SAMPLE_RATE = 16_000
N_FFT, STFT_WINDOW, STFT_HOP, N_MELS = 512, 400, 160, 32
LOW_HZ, HIGH_HZ = 60.0, 3800.0
WINDOW_FRAMES, DIM = 76, 96
FLOOR, DYNAMIC_RANGE_DB = 1e-10, 80.0
FRAMES_AT_ONCE = 1000
MAX_HELD_BYTES = 32 << 20  # frames of 40 minutes; those of longer recordings wait on disk

WEIGHTS = WeightPackage(
    package="pyopen_wakeword",
    version="1.1.0",
    sha256="754347a59de2b3d378a0cbc404a8b41164036e74fa1c185f88056974e4bfb6b4",
    size=7_132_152,
    licence="Apache-2.0",
    citation="Lin et al., Training Keyword Spotters, ICASSP 2020",
    files=(
        WeightFile(
            "embedding_model.tflite",
            "pyopen_wakeword/models/embedding_model.tflite",
            "c0aea21eb84a4ce90a08c870da41b7a7173b45269e6a3207c71d67c40f3a59d8",
        ),
    ),
    named="speech",
    platform="manylinux_2_35_x86_64",
)

CHECKED = {42: 38.4686, 93: -35.6789, 36: 34.2501, 39: 32.7026, 34: -30.232, 37: 29.981}
"""The largest values of a frame of two rising tones."""


class SpeechExtractor(Extractor):
    """Speech embeddings: one frame of 96 values every 80 ms, each of 0.78 s.

    Hops are multiples of 10 ms. The setting `padding_s` is the silence that is put before and
    after every recording, half a second by default: a word that is shorter than a window is then
    seen at every position in a window, which matters much for such recordings.

    Notes
    -----
    As in the published front end, levels more than 80 dB below the loudest of what it is given
    are raised. It is given whole recordings here, whose frames are therefore held until the last
    one has come. Where there is no end (``audiotl listen``), the loudest so far counts.

    An incomplete last window is left out.
    """

    name = "speech"
    version = "1"
    summary = "spoken words and commands; not for general sounds"
    sample_rate = SAMPLE_RATE
    window_s = 0.782
    default_hop_s = 0.08
    band_hz = LOW_HZ, HIGH_HZ
    default_layer = "embedding"
    default_padding_s = 0.5
    batch_size = 16
    parallel = True

    @classmethod
    def layers(cls) -> dict[str, Layer]:
        return {"embedding": Layer(DIM)}

    def frame(self, hop_s: float) -> Framing:
        padding = round((self.padding_s or 0) * SAMPLE_RATE)
        return Framing(
            window=(WINDOW_FRAMES - 1) * STFT_HOP + N_FFT,
            hop=max(1, round(hop_s * SAMPLE_RATE / STFT_HOP)) * STFT_HOP,
            pad_start=padding,
            pad_end=padding,
        )

    @classmethod
    def weights_files(cls, layer: str | None = None) -> tuple[WeightSource, ...]:
        return (WEIGHTS,)

    def weights_id(self) -> tuple[str, str]:
        return f"sha256:{WEIGHTS.files[0].sha256}", PUBLISHED

    def use_threads(self, n_threads: int) -> None:
        limit_threads(n_threads)

    def prepare(self) -> None:
        _ = self._network

    def patches(self, blocks: Iterable[Waveform], *, eager: bool = False) -> Iterator[Patches]:
        loudest = -np.inf

        def frames() -> Iterator[Array]:
            nonlocal loudest
            frame = Framing(window=N_FFT, hop=STFT_HOP)
            padded = _padded(blocks, self.framing)
            for segment in segments(padded, frame, max_windows=FRAMES_AT_ONCE, eager=eager):
                levels = decibel(segment)
                loudest = max(loudest, float(levels.max()))
                yield levels.ravel()

        windows = Framing(window=WINDOW_FRAMES * N_MELS, hop=self._hop_frames * N_MELS)
        with SpooledTemporaryFile(MAX_HELD_BYTES) as held:
            stream = frames() if eager else _replayed(frames(), held)
            for segment in segments(stream, windows, max_windows=SEGMENT_WINDOWS, eager=eager):
                yield self._cut(segment.reshape(-1, N_MELS), loudest)

    def front_end(self, segment: Waveform) -> Patches:
        levels = decibel(segment)
        return self._cut(levels, float(levels.max()))

    def forward(self, patches: Patches) -> npt.NDArray[np.float32]:
        return self._network.forward(patches)[:, None, :]

    def published_checks(self) -> list[Check]:
        """Compare with values of a run that was tested to agree with the published files."""
        frame = SpeechExtractor().embed(rising_tones(SAMPLE_RATE), SAMPLE_RATE).frames[20]
        columns, expected = zip(*CHECKED.items(), strict=True)
        subject = "two rising tones, largest of embedding"
        return [compare(subject, np.array(expected), frame[list(columns)], 1e-3)]

    @property
    def _hop_frames(self) -> int:
        return self.framing.hop // STFT_HOP

    def _cut(self, levels: Array, loudest: float) -> Patches:
        """Return windows (n, 76, 32) of levels (n_frames, 32), as the network takes them."""
        raised = np.maximum(levels, np.float32(loudest - DYNAMIC_RANGE_DB))
        scaled = raised / np.float32(10) + np.float32(2)
        windows = np.lib.stride_tricks.sliding_window_view(scaled, WINDOW_FRAMES, axis=0)
        return np.ascontiguousarray(windows[:: self._hop_frames].transpose(0, 2, 1))

    def add_network(self, graph: Graph, patches: str) -> str:
        """Write the network into a graph, from patches (n, 76, 32)."""
        return add_converted(graph, self._file, patches)

    @property
    def _file(self) -> TfliteNetwork:
        return TfliteNetwork(
            name="speech",
            weights=self.weights_id()[0],
            shape=(WINDOW_FRAMES, N_MELS),
            opened=lambda: opened(WEIGHTS, [WEIGHTS.files[0].name]),
            write=_write,
        )

    @cached_property
    def _network(self) -> Converted:
        return load(self._file)


def decibel(waveform: Waveform) -> Array:
    """Return mel levels of frames of 512 samples every 160.

    Parameters
    ----------
    waveform : float32 (n_samples,)
        At 16 kHz; rounded to 16 bits first, as the network expects.

    Returns
    -------
    levels : float32 (n_frames, 32)
        ``10 log10`` of the power of samples from -32768 to 32767, at least -100.
    """
    cosines, sines, bands = tables()
    scaled = np.clip(np.round(waveform.astype(np.float64) * 32768), -32768, 32767)
    frames = np.ascontiguousarray(
        np.lib.stride_tricks.sliding_window_view(scaled, N_FFT)[::STFT_HOP]
    )
    power = (frames @ cosines) ** 2 + (frames @ sines) ** 2
    levels: Array = (10 * np.log10(np.maximum(power @ bands, FLOOR))).astype(np.float32)
    return levels


@cache
def tables() -> tuple[Doubles, Doubles, Doubles]:
    """Return the real and the imaginary part of a Fourier transform, and the mel bands.

    Only bins that a band uses are in them. The transform is rounded as in the published file, which
    makes a difference next to loud sounds.
    """
    bands = mel_filters(SAMPLE_RATE, N_FFT, N_MELS, LOW_HZ, HIGH_HZ, scale="slaney", area_norm=True)
    used = np.flatnonzero(bands.any(axis=1))
    before = (N_FFT - STFT_WINDOW) // 2
    taper = np.zeros(N_FFT)
    taper[before:-before] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(STFT_WINDOW) / STFT_WINDOW)
    angles = 2 * np.pi / N_FFT * np.outer(np.arange(N_FFT), used)
    cosines, sines = (
        (taper[:, None] * wave(angles)).astype(np.float32).astype(np.float64)
        for wave in (np.cos, np.sin)
    )
    return cosines, sines, bands[used].astype(np.float64)


def _padded(blocks: Iterable[Waveform], framing: Framing) -> Iterator[Waveform]:
    """Put silence around a recording, and fill it up to a whole window."""
    n_samples = framing.pad_start
    yield np.zeros(framing.pad_start, np.float32)
    for block in blocks:
        n_samples += len(block)
        yield block
    yield np.zeros(max(framing.pad_end, framing.window - n_samples), np.float32)


def _replayed(blocks: Iterable[Array], held: IO[bytes]) -> Iterator[Array]:
    """Yield blocks only after the last one has come."""
    for block in blocks:
        held.write(block.tobytes())
    held.seek(0)
    while content := held.read(1 << 20):
        yield np.frombuffer(content, np.float32)


def _write(graph: Graph, model: TfliteModel, patches: str) -> str:
    maps = graph.add("Unsqueeze", patches, np.array([1]))
    (embedding,) = convert(graph, model, {model.inputs[0]: maps}, model.outputs)
    return graph.add("Flatten", embedding)
