"""Folders the tests are about."""

from __future__ import annotations

from pathlib import Path


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def table(folder: Path, text: str, name: str = "meta.csv") -> Path:
    (folder / name).write_bytes(text.encode())
    return folder / name
