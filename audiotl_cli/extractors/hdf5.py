"""Read weights from untrusted HDF5 files.

HDF5 files can claim any size, decompress a kilobyte to gigabytes, and refer to other files. Weights
need none of this, so it is refused before memory is allocated.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy.typing as npt

from audiotl_cli.files import open_regular

_GZIP = b"\x1f\x8b"


@contextmanager
def open_hdf5(path: Path, max_bytes: int) -> Iterator[Any]:
    """Open an HDF5 file, uncompressed or compressed by gzip.

    Parameters
    ----------
    path : Path
    max_bytes : int
        Limit for the uncompressed file.

    Raises
    ------
    OSError, EOFError, zlib.error
        The file cannot be read, or is not HDF5.
    ValueError
        The file is too large.
    """
    import h5py

    with open_regular(path) as file:
        is_gzip = file.read(len(_GZIP)) == _GZIP
        file.seek(0)
        data = (gzip.GzipFile(fileobj=file) if is_gzip else file).read(max_bytes + 1)
    if len(data) > max_bytes:
        raise ValueError(f"it is larger than {max_bytes >> 20} MiB")
    with h5py.File(io.BytesIO(data), "r") as opened:
        yield opened


def member(group: Any, name: str) -> Any:
    """Return a group or data set by its path in the file.

    Raises
    ------
    KeyError
        There is no such member.
    ValueError
        The path leads into another file.
    """
    import h5py

    for part in name.split("/"):
        if isinstance(group.get(part, getlink=True), h5py.ExternalLink):
            raise ValueError(f"{part} is a link to another file")
        group = group[part]
    return group


def read_values(dataset: Any, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Read an array of floating-point numbers whose shape is known.

    Raises
    ------
    ValueError
        The array has another shape or type, is in another file, or is compressed in the file.
    """
    if dataset.shape != shape:
        raise ValueError(f"{dataset.name} has the shape {dataset.shape}, expected {shape}")
    if dataset.dtype.kind != "f" or dataset.dtype.itemsize > 8:
        raise ValueError(f"{dataset.name} holds {str(dataset.dtype)[:40]}, expected float32")
    if dataset.external or dataset.is_virtual:
        raise ValueError(f"{dataset.name} is stored in another file")
    if dataset.id.get_create_plist().get_nfilters():
        raise ValueError(
            f"{dataset.name} is compressed within the file; expected uncompressed values"
        )
    values: npt.NDArray[Any] = dataset[()]
    return values
