"""Look at the processes of this machine, in ``/proc``."""

from __future__ import annotations

import os
from pathlib import Path


def children(pid: int | None = None) -> list[Path]:
    """Return the folders of the processes that a process has started, by default this one."""
    parent = os.getpid() if pid is None else pid
    processes = [path for path in Path("/proc").iterdir() if path.name.isdecimal()]
    return [path for path in processes if _stat(path)[1:2] == [str(parent)]]


def is_running(process: Path) -> bool:
    """Return whether a process has not ended."""
    return _stat(process)[:1] not in ([], ["Z"])


def _stat(process: Path) -> list[str]:
    """Return state, parent and more; empty for a process that is gone."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
