"""Find the programs that audiotl starts: never in the current folder, whoever filled it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def find_program(name: str) -> str | None:
    """Return the absolute path of a program in the folders of ``PATH``; None if it is in none.

    Folders of ``PATH`` that are relative, and the current one, are passed over. Windows looks
    into the current folder first; what it finds there does not count.
    """
    for folder in os.get_exec_path():
        if not os.path.isabs(folder) or Path(folder).resolve() == Path.cwd():  # noqa: PTH117
            continue
        found = shutil.which(name, path=folder)
        if found is not None and Path(found).parent == Path(folder):
            return found
    return None
