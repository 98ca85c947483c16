"""Read a recording once, in constant memory, and measure all that an audit needs."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np

from audiotl_cli.audio.channels import mix_down
from audiotl_cli.audio.cut_short import is_cut_short
from audiotl_cli.audio.decode import channel_blocks, open_sound
from audiotl_cli.audio.fingerprint import FingerprintStream, Words
from audiotl_cli.audio.limits import (
    BAND_EDGES,
    BEYOND_SHARE,
    FULL_SCALE,
    LOST_IN_MIX,
    SILENT_SWING,
)
from audiotl_cli.audio.spectrum import SpectrumStream
from audiotl_cli.audio.types import AudioSource, Samples, Waveform
from audiotl_cli.errors import AudioError
from audiotl_cli.json_files import get

VERSION = 5
"""Raised whenever the same recording would be measured differently."""

SMALL_BLOCK = 1 << 12
"""Samples read at once from a damaged file: a block that fails is lost as a whole."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """The measurement of a recording, or of a stretch of one.

    Parameters
    ----------
    sample_rate, n_channels : int
    n_samples : int
        Number of samples in each channel that were decoded, whatever the header says.
    cut_short : bool
        Whether the header promises more samples than the file holds.
    broken : str
        Why decoding stopped early; else empty.
    swing : float
        Half the distance from the lowest to the highest sample, the maximum over channels.
    offset : float
        Mean of the samples in the channel where it is farthest from 0.
    deviation : float
        Standard deviation of the samples in that channel.
    clipped : float
        Share of samples in flat runs at full scale.
    silent : sequence of int
        Positions of the channels in which nothing can be heard.
    mixed : float
        Variance of the mono mix as a share of the mean variance of the channels, times their
        number; see `LOST_IN_MIX`.
    beyond : sequence of float
        Share of the power of the mono mix above each of `BAND_EDGES`.
    original_rate : int
        The lower rate from which it was upsampled, Hz; 0 if there is no sign of it.
    pcm : str
        SHA-256 of the decoded samples, with rate and channels.
    words : uint32 (n_words,)
        Its fingerprint.
    """

    sample_rate: int
    n_channels: int
    n_samples: int
    cut_short: bool
    broken: str
    swing: float
    offset: float
    deviation: float
    clipped: float
    silent: Sequence[int]
    mixed: float
    beyond: Sequence[float]
    original_rate: int
    pcm: str
    words: Words

    @property
    def duration_s(self) -> float:
        """The length in seconds."""
        return self.n_samples / self.sample_rate

    @property
    def cancels(self) -> bool:
        """Whether the channels cancel in the mono mix, which is all that networks hear."""
        return len(self.silent) < self.n_channels and self.mixed < LOST_IN_MIX

    def is_beyond(self, hz: float) -> bool:
        """Return whether nearly all of the sound is above a frequency, as far as that is known."""
        known = (share for edge, share in zip(BAND_EDGES, self.beyond, strict=True) if edge >= hz)
        return next(known, 0.0) >= BEYOND_SHARE

    def as_json(self) -> bytes:
        """Return the measurement as JSON, on one line of ASCII."""
        words = base64.b64encode(self.words.astype("<u4").tobytes()).decode()
        values = {name: getattr(self, name) for name in _NAMES} | {"words": words}
        return json.dumps(values).encode("ascii")

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Return the measurement from the parsed JSON of `as_json`.

        Raises
        ------
        DataError, ValueError
            A value is missing, of another type or impossible.
        """
        kinds = {"int": int, "float": float, "str": str, "bool": bool}
        kinds |= {"Sequence[int]": list, "Sequence[float]": list}
        values: dict[str, Any] = {
            name: get(value, name, kinds.get(kind, str)) for name, kind in _NAMES.items()
        }
        if min(values["sample_rate"], values["n_channels"], values["n_samples"] + 1) < 1:
            raise ValueError("its counts are not possible")
        numbers = [*values["beyond"], *values["silent"]]
        if len(values["beyond"]) != len(BAND_EDGES) or not {*map(type, numbers)} <= {int, float}:
            raise ValueError("its shares or channels are not possible")
        words = np.frombuffer(base64.b64decode(values["words"], validate=True), "<u4")
        return cls(**values | {"words": words})


_NAMES = {field.name: str(field.type) for field in fields(Measurement)}
"""Names of the fields with their types, as written above."""


