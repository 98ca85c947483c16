"""Read the arrays of an untrusted npz file in bounded memory and time.

The sizes that a file claims for its directory, its members and its arrays are compared with the
size of the file before anything is read.
"""

from __future__ import annotations

import io
import math
import os
import struct
import zipfile
from collections.abc import Iterable
from copy import copy
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Header = tuple[tuple[int, ...], np.dtype[Any]]
"""Shape and type of an array."""

MAX_MEMBERS = 32
MAX_DIRECTORY_BYTES = 1 << 16
MAX_HEADER_BYTES = 512
"""For one array; NumPy writes 128 bytes for up to four dimensions."""

_END = struct.Struct("<4s4H2LH")  # end of the central directory, without a comment
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")


def open_archive(file: BinaryIO) -> zipfile.ZipFile:
    """Open an npz file of uncompressed members.

    Raises
    ------
    ValueError
        Its directory is too large, names a member twice, or claims more than the file has.
    Exception
        Any that `zipfile` raises for files that are damaged in other ways.
    """
    size = file.seek(0, os.SEEK_END)
    _check_directory(file, size)
    archive = zipfile.ZipFile(file)
    members = archive.infolist()
    names = {member.filename for member in members}
    if len(names) != len(members):
        raise ValueError("it holds two members with the same name")
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
            raise ValueError(f"{member.filename} is compressed")
        if member.file_size > size:
            raise ValueError(f"{member.filename} claims {member.file_size} bytes")
    if sum(member.file_size for member in members) > size:
        raise ValueError("its members declare more bytes than the file has")
    return archive


def _check_directory(file: BinaryIO, size: int) -> None:
    """Refuse a directory that would take long to read, or is not at the end of the file."""
    file.seek(max(0, size - _END.size))
    end = file.read(_END.size)
    if len(end) < _END.size or end[:4] != b"PK\5\6":
        raise ValueError("it does not end as an npz file does")
    _, _, _, _, n_members, n_bytes, first, _ = _END.unpack(end)
    last = size - _END.size
    if first == 0xFFFFFFFF:  # beyond 4 GiB
        file.seek(last - _LOCATOR_64.size - _END_64.size)
        last -= _LOCATOR_64.size + _END_64.size
        found = _END_64.unpack(file.read(_END_64.size))
        if found[0] != b"PK\6\6":
            raise ValueError("it does not end as an npz file does")
        n_members, n_bytes, first = found[7:]
    if n_members > MAX_MEMBERS or n_bytes > MAX_DIRECTORY_BYTES or first + n_bytes != last:
        raise ValueError(f"its directory claims {n_members} members in {n_bytes} bytes")


def read_arrays(archive: zipfile.ZipFile, names: Iterable[str]) -> dict[str, Array]:
    """Read arrays, check their check sums, and return them by name.

    Raises
    ------
    ValueError, KeyError, zipfile.BadZipFile
        An array is missing or damaged.
    """
    return {name: _read_array(archive, f"{name}.npy") for name in names}


def read_header(archive: zipfile.ZipFile, name: str) -> Header:
    """Return shape and type of an array without reading its values; errors as `read_arrays`."""
    member = copy(archive.getinfo(f"{name}.npy"))
    member.CRC = None  # type: ignore[assignment]  # the check sum covers all values, which are not read
    with archive.open(member) as file:
        start = file.read(MAX_HEADER_BYTES)
    return _parse_header(io.BytesIO(start), member.filename, member.file_size)


def _read_array(archive: zipfile.ZipFile, member: str) -> Array:
    data = archive.read(member)  # checks the CRC
    header = io.BytesIO(data[:MAX_HEADER_BYTES])
    shape, dtype = _parse_header(header, member, len(data))
    return np.frombuffer(data, dtype, offset=header.tell()).reshape(shape)


def _parse_header(start: io.BytesIO, member: str, n_bytes: int) -> Header:
    """Return shape and type, which must agree with the size of the member."""
    version = np.lib.format.read_magic(start)
    if version != (1, 0):
        raise ValueError(f"{member} has npy version {version}")
    try:
        shape, by_column, dtype = np.lib.format.read_array_header_1_0(start)
    except (MemoryError, RecursionError):  # of Python's parser, for deeply nested brackets
        raise ValueError(f"{member} has a header that cannot be read") from None
    fits = (
        not dtype.hasobject
        and dtype.itemsize > 0
        and all(type(length) is int and length >= 0 for length in shape)
        and not (by_column and len(shape) > 1)
        and math.prod(shape) * dtype.itemsize == n_bytes - start.tell()
    )
    if not fits:
        raise ValueError(f"{member} claims an array of {shape} {dtype}")
    return shape, dtype
