"""One shard: an npz file that is written once, whole, and never believed unread.

Any NumPy reads it: ``numpy.load(path, allow_pickle=False)`` gives ``frames`` (n, dim)
float32, ``times`` (n,) seconds, ``keys`` (n_clips,) text, ``offsets`` (n_clips + 1,) where
each clip's frames begin, and ``format``.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from audiotl_cli.errors import AudiotlError, DataError
from audiotl_cli.storage.cache import forget, open_cached
from audiotl_cli.storage.paths import AnyPath, open_file, write_whole

SHARD_CLIPS = 256
SHARD_BYTES = 32 << 20
"""A shard is closed when it has this many clips or bytes of frames."""

FORMAT = 1
MEMBERS = ("format", "keys", "offsets", "times", "frames")


class DamagedShardError(DataError):
    """A shard's file is not what was written."""


@dataclass(frozen=True)
class Features:
    """The frames of one clip.

    Parameters
    ----------
    frames : float32 (n_frames, dim)
    times : float64 (n_frames,)
        Seconds from the start of the clip.
    """

    frames: npt.NDArray[np.float32]
    times: npt.NDArray[np.float64]

    def copy(self) -> Features:
        """Return the same with memory of its own, rather than a part of a shard's."""
        return Features(self.frames.copy(), self.times.copy())


def is_full(n_clips: int, n_bytes: int) -> bool:
    """Return whether a shard of so many clips and bytes of frames is closed."""
    return n_clips >= SHARD_CLIPS or n_bytes >= SHARD_BYTES


def write_shard(folder: AnyPath, clips: Mapping[str, Features], *, sync: bool = True) -> AnyPath:
    """Write clips into a new shard, named by its content, and return its path.

    Readers see a whole shard or none. The same clips give the same bytes.

    Parameters
    ----------
    folder : Path or RemotePath
    clips : mapping of key to Features
    sync : bool
        Whether to wait until the disk has it, so that a power cut cannot take it back.
        Without, it still survives the death of this process.
    """
    keys = sorted(clips)
    lengths = [len(clips[key].frames) for key in keys]
    buffer = io.BytesIO()
    np.savez(
        buffer,
        format=np.int64(FORMAT),
        keys=np.array(keys, dtype=np.str_),
        offsets=np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64),
        times=_joined([clips[key].times for key in keys], np.float64),
        frames=_joined([clips[key].frames for key in keys], np.float32),
    )
    data = buffer.getbuffer()
    path = folder / f"shard-{hashlib.sha256(data).hexdigest()[:16]}.npz"
    write_whole(path, data, sync=sync)
    return path


def _joined(parts: list[npt.NDArray[Any]], dtype: type[np.floating[Any]]) -> npt.NDArray[Any]:
    # a single clip may be hours long: no copies of it
    whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return np.asarray(whole, dtype)


def read_keys(path: AnyPath) -> list[str]:
    """Return the keys of the clips in a shard.

    Raises
    ------
    DamagedShardError
        The file is not a whole shard.
    DataError
        It cannot be opened.
    FileNotFoundError
        It is gone: another process merged it into a larger one.
    """
    arrays = _read(path, ("format", "keys"))
    return [str(key) for key in arrays["keys"]]


def read_shard(path: AnyPath, *, fresh: bool = False) -> Iterator[tuple[str, Features]]:
    """Return key and features of every clip in a shard; errors as `read_keys`.

    Parameters
    ----------
    path : Path or RemotePath
    fresh : bool
        Whether a shard on object storage is read there, whatever the cache folder holds.
    """
    arrays = _read(path, MEMBERS, fresh=fresh)
    keys, offsets = arrays["keys"], arrays["offsets"]
    frames, times = arrays["frames"], arrays["times"]
    fits = (
        frames.ndim == 2
        and frames.dtype == np.float32
        and times.dtype == np.float64
        and offsets.dtype == np.int64
        and offsets.shape == (len(keys) + 1,)
        and times.shape == (len(frames),)
        and offsets[0] == 0
        and offsets[-1] == len(frames)
        and bool((np.diff(offsets) >= 0).all())
    )
    if not fits:
        raise DamagedShardError(f"{path}: its arrays do not fit together")
    for key, first, last in zip(keys, offsets[:-1], offsets[1:], strict=True):
        yield str(key), Features(frames[first:last], times[first:last])


def _read(
    path: AnyPath, members: tuple[str, ...], *, fresh: bool = False
) -> dict[str, npt.NDArray[Any]]:
    try:
        return _read_arrays(path, members, fresh=fresh)
    except DamagedShardError:
        if isinstance(path, Path) or fresh:
            raise
        forget(path)  # the copy in the cache folder may be what is damaged
        return _read_arrays(path, members, fresh=True)


def _open(path: AnyPath, members: tuple[str, ...], *, fresh: bool) -> BinaryIO:
    if isinstance(path, Path) or members is not MEMBERS:
        return open_file(path)
    return io.BytesIO(path.read_bytes()) if fresh else open_cached(path)


def _read_arrays(
    path: AnyPath, members: tuple[str, ...], *, fresh: bool
) -> dict[str, npt.NDArray[Any]]:
    try:
        file = _open(path, members, fresh=fresh)
    except FileNotFoundError:
        raise
    except OSError as error:  # says nothing about the shard: it must not be moved aside
        raise DataError(f"{path} cannot be opened ({error.strerror})") from error
    with file:
        try:
            with zipfile.ZipFile(file) as archive:
                size = file.seek(0, os.SEEK_END)
                arrays = {name: _read_member(archive, f"{name}.npy", size) for name in members}
        except (MemoryError, FileNotFoundError, AudiotlError):  # it could not be read to its end
            raise
        except Exception as error:  # damage surfaces as many zipfile, zlib and NumPy types
            raise DamagedShardError(f"{path}: not a whole shard ({error})") from error
    if arrays["format"].tolist() != FORMAT:
        raise DamagedShardError(f"{path}: format {arrays['format']}, expected {FORMAT}")
    if arrays["keys"].ndim != 1 or arrays["keys"].dtype.kind != "U":
        raise DamagedShardError(f"{path}: its keys are not a list of text")
    return arrays


def _read_member(archive: zipfile.ZipFile, name: str, archive_size: int) -> npt.NDArray[Any]:
    """Read one array, its size checked against its header before memory is taken."""
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or info.file_size > archive_size:
        raise ValueError(f"{name} claims {info.file_size} bytes")
    data = archive.read(info)  # checks the CRC
    header = io.BytesIO(data)
    version = np.lib.format.read_magic(header)
    if version != (1, 0):
        raise ValueError(f"{name} has npy version {version}")
    shape, by_column, dtype = np.lib.format.read_array_header_1_0(header)
    n_bytes = math.prod(shape) * dtype.itemsize
    if dtype.hasobject or (by_column and len(shape) > 1) or n_bytes != len(data) - header.tell():
        raise ValueError(f"{name} claims an array of {shape} {dtype}")
    return np.frombuffer(data, dtype, offset=header.tell()).reshape(shape)
