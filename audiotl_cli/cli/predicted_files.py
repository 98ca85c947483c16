"""Where ``audiotl predict`` writes, and in which format."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from audiotl_cli.cli import output
from audiotl_cli.errors import UsageError
from audiotl_cli.files import real_path, write_whole
from audiotl_cli.storage.paths import AnyPath, need_local

IN_ONE_FILE = ("json", "jsonl", "csv", "rttm")
A_FILE_EACH = ("audacity", "raven")
LONGEST_NAME = 255  # bytes, as file systems have it


def choose_format(
    format_: str | None,
    to: Path | None,
    *,
    json: bool,
    in_one_file: Sequence[str] = IN_ONE_FILE,
) -> str:
    """Return the format to write in, or raise `UsageError`, before any work is done."""
    if format_ in A_FILE_EACH:
        return str(format_)
    if to is None:
        if json and format_ not in (None, "json"):
            raise UsageError(f"--json prints JSON: give --format {format_} a file with --output")
        return "table" if json else format_ or "table"
    if to.is_dir():
        raise UsageError(f"--output is {to}, a folder; expected a file")
    form = format_ or to.suffix.lower().removeprefix(".")
    if form not in in_one_file:
        *first, last = (f".{name}" for name in in_one_file)
        raise UsageError(
            f"--output is {to}; expected a name ending in {', '.join(first)} or {last}, or one of "
            "these with --format"
        )
    return form


def choose_targets(
    form: str, to: Path | None, recordings: Sequence[AnyPath]
) -> dict[AnyPath, Path]:
    """Return the file that each recording's events go to; none where all share one.

    Raises
    ------
    UsageError
        Two recordings would share one.
    """
    from audiotl_cli.prediction.annotations import SUFFIXES
    from audiotl_cli.prediction.sorting import safe_name

    if form not in A_FILE_EACH:
        return {}
    if to is not None and to.suffix == ".txt" and len(recordings) == 1 and not to.is_dir():
        return {recordings[0]: to}
    if to is not None and to.exists() and not to.is_dir():
        raise UsageError(f"--output is {to}, a file; {form} needs a folder for several recordings")
    targets: dict[AnyPath, Path] = {}
    taken: dict[Path, AnyPath] = {}
    for recording in recordings:
        suffix = SUFFIXES[form]
        name = os.fsdecode(os.fsencode(recording.name)[: LONGEST_NAME - len(suffix)]) + suffix
        if to is None:
            target = need_local(recording, "name a folder with --output").with_name(name)
        else:
            # a name on object storage may be none here
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
    to: Path | None, targets: Mapping[AnyPath, Path], inputs: Iterable[AnyPath]
) -> None:
    """Refuse to write over what is read."""
    outputs = list(targets.values()) or ([to] if to is not None else [])
    # os.path: names too long for any file are told where they are read
    written = {real_path(target) for target in outputs if os.path.exists(target)}  # noqa: PTH110
    for path in inputs:
        if written and isinstance(path, Path) and real_path(path) in written:
            raise UsageError(f"{path} is read, and would be written over; choose another --output")


def write_file(path: Path, text: str) -> None:
    """Write a file whole, its folder with it, and say so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.encode("utf-8", "surrogateescape"))
    output.note(f"Written to {path}")