def measure(source: AudioSource, on_block: Callable[[], None] = lambda: None) -> Measurement:
    """Measure a recording.

    Parameters
    ----------
    source : AudioSource
    on_block : callable
        Called after every block.

    Raises
    ------
    AudioError
        As `decode.read_blocks`, except for a file that breaks off after its first samples;
        ``cut_short`` if a file ends before them.
    """
    try:
        return _measure(source, on_block)
    except AudioError as error:
        if error.code == "empty" and _is_whole(source) and is_cut_short(source.path):
            raise AudioError(f"{error}: its end is missing", code="cut_short") from error
        if error.code != "unreadable" or error.stage != "decode":
            raise
    return _measure(source, on_block, SMALL_BLOCK)  # measures the samples before the damage


def _measure(
    source: AudioSource, on_block: Callable[[], None], n_block: int | None = None
) -> Measurement:
    with open_sound(source.path, source.content) as sound:
        rate, n_channels = sound.sample_rate, sound.n_channels
        levels = _Levels(n_channels, lossy=sound.is_lossy)
        spectrum, fingerprint = SpectrumStream(rate), FingerprintStream(rate)
        pcm = hashlib.sha256(f"{rate} {n_channels} ".encode())
        broken = ""
        try:
            for block in channel_blocks(sound, source, n_block):
                mono = mix_down(block)
                levels.add(block, mono)
                spectrum.add(mono)
                fingerprint.add(mono)
                pcm.update(np.add(block, 0.0, dtype="<f4").data)  # -0 is 0
                on_block()
        except AudioError as error:
            if not levels.n_samples or error.code != "unreadable":
                raise
            broken = str(error)
        short = bool(broken) or sound.lacks(levels.n_samples) or is_cut_short(source.path)
        return Measurement(
            sample_rate=rate,
            n_channels=n_channels,
            n_samples=levels.n_samples,
            cut_short=short and _is_whole(source),
            broken=broken,
            beyond=spectrum.shares_above(BAND_EDGES),
            original_rate=spectrum.original_rate(),
            pcm=pcm.hexdigest(),
            words=fingerprint.words(),
            **levels.found(),
        )


def _is_whole(source: AudioSource) -> bool:
    return source.start_s is None and source.end_s is None


class _Levels:
    """Lowest, highest and mean sample of channels, their mix, and flat runs at full scale.

    In a lossless format, the samples of a flat run are equal. After lossy compression they vary,
    and may exceed full scale.
    """

    def __init__(self, n_channels: int, *, lossy: bool) -> None:
        self._lossy = lossy
        self.n_samples = 0
        self._lowest = np.full(n_channels, np.inf)
        self._highest = np.full(n_channels, -np.inf)
        self._sum, self._squares = np.zeros(n_channels), np.zeros(n_channels)
        self._mixed_sum, self._mixed_squares = 0.0, 0.0
        self._n_clipped = 0
        self._last = np.zeros((2, n_channels), np.float32)  # the end of the block before

    def add(self, block: Samples, mono: Waveform) -> None:
        self.n_samples += len(block)
        lowest, highest = block.min(axis=0), block.max(axis=0)
        self._lowest = np.minimum(self._lowest, lowest)
        self._highest = np.maximum(self._highest, highest)
        self._sum += block.sum(axis=0, dtype=np.float64)
        self._squares += np.einsum("ij,ij->j", block, block, dtype=np.float64)
        self._mixed_sum += float(mono.sum(dtype=np.float64))
        self._mixed_squares += float(np.einsum("i,i", mono, mono, dtype=np.float64))
        if max(highest.max(), -lowest.min()) >= FULL_SCALE:
            self._n_clipped += self._count_clipped(np.concatenate([self._last, block]))
        self._last = np.concatenate([self._last, block[-2:]])[-2:]

    def _count_clipped(self, samples: Samples) -> int:
        """Count the samples at full scale that follow two equal ones."""
        full = np.abs(samples) >= FULL_SCALE
        before, after = samples[:-1], samples[1:]
        same = np.sign(before) == np.sign(after) if self._lossy else before == after
        continues = full[:-1] & full[1:] & same
        return int(np.count_nonzero(continues[:-1] & continues[1:]))

    def found(self) -> dict[str, Any]:
        mean = self._sum / self.n_samples
        variance = np.maximum(self._squares / self.n_samples - mean**2, 0.0)
        worst = int(np.abs(mean).argmax())
        n_values = self.n_samples * len(mean)
        mixed = self._mixed_squares / self.n_samples - (self._mixed_sum / self.n_samples) ** 2
        total = float(variance.sum())
        return {
            "swing": float((self._highest - self._lowest).max() / 2),
            "offset": float(mean[worst]),
            "deviation": float(np.sqrt(variance[worst])),
            "clipped": self._n_clipped / n_values,
            "silent": np.flatnonzero((self._highest - self._lowest) / 2 < SILENT_SWING).tolist(),
            "mixed": max(mixed, 0.0) * len(mean) ** 2 / total if total > 0 else 1.0,
        }
