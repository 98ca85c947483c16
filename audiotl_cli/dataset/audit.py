"""Look at every recording of an index before anything is learnt from it."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from audiotl_cli.audio.decode import probe
from audiotl_cli.dataset.index import Clip
from audiotl_cli.errors import AudioError
from audiotl_cli.storage.paths import AnyPath, join

PROBLEM_OF_CODE = {"empty": "empty"}  # every other error of audio is "unreadable"


def audit(
    clips: list[Clip],
    root: AnyPath,
    sha256_of: Callable[[AnyPath], str],
    on_clip: Callable[[int, int], None],
    *,
    workers: int = 4,
) -> list[Clip]:
    """Look at every recording and fill the audit columns.

    Parameters
    ----------
    clips : list of Clip
    root : Path or RemotePath
        What their paths are relative to.
    sha256_of : callable
        Returns the hash of a file.
    on_clip : callable
        Told how many are done, and of how many.
    workers : int
        Threads.

    Returns
    -------
    clips : list of Clip
        With duration, rate, channels and hash, and ``unreadable`` or ``empty`` as problems.
    """
    checked = []
    with ThreadPoolExecutor(workers) as pool:
        for clip in pool.map(lambda clip: _check(clip, root, sha256_of), clips):
            checked.append(clip)
            on_clip(len(checked), len(clips))
    return checked


def problems(clips: list[Clip]) -> dict[str, list[str]]:
    """Return the paths that have each problem."""
    found: dict[str, list[str]] = {}
    for clip in clips:
        for code in filter(None, clip.problems.split(";")):
            found.setdefault(code, []).append(clip.path)
    return found


def _check(clip: Clip, root: AnyPath, sha256_of: Callable[[AnyPath], str]) -> Clip:
    try:
        path = join(root, clip.path)
        info = probe(path)
        sha256 = sha256_of(path)
    except AudioError as error:
        return replace(clip, problems=PROBLEM_OF_CODE.get(error.code, "unreadable"))
    known = not math.isnan(info.duration_s)
    return replace(
        clip,
        duration_s=round(info.duration_s, 6) if known else None,
        sample_rate=info.sample_rate,
        channels=info.n_channels,
        sha256=sha256,
        problems="empty" if info.duration_s == 0 else "",
    )
