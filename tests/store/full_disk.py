"""A disk that fills up."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import IO, Any

import pytest


class FullFile:
    """A file that takes ten bytes and then has no room."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def __enter__(self) -> FullFile:
        return self

    def __exit__(self, *error: object) -> None:
        self.file.close()

    def write(self, data: bytes) -> None:
        self.file.write(data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")


def fill_disk(patch: pytest.MonkeyPatch, n_files: int = 0) -> None:
    """Let the disk be full once so many files were written."""
    really_open, n_opened = Path.open, 0

    def open_or_fail(path: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        nonlocal n_opened
        n_opened += mode == "wb"
        file = really_open(path, mode, *args, **kwargs)
        return FullFile(file) if mode == "wb" and n_opened > n_files else file

    patch.setattr(Path, "open", open_or_fail)
