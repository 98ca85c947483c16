"""Recordings as Python code hands them over: files, or waveforms as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from audiotl_cli.errors import UsageError
from audiotl_cli.storage.remote import RemotePath

PATHS = (str, Path, RemotePath)


def listed(recordings: Any) -> list[Any]:
    """Return recordings as a list; one path or one array is one recording."""
    if isinstance(recordings, PATHS) or _is_waveform(recordings):
        return [recordings]
    return list(recordings)


def is_paths(items: Sequence[Any], sample_rate: int | None) -> bool:
    """Return whether recordings are files rather than waveforms.

    Raises
    ------
    UsageError
        They are both, waveforms come without a sample rate, or files with one.
    """
    n_paths = sum(isinstance(item, PATHS) for item in items)
    if n_paths not in (0, len(items)):
        raise UsageError("paths and waveforms cannot be mixed; give one kind at a time")
    if items and not n_paths and sample_rate is None:
        raise UsageError("waveforms need a sample rate: give sample_rate=HZ as well")
    if n_paths and sample_rate is not None:
        raise UsageError("sample_rate is only for waveforms: files have their own")
    return not items or bool(n_paths)


def _is_waveform(recordings: Any) -> bool:
    if isinstance(recordings, np.ndarray):
        return recordings.dtype != object and recordings.dtype.kind not in "US"
    return (
        isinstance(recordings, Sequence)
        and len(recordings) > 0
        and np.isscalar(recordings[0])
        and not isinstance(recordings[0], str)
    )
