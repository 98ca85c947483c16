"""Read the per-frame feature files of sklearn-audio-transfer-learning.

They hold a row for each frame: ``X`` (n, dim) are features, ``Y`` (n,) numbers of labels and
``IDS`` (n,) the clips that the rows belong to.
"""

from __future__ import annotations

import hashlib
import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from audiotl_cli.errors import DataError, is_out_of_memory
from audiotl_cli.files import open_regular
from audiotl_cli.store.shard import Features
from audiotl_cli.store.store import FeatureStore

MAX_INFLATION = 200
"""Ratio of uncompressed to compressed bytes. Deflate reaches 1032, for nothing but zeros."""


@dataclass(frozen=True)
class SeedClip:
    """A clip of a feature file.

    Parameters
    ----------
    path : str
    label : str
    frames : float32 (n_frames, dim)
    """

    path: str
    label: str
    frames: npt.NDArray[np.float32]


def read_seed_file(path: Path) -> list[SeedClip]:
    """Return the clips of a feature file, in the order they first appear.

    The label of a clip is the name of its folder if folders and numbers in ``Y`` correspond one
    to one, and the number in ``Y`` otherwise.

    Raises
    ------
    DataError
        The file is missing, damaged, or does not hold the three arrays.
    """
    try:
        with open_regular(path) as file, np.load(file, allow_pickle=False) as arrays:
            missing = {"X", "Y", "IDS"} - set(arrays.files)
            if missing:
                raise DataError(
                    f"{path} holds {', '.join(arrays.files) or 'nothing'}; expected the arrays "
                    "X (features), Y (labels) and IDS (clips)"
                )
            _check_sizes(path, arrays.zip.infolist())
            _check_claims(arrays.zip)
            features, numbers, ids = arrays["X"], arrays["Y"], arrays["IDS"]
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except DataError:
        raise
    except Exception as error:  # damage surfaces as many zipfile, zlib and NumPy types
        if is_out_of_memory(error):
            raise
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"{path} cannot be read as an npz file ({reason})") from error
    same_length = numbers.shape == ids.shape == features.shape[:1] != (0,)
    if features.ndim != 2 or features.dtype.kind not in "fiu" or not same_length:
        raise DataError(
            f"{path}: X {features.shape} {features.dtype}, Y {numbers.shape} and IDS {ids.shape} "
            "do not belong together; expected numbers (n, dim), (n,) and (n,)"
        )
    names = ids.astype(str)
    clips, first, clip_of = np.unique(names, return_index=True, return_inverse=True)
    labels = _labels([str(clip) for clip in clips], [str(numbers[i]) for i in first])
    rows_of = np.split(np.argsort(clip_of, kind="stable"), np.cumsum(np.bincount(clip_of))[:-1])
    with np.errstate(over="ignore"):
        frames = features.astype(np.float32)
    if not np.isfinite(frames).all():
        raise DataError(f"{path}: X holds values that are not finite as float32")
    return [SeedClip(str(clips[i]), labels[i], frames[rows_of[i]]) for i in np.argsort(first)]


def _check_sizes(path: Path, members: list[zipfile.ZipInfo]) -> None:
    """Refuse a small file that would fill the memory when it is decompressed."""
    for member in members:
        if member.file_size > MAX_INFLATION * member.compress_size + (1 << 20):
            raise DataError(
                f"{path}: {member.filename} claims {member.file_size} bytes in "
                f"{member.compress_size}; features cannot be compressed that much"
            )


def _check_claims(archive: zipfile.ZipFile) -> None:
    """Raise `ValueError` for an array that claims more values than its member has bytes for."""
    headers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    for member in archive.infolist():
        with archive.open(member) as file:
            version = np.lib.format.read_magic(file)
            if version not in headers:
                raise ValueError(f"{member.filename} has npy version {version}")
            shape, _, dtype = headers[version](file)
        if math.prod(shape) * dtype.itemsize > member.file_size:
            raise ValueError(f"{member.filename} claims an array of {shape} {dtype}")


def _labels(clips: list[str], numbers: list[str]) -> list[str]:
    folders = [PurePosixPath(clip.replace("\\", "/")).parent.name for clip in clips]
    pairs = set(zip(folders, numbers, strict=True))
    one_to_one = len(pairs) == len(set(folders)) == len(set(numbers))
    return folders if one_to_one and "" not in folders else numbers


def add_seed_clips(store: FeatureStore, clips: Sequence[SeedClip]) -> list[str]:
    """Add clips to a store, and return their keys."""
    keys = []
    with store.writer() as writer:
        for clip in clips:
            key = _content_key(clip)
            if key not in store:
                # the file does not say when its frames begin: they are numbered
                times = np.arange(len(clip.frames), dtype=np.float64)
                writer.add(key, Features(clip.frames, times))
            keys.append(key)
    store.touch()
    return keys


def _content_key(clip: SeedClip) -> str:
    """Return what stands in for the hash of a sound file that is not at hand."""
    digest = hashlib.sha256(clip.path.encode())
    digest.update(clip.frames.tobytes())
    return digest.hexdigest()
