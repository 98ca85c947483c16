"""Read weights from HDF5 files that strangers may have made.

HDF5 can claim any size, unpack one kilobyte to gigabytes, and read other files in its place.
Nothing of that is needed here, so it is refused before memory is taken.
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
    """Open an HDF5 file, as it is or compressed by gzip.

    Parameters
    ----------
    path : Path
    max_bytes : int
        Of the file once it is unpacked.

    Raises
    ------
    OSError, EOFError, zlib.error
        It cannot be read, or is not HDF5.
    ValueError
        It is larger than it may be.
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
    """Return a group or data set of a file, by its path.

    Raises
    ------
    KeyError
        There is none.
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
        It has another shape or type, lies in another file, or is compressed within the file.
    """
    if dataset.shape != shape:
        raise ValueError(f"{dataset.name} has the shape {dataset.shape}, expected {shape}")
    if dataset.dtype.kind != "f" or dataset.dtype.itemsize > 8:
        raise ValueError(f"{dataset.name} holds {str(dataset.dtype)[:40]}, expected float32")
    if dataset.external or dataset.is_virtual:
        raise ValueError(f"{dataset.name} lies in another file")
    if dataset.id.get_create_plist().get_nfilters():
        raise ValueError(f"{dataset.name} is compressed within the file; expected it as it is")
    values: npt.NDArray[Any] = dataset[()]
    return values
