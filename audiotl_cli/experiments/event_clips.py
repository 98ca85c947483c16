"""Read the clips that a model of events is trained on, and mix background under a copy of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from audiotl_cli.audio.isolated import Decoders
from audiotl_cli.audio.types import Waveform
from audiotl_cli.classifiers.pooling import Pooled
from audiotl_cli.dataset.index import Clip, Index
from audiotl_cli.errors import AudioError
from audiotl_cli.experiments.background import read_samples
from audiotl_cli.experiments.features import LabelledFeatures
from audiotl_cli.experiments.mixing import GATE_DB, Mixer, frame_loudness, loudness, overlaps
from audiotl_cli.extractors.base import Extractor

Frames = npt.NDArray[np.float32]

CHUNK = 32
"""Clips whose samples are in memory at once."""

LEAST_OVERLAP = 0.5
"""Share of an event, or of a window if that is shorter, that a frame of the event holds."""


@dataclass(frozen=True)
class ClipFrames:
    """The frames of a clip, and those of a copy with background under it.

    Parameters
    ----------
    row : int
        Position of the clip.
    plain : float32 (n_frames, dim)
    mixed : float32 (n_frames, dim) or None
        None where there is no background to mix.
    active, active_mixed : bool (n_frames,)
        Which frames of each hold the sound of the clip.
    relative_db : float64 (n_frames,)
        How loud each frame of `plain` is, relative to the loudest of the clip; see
        `frame_loudness`.
    """

    row: int
    plain: Frames
    mixed: Frames | None
    active: npt.NDArray[np.bool_]
    active_mixed: npt.NDArray[np.bool_]
    relative_db: npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Sound:
    """The samples of a clip with what is around it, and where in them it lies, seconds."""

    row: int
    samples: Waveform
    start_s: float
    end_s: float
    in_context: bool

    def own(self, rate: int) -> Waveform:
        return self.samples[round(self.start_s * rate) : round(self.end_s * rate)]


def read_clips(
    data: LabelledFeatures,
    rows: Sequence[int],
    index: Index,
    extractor: Extractor,
    decoders: Decoders,
    mixer: Mixer | None,
    workers: int,
) -> Iterator[list[ClipFrames | str]]:
    """Read clips some at a time; those that cannot be read are texts that say why.

    A stretch of a recording is read with a window of what is around it, so that its frames are
    those that a recording has there. A clip that is shorter than a window gets silence around it
    before background is mixed.
    """

    def read(row: int) -> _Sound | str:
        try:
            return _read(row, data.clips[row], index, extractor, decoders)
        except AudioError as error:
            return f"{index.source(data.clips[row]).path}: {error}"

    with ThreadPoolExecutor(workers, thread_name_prefix="decode") as pool:
        for first in range(0, len(rows), CHUNK):
            found = list(pool.map(read, rows[first : first + CHUNK]))
            sounds = [sound for sound in found if not isinstance(sound, str)]
            yield [
                *(text for text in found if isinstance(text, str)),
                *_clip_frames(data, sounds, extractor, mixer),
            ]


def _read(row: int, clip: Clip, index: Index, extractor: Extractor, decoders: Decoders) -> _Sound:
    rate, margin_s = extractor.sample_rate, extractor.window_s
    source = index.source(clip)
    if clip.end_s is None:
        samples = read_samples(source, extractor, decoders)
        return _Sound(row, samples, 0.0, len(samples) / rate, in_context=False)
    start_s = clip.start_s or 0.0
    from_s = max(0.0, start_s - margin_s)
    around = replace(source, start_s=from_s, end_s=clip.end_s + margin_s)
    samples = read_samples(around, extractor, decoders)
    return _Sound(row, samples, start_s - from_s, clip.end_s - from_s, in_context=True)


def _clip_frames(
    data: LabelledFeatures, sounds: Sequence[_Sound], extractor: Extractor, mixer: Mixer | None
) -> list[ClipFrames]:
    rate = extractor.sample_rate
    plain = iter(embed([sound.samples for sound in sounds if sound.in_context], extractor))
    wide = [_with_room(sound, extractor) for sound in sounds]
    levels = [loudness(sound.own(rate), rate) for sound in sounds]
    copies = [
        None if mixer is None else mixer.mix(sound.samples, level, data.keys[sound.row])
        for sound, level in zip(wide, levels, strict=True)
    ]
    mixed = iter(embed([copy for copy in copies if copy is not None], extractor))
    clips = []
    for sound, room, level, copy in zip(sounds, wide, levels, copies, strict=True):
        frames = next(plain) if sound.in_context else _stored(data, sound.row)
        other = None if copy is None else next(mixed)
        if sound.in_context:
            relative = np.full(len(frames), -np.inf)
            active = _overlapping(sound, extractor, len(frames))
        else:
            relative = frame_loudness(level, extractor, len(frames))
            active = relative >= -GATE_DB
        active_mixed = active
        if other is not None and (room is not sound or len(other) != len(active)):
            active_mixed = _overlapping(room, extractor, len(other))
        clips.append(ClipFrames(sound.row, frames, other, active, active_mixed, relative))
    return clips


def _stored(data: LabelledFeatures, row: int) -> Frames:
    frames = data.frames[row][0]
    assert not isinstance(frames, Pooled)  # they are read as they are for the pooling "vote"
    return frames


def _with_room(sound: _Sound, extractor: Extractor) -> _Sound:
    """Return a sound with silence around it, if it is a clip shorter than a window."""
    n_window = round(extractor.window_s * extractor.sample_rate)
    if sound.in_context or len(sound.samples) >= n_window:
        return sound
    samples = np.pad(sound.samples, n_window)
    shift_s = n_window / extractor.sample_rate
    return replace(
        sound, samples=samples, start_s=sound.start_s + shift_s, end_s=sound.end_s + shift_s
    )


def _overlapping(sound: _Sound, extractor: Extractor, n_frames: int) -> npt.NDArray[np.bool_]:
    least_s = LEAST_OVERLAP * min(sound.end_s - sound.start_s, extractor.window_s / extractor.rows)
    shared = overlaps(sound.start_s, sound.end_s, extractor, n_frames)
    found: npt.NDArray[np.bool_] = shared >= max(least_s, 1e-9) - 1e-6
    return found


def embed(waveforms: Sequence[Waveform], extractor: Extractor) -> list[Frames]:
    """Return the frames of waveforms, whose windows go through the network together."""
    patches = [np.concatenate(list(extractor.patches([waveform]))) for waveform in waveforms]
    if not patches:
        return []
    frames = extractor.run(np.concatenate(patches))
    ends = np.cumsum([len(part) for part in patches])[:-1]
    return [part.reshape(-1, part.shape[-1]) for part in np.split(frames, ends)]
