"""Labels by a function of the user's own, named ``module:function``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from audiotl_cli.dataset.index import LABEL_SEPARATOR, Clip
from audiotl_cli.errors import UsageError, is_out_of_memory


def label_by_function(clips: list[Clip], named: str) -> list[Clip]:
    """Ask a function for the label of every clip.

    Parameters
    ----------
    clips : list of Clip
    named : str
        ``module:function``; the module is looked for in the current folder, too. The
        function is given a path relative to the source, ``/`` between parts, and returns a
        label, a list of labels, or None where it knows none.

    Raises
    ------
    UsageError
        There is no such function, it fails, or it knows no label for any clip.
    """
    function = _load(named)
    labelled = []
    for clip in clips:
        try:
            label = _text(function(clip.path))
        except Exception as error:  # the function can fail in any way
            if is_out_of_memory(error):
                raise
            raise UsageError(
                f"--labels-from {named} failed on {clip.path!r}: {type(error).__name__}: {error}"
            ) from error
        labelled.append(replace(clip, label=label))
    if not any(clip.label for clip in labelled):
        raise UsageError(f"--labels-from {named} knows no label, for example for {clips[0].path!r}")
    return labelled


def _load(named: str) -> Callable[[str], Any]:
    module, _, name = named.partition(":")
    here = str(Path.cwd())
    # first while it is looked for, last for what it imports later: nothing else is to be
    # taken from here in place of an installed package
    sys.path.insert(0, here)
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except Exception as error:  # so can its module
        if is_out_of_memory(error):
            raise
        raise UsageError(
            f"--labels-from {named} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    finally:
        sys.path.remove(here)
        if here not in sys.path:
            sys.path.append(here)
    if not callable(found):
        raise UsageError(f"--labels-from {named} is {found!r}, expected a function")
    return found  # type: ignore[no-any-return]


def _text(label: object) -> str:
    if label is None:
        return ""
    if isinstance(label, list | tuple | set):
        return LABEL_SEPARATOR.join(map(str, sorted(label) if isinstance(label, set) else label))
    return str(label)
