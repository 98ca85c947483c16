"""Choose the format and the files of predictions and other results."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from audiotl_cli.cli import output
from audiotl_cli.cli.formats import all_formats, find_format
from audiotl_cli.errors import UsageError
from audiotl_cli.files import real_path
from audiotl_cli.inference.formats.base import Writer
from audiotl_cli.inference.sorting import safe_name
from audiotl_cli.storage.paths import AnyPath, need_local
from audiotl_cli.written import check_folder, claim

TABLE = "table"
LONGEST_NAME = 255  # bytes, as file systems have it


def choose_format(format_: str | None, to: Path | None, suffixes: Mapping[str, str]) -> str:
    """Return the output format, or raise `UsageError` before any work is done.

    Parameters
    ----------
    format_ : str or None
        The value of ``--format``.
    to : Path or None
        The file to write to; None is stdout.
    suffixes : mapping
        The suffix of each format that writes a single file, by format name.
    """
    if to is None:
        if output.state.json and format_ not in (None, "json"):
            raise UsageError(
                f"--json writes JSON to stdout; to write {format_} as well, name "
                "a file with --output"
            )
        return TABLE if output.state.json else format_ or TABLE
    if to.is_dir():
        raise UsageError(f"--output is {to}, a folder; expected a file")
    check_folder(to.parent)
    fitting = [name for name, suffix in suffixes.items() if to.name.lower().endswith(suffix)]
    form = format_ or max(fitting, key=lambda name: len(suffixes[name]), default=None)
    if form is None or form not in suffixes:
        *first, last = suffixes.values()
        raise UsageError(
            f"--output is {to}; expected a name ending in {', '.join(first)} or {last}, or the "
            "format named by --format"
        )
    return form


def choose_writer(format_: str | None, to: Path | None) -> type[Writer]:
    """Return the writer class, or raise `UsageError` before any work is done."""
    formats = all_formats()
    if format_ is not None and find_format(format_, formats).file_each:
        if to is not None:
            check_folder(to.parent)
        return formats[format_]
    suffixes = {
        name: kind.suffix for name, kind in formats.items() if kind.suffix and not kind.file_each
    }
    kind = formats[choose_format(format_, to, suffixes)]
    kind.check()
    if kind.binary and to is None:
        raise UsageError(f"--format {kind.name} needs a file to write: name it with --output")
    return kind


def choose_targets(
    kind: type[Writer], to: Path | None, recordings: Sequence[AnyPath]
) -> dict[AnyPath, Path]:
    """Return the output file of each recording; empty for formats that share a single file.

    Raises
    ------
    UsageError
        Two recordings would be written to the same file.
    """
    if not kind.file_each:
        return {}
    if to is not None and to.suffix == ".txt" and len(recordings) == 1 and not to.is_dir():
        return {recordings[0]: to}
    if to is not None and to.exists() and not to.is_dir():
        raise UsageError(
            f"--output is {to}, a file; --format {kind.name} needs a folder, because it writes "
            "a file per recording"
        )
    targets: dict[AnyPath, Path] = {}
    taken: dict[Path, AnyPath] = {}
    for recording in recordings:
        end = kind.suffix
        name = os.fsdecode(os.fsencode(recording.name)[: LONGEST_NAME - len(end)]) + end
        if to is None:
            target = need_local(recording, "name a folder with --output").with_name(name)
        else:
            # a name on object storage may be invalid on this file system
            target = to / (name if isinstance(recording, Path) else safe_name(name))
        other = taken.setdefault(target, recording)
        if other != recording:
            raise UsageError(
                f"{other} and {recording} would both be written to {target}; leave out --output, "
                "so that each is written beside its recording"
            )
        targets[recording] = target
    return targets


def check_targets(
    to: Path | None,
    targets: Mapping[AnyPath, Path],
    inputs: Iterable[AnyPath],
    *,
    overwrite: bool = False,
) -> None:
    """Refuse to overwrite inputs and files that audiotl did not write.

    With a file per recording, one that cannot be overwritten fails only its own recording, later.
    """
    outputs = list(targets.values()) or ([to] if to is not None else [])
    # os.path: names too long for any file are reported where they are read
    written = {real_path(target) for target in outputs if os.path.exists(target)}  # noqa: PTH110
    for path in inputs:
        if written and isinstance(path, Path) and real_path(path) in written:
            raise UsageError(
                f"{path} is an input and would be overwritten; choose another --output"
            )
    if to is not None and (not targets or to in targets.values()):
        claim([to], overwrite=overwrite)
