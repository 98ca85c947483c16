"""Find programs to start, but never in the current folder, which may be untrusted."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def find_program(name: str) -> str | None:
    """Return the absolute path of a program on ``PATH``, or None if it is not found.

    Relative folders on ``PATH`` and the current folder are skipped, even on Windows, which would
    search the current folder first.
    """
    for folder in os.get_exec_path():
        if not os.path.isabs(folder) or Path(folder).resolve() == Path.cwd():  # noqa: PTH117
            continue
        found = shutil.which(name, path=folder)
        if found is not None and Path(found).parent == Path(folder):
            return found
    return None
