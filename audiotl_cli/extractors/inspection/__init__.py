"""Look into network files of the user without running them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from audiotl_cli.errors import DataError, WeightsError
from audiotl_cli.extractors.inspection.described import NetworkFile, Reader
from audiotl_cli.files import read_regular

__all__ = ["KINDS", "NetworkFile", "inspect_file", "kind_of"]

KINDS = ("onnx", "tflite")
MAX_BYTES = 1 << 31


def kind_of(path: Path) -> str:
    """Return the kind of a network file by the end of its name; empty for other files."""
    kind = path.suffix.lower().removeprefix(".")
    return kind if kind in KINDS else ""


def inspect_file(path: Path) -> NetworkFile:
    """Return what a network file takes and gives; nothing in it runs.

    Raises
    ------
    DataError
        There is no such file, or it is too large.
    WeightsError
        It is damaged, or no network file.
    """
    try:
        content = read_regular(path, MAX_BYTES)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error})") from error
    reader = _reader(kind_of(path))
    try:
        parts = reader(content)
    except ValueError as error:
        raise WeightsError(f"{path} cannot be read as {kind_of(path)} ({error})") from error
    digest = hashlib.sha256(content).hexdigest()
    return NetworkFile(str(path), kind_of(path), len(content), digest, **vars(parts))


def _reader(kind: str) -> Reader:
    if kind == "onnx":
        from audiotl_cli.extractors.inspection.onnx import describe_onnx

        return describe_onnx
    from audiotl_cli.extractors.inspection.tflite import describe_tflite

    return describe_tflite
