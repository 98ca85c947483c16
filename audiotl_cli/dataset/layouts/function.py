"""Labels from a function of the user, named ``module:function``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from audiotl_cli.dataset.index import LABEL_SEPARATOR, Clip
from audiotl_cli.dataset.layouts.registry import Layout, Request, Source, read_without_labels
from audiotl_cli.errors import UsageError, is_out_of_memory


def label_by_function(clips: list[Clip], named: str) -> list[Clip]:
    """Label every clip with the result of a function.

    Parameters
    ----------
    clips : list of Clip
    named : str
        ``module:function``; the module is the file of that name in the current folder, or
        else an installed one. Modules that it imports may lie beside it. The function takes a
        path relative to the source, with ``/`` between parts, and returns a label, a list of
        labels, or None where it knows none.

    Raises
    ------
    UsageError
        There is no such function, it fails, or it knows no label for any clip.
    """
    with _importing_from(Path.cwd()):
        function = _load(named)
        labelled = [replace(clip, label=_ask(function, named, clip.path)) for clip in clips]
    if not any(clip.label for clip in labelled):
        raise UsageError(f"--labels-from {named} knows no label, for example for {clips[0].path!r}")
    return labelled


def _ask(function: Callable[[str], Any], named: str, path: str) -> str:
    try:
        return _text(function(path))
    except Exception as error:  # the function can fail in any way
        if is_out_of_memory(error):
            raise
        raise UsageError(
            f"--labels-from {named} failed on {path!r}: {type(error).__name__}: {error}"
        ) from error


@contextmanager
def _importing_from(folder: Path) -> Iterator[None]:
    """Also find modules in a folder; last, so that none there replaces an installed one."""
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.reverse()  # of equal folders, the last is the one added here
        sys.path.remove(str(folder))
        sys.path.reverse()


def _load(named: str) -> Callable[[str], Any]:
    module, _, name = named.partition(":")
    try:
        found: Any = _module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except Exception as error:  # its module, too
        if is_out_of_memory(error):
            raise
        raise UsageError(
            f"--labels-from {named} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    if not callable(found):
        raise UsageError(f"--labels-from {named} is {found!r}, expected a function")
    return found  # type: ignore[no-any-return]


def _module(name: str) -> ModuleType:
    """Import a module by its file in the current folder, or else an installed one."""
    top, _, below = name.partition(".")
    places = (Path.cwd() / f"{top}.py", Path.cwd() / top / "__init__.py")
    file = next((place for place in places if place.is_file()), None)
    spec = spec_from_file_location(top, file) if file else None
    if spec is None or spec.loader is None:
        return importlib.import_module(name)
    module = module_from_spec(spec)
    other = sys.modules.get(top)
    sys.modules[top] = module
    try:
        spec.loader.exec_module(module)
        return importlib.import_module(name) if below else module
    finally:
        if other is not None:  # those who imported it keep it
            sys.modules[top] = other


def _text(label: object) -> str:
    if label is None:
        return ""
    if isinstance(label, list | tuple | set):
        return LABEL_SEPARATOR.join(map(str, sorted(label) if isinstance(label, set) else label))
    return str(label)


def _read(request: Request) -> Source | None:
    named = request.options.labels_from or ""
    if not request.labelled or ":" not in named:
        return None
    found = read_without_labels(request)
    return replace(found, clips=label_by_function(found.clips, named))


LAYOUT = Layout(order=20, read=_read)
