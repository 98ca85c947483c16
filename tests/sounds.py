"""Signals the tests are made of."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import soundfile

from audiotl_cli.audio.types import Waveform


def sine(frequency: float, n_samples: int, sample_rate: int, peak: float = 0.5) -> Waveform:
    at_s = np.arange(n_samples) / sample_rate
    return (peak * np.sin(2 * np.pi * frequency * at_s)).astype(np.float32)


def noise(n_samples: int, seed: int = 0, peak: float = 0.5) -> Waveform:
    rng = np.random.default_rng(seed)
    return rng.uniform(-peak, peak, n_samples).astype(np.float32)


def write_wav(path: Path, samples: npt.ArrayLike, sample_rate: int, subtype: str = "FLOAT") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.asarray(samples), sample_rate, subtype=subtype, format="WAV")
    return path


def strongest_hz(waveform: Waveform, sample_rate: int) -> float:
    """Return the frequency of the highest peak of the spectrum, to a hundredth of a bin."""
    spectrum = np.abs(np.fft.rfft(waveform * np.hanning(len(waveform))))
    peak = int(spectrum.argmax())
    left, middle, right = np.log(spectrum[peak - 1 : peak + 2] + 1e-12)
    offset = 0.5 * (left - right) / (left - 2 * middle + right)
    return float((peak + offset) * sample_rate / len(waveform))


def encode(path: Path, samples: Waveform, sample_rate: int, codec: str, **kinds: str) -> Path:
    """Write a file by FFmpeg; samples are (n_samples,) or (n_samples, 2).

    `kinds` are ``format`` (else the suffix says it), and ``picture``, the codec of a few pictures
    beside the sound.
    """
    planes = np.ascontiguousarray(np.atleast_2d(samples.T), np.float32)
    layout = "stereo" if len(planes) == 2 else "mono"
    with av.open(str(path), "w", format=kinds.get("format")) as file:
        stream: Any = file.add_stream(codec, rate=sample_rate, layout=layout)
        formats = [form.name for form in stream.codec_context.codec.audio_formats]
        stream.codec_context.format = next((f for f in formats if f[:2] != "u8"), formats[0])
        stream.bit_rate = 12_200 if "amr" in codec else 128_000
        pictures = [add_pictures(file, kinds["picture"])] if "picture" in kinds else []
        stream.codec_context.open()
        n_frame = stream.codec_context.frame_size or 1024
        for start in range(0, planes.shape[1], n_frame):
            part = np.ascontiguousarray(planes[:, start : start + n_frame])
            frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = sample_rate, start
            frame.time_base = Fraction(1, sample_rate)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
        for write in pictures:
            write()
    return path


def add_pictures(file: Any, codec: str) -> Callable[[], None]:
    """Add a stream of pictures to a file, and return a function that writes them."""
    stream = file.add_stream(codec, rate=5)
    stream.width = stream.height = 64
    stream.pix_fmt = stream.codec_context.codec.video_formats[0].name

    def write() -> None:
        for _ in range(5):
            file.mux(stream.encode(av.VideoFrame(64, 64, stream.pix_fmt)))
        file.mux(stream.encode(None))

    return write
