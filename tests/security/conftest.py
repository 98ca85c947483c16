"""A model to predict with, and a kind of storage that nobody may ask."""

from __future__ import annotations

from typing import Any

import fsspec
import pytest


class Trap(fsspec.AbstractFileSystem):  # type: ignore[misc]
    """What ``dask://`` is to an attacker: to be asked at all is too much."""

    protocol = "trap"
    asked: list[str]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.asked.append("made")

    def info(self, path: str, **options: Any) -> Any:
        self.asked.append(path)
        raise FileNotFoundError(path)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what ``trap://`` has been asked for in this test."""
    from fsspec.registry import _registry  # there is no public way to take one back

    monkeypatch.setattr(Trap, "asked", [], raising=False)
    monkeypatch.setitem(_registry, "trap", Trap)
    Trap.clear_instance_cache()
    return Trap.asked
