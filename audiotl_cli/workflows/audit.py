"""Listen to every clip of an index once, on all cores, and remember what was found."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

from audiotl_cli.audio.isolated import Decoders
from audiotl_cli.audio.measure import Measurement
from audiotl_cli.audio.types import AudioSource
from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.measured import Found, MeasuredClips
from audiotl_cli.errors import AudioError, UsageError
from audiotl_cli.processors import n_processors
from audiotl_cli.project import Project
from audiotl_cli.storage.paths import AnyPath, join
from audiotl_cli.store.memo import HashMemo, clip_key

SAVE_EVERY_S = 5.0
"""A run that is killed loses no more than this of what it has measured."""

AHEAD = 256
"""Recordings on their way at once: one that takes long lets the others go on meanwhile."""

OnClip = Callable[[int, int, float], None]
"""Told the clips done, of how many, and the seconds of audio decoded so far."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a clip was found to be.

    Parameters
    ----------
    sha256 : str
        Of its file; empty if that cannot be read.
    found : Measurement or AudioError
    decoded_s : float
        Seconds that were decoded for it now; 0 where it was known.
    """

    sha256: str
    found: Found
    decoded_s: float = 0.0


def listen_to_clips(
    clips: Sequence[Clip],
    root: AnyPath,
    *,
    project: Project | None = None,
    workers: int | None = None,
    on_clip: OnClip,
) -> list[Heard]:
    """Measure every clip that is not known yet.

    Parameters
    ----------
    clips : sequence of Clip
    root : Path or RemotePath
        What their paths are relative to.
    project : Project or None
    workers : int or None
        Processes that decode; None is one a core.
    on_clip : callable

    Raises
    ------
    UsageError
        `workers` is no count.
    """
    if workers is not None and workers < 1:
        raise UsageError("--workers is a count from 1")
    project = project or Project()
    memo, measured = project.open_memo(), project.open_measured()
    stretches = [(clip.path, clip.start_s, clip.end_s) for clip in clips]
    heard: dict[tuple[str, float | None, float | None], Heard] = {}
    unique = list(dict.fromkeys(stretches))
    audio_s, saved = 0.0, time.monotonic()
    try:
        with _on_threads(workers or n_processors()) as (threads, decoders):

            def listen(source: AudioSource) -> Heard:
                return _listen(source, memo, measured, decoders)

            # paths as objects take more memory than all else that is known of a clip
            sources = (AudioSource(join(root, path), start, end) for path, start, end in unique)
            for stretch, one in zip(unique, _in_order(threads, listen, sources), strict=True):
                heard[stretch] = one
                audio_s += one.decoded_s
                on_clip(len(heard), len(unique), audio_s)
                if time.monotonic() - saved > SAVE_EVERY_S:
                    measured.save()
                    saved = time.monotonic()
    finally:
        measured.save()
        memo.save()
    return [heard[stretch] for stretch in stretches]


@contextmanager
def _on_threads(workers: int) -> Iterator[tuple[ThreadPoolExecutor, Decoders]]:
    """Open threads and decoders; whatever ends the work ends them at once."""
    with ThreadPoolExecutor(workers) as threads, Decoders() as decoders:
        try:
            yield threads, decoders
        except BaseException:
            decoders.stop()
            threads.shutdown(wait=False, cancel_futures=True)
            raise


def _in_order(
    threads: ThreadPoolExecutor,
    listen: Callable[[AudioSource], Heard],
    sources: Iterable[AudioSource],
) -> Iterator[Heard]:
    """Work ahead by so many only: what waits takes memory."""
    pending: deque[Future[Heard]] = deque()
    for source in sources:
        pending.append(threads.submit(listen, source))
        if len(pending) >= AHEAD:
            yield pending.popleft().result()
    for future in pending:
        yield future.result()


def _listen(
    source: AudioSource, memo: HashMemo, measured: MeasuredClips, decoders: Decoders
) -> Heard:
    try:
        content = memo.content(source.path)
    except AudioError as error:
        return Heard("", error)
    sha256 = content.sha256
    key = clip_key(sha256, source.start_s, source.end_s)
    known = measured.get(key)
    if known is not None:
        return Heard(sha256, known)
    try:
        measurement = decoders.measure(replace(source, content=content))
    except AudioError as error:
        measured.add_error(key, error)
        return Heard(sha256, error)
    measured.add(key, measurement)
    found = Measurement.from_json(json.loads(measurement))
    return Heard(sha256, found, found.duration_s)
