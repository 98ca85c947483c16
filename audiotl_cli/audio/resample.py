"""Change the sample rate, by soxr (default) or resampy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from audiotl_cli.audio.decode import read_blocks
from audiotl_cli.audio.levels import LevelMeter
from audiotl_cli.audio.types import AudioSource, Waveform
from audiotl_cli.errors import UsageError
from audiotl_cli.extractor_config import MIX, RESAMPLERS


def resample(waveform: Waveform, sample_rate: int, to_rate: int, resampler: str) -> Waveform:
    """Return a waveform at another rate.

    Parameters
    ----------
    waveform : float32 (n_samples,)
    sample_rate, to_rate : int
        Hz.
    resampler : {"soxr", "resampy"}

    Returns
    -------
    waveform : float32 (round(n_samples * to_rate / sample_rate),), give or take a sample

    Raises
    ------
    UsageError
        The resampler is not one of `RESAMPLERS`.
    """
    blocks = resample_blocks(iter([(waveform, sample_rate)]), to_rate, resampler)
    return np.concatenate(list(blocks) or [waveform[:0]])


def resample_blocks(
    blocks: Iterable[tuple[Waveform, int]], to_rate: int, resampler: str
) -> Iterator[Waveform]:
    """Resample a stream of blocks; soxr in constant memory, resampy all at once.

    resampy has no streaming form, so with it memory grows with the recording.

    Yields
    ------
    block : float32 (n_samples,), at `to_rate`, never empty
    """
    check_resampler(resampler)
    stream = None
    held: list[Waveform] = []
    rate = to_rate
    for block, rate in blocks:
        if rate == to_rate:
            yield block
        elif resampler == "resampy":
            held.append(block)
        else:
            if stream is None:
                import soxr

                stream = soxr.ResampleStream(rate, to_rate, 1, dtype="float32", quality="HQ")
            part = stream.resample_chunk(block)
            if len(part):
                yield part
    if stream is not None:
        part = stream.resample_chunk(np.zeros(0, np.float32), last=True)
        if len(part):
            yield part
    if held:
        _refuse_settings_of_numba()
        import resampy

        waveform = np.concatenate(held)
        if len(waveform) * to_rate >= rate:  # resampy refuses to make less than one sample
            yield resampy.resample(waveform, rate, to_rate).astype(np.float32)


def read_blocks_at(
    source: AudioSource, to_rate: int, resampler: str, meter: LevelMeter | None = None
) -> Iterator[Waveform]:
    """Decode a source into mono blocks at `to_rate`; errors as `read_blocks`.

    A `meter` measures what passes.
    """
    if meter is None:
        return resample_blocks(read_blocks(source), to_rate, resampler)
    # whether channels cancel each other is of no interest where one of them was chosen
    on_channels = meter.on_channels if source.channel == MIX else None
    blocks = meter.before(read_blocks(source, on_channels))
    return meter.after(resample_blocks(blocks, to_rate, resampler))


def _refuse_settings_of_numba() -> None:
    """Raise `UsageError` where numba, which resampy imports, would obey a file found here."""
    file = Path(".numba_config.yaml").absolute()
    if file.exists():
        raise UsageError(
            f"{file} would be obeyed by numba, which resampy uses: it can name files to write. "
            "Move it away, or start audiotl in another folder"
        )


def check_resampler(resampler: str) -> None:
    """Raise `UsageError` unless `resampler` is known."""
    if resampler not in RESAMPLERS:
        raise UsageError(f"unknown resampler {resampler!r}; choose from {', '.join(RESAMPLERS)}")
