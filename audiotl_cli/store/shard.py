"""Write and read shards: npz files of features, which are written once and never changed.

Anybody may have made a shard, so everything in it is checked. Any NumPy can read it:
``numpy.load(path, allow_pickle=False)`` gives ``frames`` (n, dim) float32, ``times`` (n,) seconds,
``keys`` (n_clips,) text, ``offsets`` (n_clips + 1,), the first frame of each clip, and ``format``.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from audiotl_cli.errors import AudiotlError, DataError
from audiotl_cli.files import NotAFileError, open_regular
from audiotl_cli.storage.cache import forget, open_cached
from audiotl_cli.storage.paths import AnyPath, write_whole
from audiotl_cli.store.arrays import Array, open_archive, read_arrays, read_header

SHARD_CLIPS = 256
SHARD_BYTES = 32 << 20
"""A shard is full when it has this many clips or bytes of frames."""

FORMAT = 1
MEMBERS = ("format", "keys", "offsets", "times", "frames")


class DamagedShardError(DataError):
    """A file is not a complete shard."""


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
        """Return a copy, which does not keep the memory of a whole shard in use."""
        return Features(self.frames.copy(), self.times.copy())


def is_full(n_clips: int, n_bytes: int) -> bool:
    """Return whether a shard with this many clips and bytes of frames is full."""
    return n_clips >= SHARD_CLIPS or n_bytes >= SHARD_BYTES


def write_shard(folder: AnyPath, clips: Mapping[str, Features], *, sync: bool = True) -> AnyPath:
    """Write clips into a new shard that is named by its content, and return its path.

    Readers see the whole shard or no shard. The same clips give the same bytes.

    Parameters
    ----------
    folder : Path or RemotePath
    clips : mapping of key to Features
    sync : bool
        Whether to wait until the shard is on the disk, so that it survives a power cut. It
        survives the end of this process in any case.
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
    # a single clip may be hours long: do not copy it
    whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return np.asarray(whole, dtype)


def read_keys(path: AnyPath, dim: int | None = None) -> list[str]:
    """Return the keys of the clips in a shard.

    For a shard on a disk, the width of the frames is checked as well.

    Parameters
    ----------
    path : Path or RemotePath
    dim : int, optional
        Values a frame.

    Raises
    ------
    DamagedShardError
        The file is not a complete shard, or its frames have another width.
    DataError
        The file cannot be opened.
    FileNotFoundError
        The file is gone: another process merged it into a larger shard.
    """
    with _opened(path, whole=False) as archive:
        keys = _keys(read_arrays(archive, ("format", "keys")))
        if isinstance(path, Path):  # on object storage, this takes one more request
            _check_frames(*read_header(archive, "frames"), dim)
        return keys


def read_shard(
    path: AnyPath, dim: int | None = None, *, fresh: bool = False
) -> Iterator[tuple[str, Features]]:
    """Return key and features of every clip in a shard; errors as `read_keys`.

    All checks are done before the first clip is yielded.

    Parameters
    ----------
    path : Path or RemotePath
    dim : int, optional
        Values a frame, according to the store's description.
    fresh : bool
        Whether to ignore the copies of objects in the cache folder.
    """
    try:
        keys, arrays = _read(path, dim, fresh=fresh)
    except DamagedShardError:
        if isinstance(path, Path) or fresh:
            raise
        forget(path)  # only the copy in the cache folder may be damaged
        keys, arrays = _read(path, dim, fresh=True)
    offsets, frames, times = arrays["offsets"], arrays["frames"], arrays["times"]
    for key, first, last in zip(keys, offsets[:-1], offsets[1:], strict=True):
        yield key, Features(frames[first:last], times[first:last])


def _read(path: AnyPath, dim: int | None, *, fresh: bool) -> tuple[list[str], dict[str, Array]]:
    with _opened(path, whole=True, fresh=fresh) as archive:
        arrays = read_arrays(archive, MEMBERS)
        keys = _keys(arrays)
        _check(arrays, len(keys), dim)
        return keys, arrays


@contextmanager
def _opened(path: AnyPath, *, whole: bool, fresh: bool = False) -> Iterator[zipfile.ZipFile]:
    """Open a shard; raise `DamagedShardError` for anything that is wrong with its content."""
    try:
        file = _open(path, whole=whole, fresh=fresh)
    except (NotAFileError, IsADirectoryError) as error:
        raise DamagedShardError(f"{path}: {error.strerror}") from error
    except FileNotFoundError:
        raise
    except OSError as error:  # the shard may be fine: it must not be set aside
        raise DataError(f"{path} cannot be opened ({error.strerror})") from error
    with file:
        try:
            with open_archive(file) as archive:
                yield archive
        except (
            MemoryError,
            FileNotFoundError,
            AudiotlError,
        ):  # these say nothing about the content
            raise
        except Exception as error:  # damage surfaces as many zipfile, zlib and NumPy types
            raise DamagedShardError(f"{path}: not a complete shard ({error})") from error


def _open(path: AnyPath, *, whole: bool, fresh: bool) -> BinaryIO:
    if isinstance(path, Path):
        return open_regular(path, follow=False)
    if not whole:
        return path.open("rb")
    return io.BytesIO(path.read_bytes()) if fresh else open_cached(path)


def _keys(arrays: Mapping[str, Array]) -> list[str]:
    """Check the format and the keys, and return the keys."""
    found, keys = arrays["format"], arrays["keys"]
    if found.shape != () or found.dtype.kind != "i" or found != FORMAT:
        raise ValueError(f"it has another format, expected {FORMAT}")
    if keys.ndim != 1 or keys.dtype.kind != "U":
        raise ValueError("its keys are not a list of text")
    names = [str(key) for key in keys]
    if len(set(names)) != len(names):
        raise ValueError("it holds the same clip twice")
    return names


def _check(arrays: Mapping[str, Array], n_clips: int, dim: int | None) -> None:
    """Raise `ValueError` if arrays do not fit together, or do not fit the store."""
    frames, times, offsets = arrays["frames"], arrays["times"], arrays["offsets"]
    _check_frames(frames.shape, frames.dtype, dim)
    fits = (
        times.dtype == np.float64
        and offsets.dtype == np.int64
        and offsets.shape == (n_clips + 1,)
        and times.shape == (len(frames),)
        and offsets[0] == 0
        and offsets[-1] == len(frames)
        and bool((offsets[1:] >= offsets[:-1]).all())
    )
    if not fits:
        raise ValueError("the shapes of its arrays do not match")
    if not (np.isfinite(frames).all() and np.isfinite(times).all()):
        raise ValueError("it holds values that are not finite numbers")
    if times.min(initial=0.0) < 0:  # rows of overlapping windows are not in order
        raise ValueError("it holds times before the start of a clip")


def _check_frames(shape: tuple[int, ...], dtype: np.dtype[Any], dim: int | None) -> None:
    if len(shape) != 2 or dtype != np.float32:
        raise ValueError(f"its frames are an array of {shape} {dtype}, expected (n, dim) float32")
    if dim is not None and shape[1] != dim:
        raise ValueError(f"it has {shape[1]} values per frame, the store has {dim}")
