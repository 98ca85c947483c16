"""Measure every clip of an index once, on all cores, and remember the measurements."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from audiotl_cli.audio.isolated import Decoders
from audiotl_cli.audio.measure import Measurement
from audiotl_cli.audio.types import AudioSource
from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.measured import Finding, MeasuredClips
from audiotl_cli.errors import AudioError, UsageError
from audiotl_cli.processors import n_processors
from audiotl_cli.storage.contents import Content
from audiotl_cli.storage.paths import AnyPath, join

SAVE_EVERY_S = 5.0
"""A run that is killed loses no more than the measurements of this time."""

AHEAD = 256
"""Recordings in progress at once, so that one that takes long does not stop the others."""

Key = Callable[[str, float | None, float | None], str]
"""Returns the key of a clip: of its file's SHA-256, and its start and end."""

OnClip = Callable[[int, int, float], None]
"""Takes the number of clips done, the number of all clips, and the seconds of audio decoded."""


@dataclass(frozen=True, slots=True)
class MeasuredClip:
    """A clip's measurement.

    Parameters
    ----------
    sha256 : str
        Of its file; empty if that cannot be read.
    finding : Measurement or AudioError
    decoded_s : float
        Seconds of audio decoded for it; 0 if its measurement was known.
    """

    sha256: str
    finding: Finding
    decoded_s: float = 0.0


class ContentMemo(Protocol):
    """Remembers what files hold, as `store.memo.HashMemo` does."""

    def content(self, path: AnyPath) -> Content:
        """Return what a file holds."""

    def save(self) -> None:
        """Remember it for later runs."""


def measure_clips(
    clips: Sequence[Clip],
    root: AnyPath,
    memo: ContentMemo,
    measured: MeasuredClips,
    key_of: Key,
    *,
    workers: int | None = None,
    on_clip: OnClip,
) -> list[MeasuredClip]:
    """Measure every clip whose measurement is not known yet.

    Parameters
    ----------
    clips : sequence of Clip
    root : Path or RemotePath
        What their paths are relative to.
    memo : ContentMemo
    measured : MeasuredClips
        Measurements that are known; new ones are added.
    key_of : callable
        See `Key`.
    workers : int or None
        Processes that decode; None is one a core.
    on_clip : callable

    Raises
    ------
    UsageError
        `workers` is below 1.
    """
    if workers is not None and workers < 1:
        raise UsageError("--workers is a count from 1")
    stretches = [(clip.path, clip.start_s, clip.end_s) for clip in clips]
    found: dict[tuple[str, float | None, float | None], MeasuredClip] = {}
    unique = list(dict.fromkeys(stretches))
    audio_s, saved = 0.0, time.monotonic()
    try:
        with _on_threads(workers or n_processors()) as (threads, decoders):
            measure = partial(
                _measure, memo=memo, measured=measured, key_of=key_of, decoders=decoders
            )
            # path objects take more memory than the rest of a clip, so few exist at once
            sources = (AudioSource(join(root, path), start, end) for path, start, end in unique)
            for stretch, clip in zip(unique, _in_order(threads, measure, sources), strict=True):
                found[stretch] = clip
                audio_s += clip.decoded_s
                on_clip(len(found), len(unique), audio_s)
                if time.monotonic() - saved > SAVE_EVERY_S:
                    measured.save()
                    saved = time.monotonic()
    finally:
        measured.save()
        memo.save()
    return [found[stretch] for stretch in stretches]


@contextmanager
def _on_threads(workers: int) -> Iterator[tuple[ThreadPoolExecutor, Decoders]]:
    """Open threads and decoders, which end at once when an error ends the work."""
    with ThreadPoolExecutor(workers) as threads, Decoders() as decoders:
        try:
            yield threads, decoders
        except BaseException:
            decoders.stop()
            threads.shutdown(wait=False, cancel_futures=True)
            raise


def _in_order(
    threads: ThreadPoolExecutor,
    measure: Callable[[AudioSource], MeasuredClip],
    sources: Iterable[AudioSource],
) -> Iterator[MeasuredClip]:
    """Yield results in order, with at most `AHEAD` in progress to save memory."""
    pending: deque[Future[MeasuredClip]] = deque()
    for source in sources:
        pending.append(threads.submit(measure, source))
        if len(pending) >= AHEAD:
            yield pending.popleft().result()
    for future in pending:
        yield future.result()


def _measure(
    source: AudioSource,
    memo: ContentMemo,
    measured: MeasuredClips,
    key_of: Key,
    decoders: Decoders,
) -> MeasuredClip:
    try:
        content = memo.content(source.path)
    except AudioError as error:
        return MeasuredClip("", error)
    sha256 = content.sha256
    key = key_of(sha256, source.start_s, source.end_s)
    known = measured.get(key)
    if known is not None:
        return MeasuredClip(sha256, known)
    try:
        measurement = decoders.measure(replace(source, content=content))
    except AudioError as error:
        measured.add_error(key, error)
        return MeasuredClip(sha256, error)
    measured.add(key, measurement)
    finding = Measurement.from_json(json.loads(measurement))
    return MeasuredClip(sha256, finding, finding.duration_s)
