"""Sound and pictures of clips, small enough to lie inside a page."""

from __future__ import annotations

import base64
import io
import math
import struct
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.isolated import Decoders
from audiotl_cli.audio.resample import resample
from audiotl_cli.audio.spectrogram import mel_filters, spectra
from audiotl_cli.audio.types import AudioSource, Waveform
from audiotl_cli.errors import AudiotlError
from audiotl_cli.processors import n_processors

RATE = 16_000  # Hz, of the sound inside a page
PICTURE_RATE = 32_000  # Hz: all pictures have one scale
MOST_S = 10.0
"""Seconds of a clip that are shown and played, from its beginning."""

N_BANDS, N_COLUMNS, N_SHADES = 56, 160, 48
RANGE_DB = 75.0
LOWEST_HZ = 30.0
TICKS_KHZ = (0.5, 2.0, 8.0)
"""Frequencies that are written beside pictures: about as far from each other on the mel scale."""
WORKERS = 2

# dark to bright: anchors of the shades of a spectrogram, red, green and blue
_ANCHORS = ((10, 12, 28), (38, 40, 104), (24, 110, 142), (70, 178, 116), (250, 236, 140))


@dataclass(frozen=True)
class Excerpt:
    """The beginning of a clip.

    Parameters
    ----------
    picture : str
        Its spectrogram, a PNG as a data URI.
    audio : str
        Its sound, as a data URI; empty where that was not asked for.
    problem : str
        Why there is neither, else empty.
    length_s : float
        Seconds that the spectrogram shows.
    """

    picture: str = ""
    audio: str = ""
    problem: str = ""
    length_s: float = 0.0


def excerpts(sources: Sequence[AudioSource], n_audio: int) -> list[Excerpt]:
    """Return an excerpt of every source, the first `n_audio` with sound.

    Sources are decoded in processes of their own; one that cannot be read costs its own
    excerpt.
    """
    from threadpoolctl import threadpool_limits

    if not sources:
        return []
    workers = min(WORKERS, n_processors(), len(sources))
    with (
        threadpool_limits(1, user_api="blas"),
        Decoders(workers) as decoders,
        ThreadPoolExecutor(workers) as pool,
    ):
        wanted = [number < n_audio for number in range(len(sources))]
        return list(
            pool.map(lambda source, sound: _excerpt(decoders, source, sound), sources, wanted)
        )


def _excerpt(decoders: Decoders, source: AudioSource, with_audio: bool) -> Excerpt:
    end_s = (source.start_s or 0.0) + MOST_S
    if source.end_s is not None:
        end_s = min(end_s, source.end_s)
    try:
        part = replace(source, end_s=end_s)
        waveform = np.concatenate(list(decoders.read_blocks_at(part, PICTURE_RATE, "soxr")))
    except AudiotlError as error:
        return Excerpt(problem=str(error))
    audio = sound(resample(waveform, PICTURE_RATE, RATE, "soxr")) if with_audio else ""
    length_s = len(waveform) / PICTURE_RATE
    return Excerpt(picture(waveform, PICTURE_RATE), audio, length_s=length_s)


def sound(waveform: Waveform) -> str:
    """Return sound at `RATE` as a data URI: MP3, or WAV where libsndfile has no MP3.

    (Ogg has a random number in it, so that no page would come out twice the same.)
    """
    import soundfile

    file = io.BytesIO()
    if "MP3" in soundfile.available_formats():
        soundfile.write(
            file, waveform, RATE, format="MP3", bitrate_mode="VARIABLE", compression_level=0.7
        )
        return _data_uri("audio/mpeg", file.getvalue())
    soundfile.write(file, waveform, RATE, format="WAV", subtype="PCM_16")
    return _data_uri("audio/wav", file.getvalue())


def picture(waveform: Waveform, sample_rate: int) -> str:
    """Return a spectrogram as a data URI: time to the right, mel bands up to half the rate.

    Parameters
    ----------
    waveform : float32 (n_samples,)
    sample_rate : int
        Hz.
    """
    shades = _shades(waveform, sample_rate)
    return _data_uri("image/png", _png(shades, _palette()))


def _shades(waveform: Waveform, sample_rate: int) -> npt.NDArray[np.uint8]:
    n_fft = _n_fft(sample_rate)
    if len(waveform) < n_fft:
        waveform = np.pad(waveform, (0, n_fft - len(waveform)))
    hop = max(n_fft // 4, len(waveform) // (2 * N_COLUMNS))
    magnitudes = spectra(waveform, window=n_fft, hop=hop, n_fft=n_fft)
    bands = magnitudes @ _filters(sample_rate)
    n_columns = min(len(bands), N_COLUMNS)
    edges = np.arange(n_columns) * len(bands) // n_columns
    columns = np.add.reduceat(bands, edges) / np.diff(edges, append=len(bands))[:, None]
    level = columns / max(float(columns.max()), 1e-9)
    decibel = 20 * np.log10(np.maximum(level, 10 ** (-RANGE_DB / 20)))
    share = 1 + decibel / RANGE_DB
    # low bands at the bottom; a picture's first row is its top
    return np.rint(share.T[::-1] * (N_SHADES - 1)).astype(np.uint8)


def _n_fft(sample_rate: int) -> int:
    return 1 << round(math.log2(0.046 * sample_rate))  # bins of about 20 Hz at any rate


def _filters(sample_rate: int) -> npt.NDArray[np.float32]:
    return mel_filters(
        sample_rate,
        _n_fft(sample_rate),
        N_BANDS,
        LOWEST_HZ,
        sample_rate / 2,
        scale="slaney",
        area_norm=False,
    )


def frequency_ticks(sample_rate: int = PICTURE_RATE) -> list[tuple[float, float]]:
    """Return kHz, and how high they are in a picture, 0 for its bottom and 1 for its top."""
    filters, n_fft = _filters(sample_rate), _n_fft(sample_rate)
    middles = (np.arange(N_BANDS) + 0.5) / N_BANDS
    found = []
    for khz in TICKS_KHZ:
        weights = filters[round(1000 * khz * n_fft / sample_rate)]
        found.append((khz, round(float(np.average(middles, weights=weights)), 3)))
    return found


def _palette() -> bytes:
    at = np.linspace(0, len(_ANCHORS) - 1, N_SHADES)
    channels = [
        np.interp(at, range(len(_ANCHORS)), anchors) for anchors in zip(*_ANCHORS, strict=True)
    ]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8).tobytes()


def _png(shades: npt.NDArray[np.uint8], palette: bytes) -> bytes:
    """Return a picture of numbered colours as a PNG file (ISO/IEC 15948)."""
    height, width = shades.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each begins with its filter: none
    rows[:, 1:] = shades
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = (
        (b"IHDR", header),
        (b"PLTE", palette),
        (b"IDAT", zlib.compress(rows.tobytes(), 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def _data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
