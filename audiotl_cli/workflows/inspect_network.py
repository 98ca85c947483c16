"""Show what a network file takes and gives, and write settings to start from."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audiotl_cli.errors import AudiotlError, UsageError
from audiotl_cli.extractors.inspection import NetworkFile, inspect_file
from audiotl_cli.extractors.inspection.guess import guess_settings
from audiotl_cli.extractors.registry import load_extractor
from audiotl_cli.files import write_whole


@dataclass(frozen=True)
class NetworkReport:
    """A network file, and the settings beside it.

    Parameters
    ----------
    file : NetworkFile
    settings_path : str
    settings : dict
        A guess to start from.
    checks : list of str
        What a person must check in the guess.
    exists : bool
        Whether there are settings.
    written : bool
        Whether the guess was written.
    works : str
        What an extractor with the settings gives; empty where that was not tried.
    problem : str
        Why there is no such extractor.
    """

    file: NetworkFile
    settings_path: str
    settings: dict[str, Any]
    checks: list[str] = field(default_factory=list)
    exists: bool = False
    written: bool = False
    works: str = ""
    problem: str = ""


def inspect_network(path: Path, *, sidecar: bool = False) -> NetworkReport:
    """Return what a network file takes and gives, and write settings where none exist.

    Raises
    ------
    DataError
        There is no such file.
    WeightsError
        It is damaged, or no network file.
    UsageError
        There are settings already, or they cannot be written.
    """
    settings_path = path.with_name(f"{path.name}.json")
    exists = os.path.lexists(settings_path)
    if sidecar and exists:
        raise UsageError(f"{settings_path} exists; edit it, or delete it to have a new one")
    file = inspect_file(path)
    guess = guess_settings(file)
    works, problem = "", ""
    if sidecar:
        _write(settings_path, guess.settings)
    if (sidecar or exists) and file.kind == "onnx":  # a TFLite file would run as a program
        works, problem = _try(path)
    return NetworkReport(
        file=file,
        settings_path=str(settings_path),
        settings=guess.settings,
        checks=guess.checks,
        exists=exists or sidecar,
        written=sidecar,
        works=works,
        problem=problem,
    )


def _write(path: Path, settings: dict[str, Any]) -> None:
    def refuse_existing() -> None:
        if os.path.lexists(path):  # somebody wrote it meanwhile
            raise FileExistsError(errno.EEXIST, "it exists", str(path))

    try:
        content = (json.dumps(settings, indent=2) + "\n").encode()
        write_whole(path, content, before_rename=refuse_existing)
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror or error})") from error


def _try(path: Path) -> tuple[str, str]:
    """Return what the network gives with its settings, or why it gives nothing."""
    try:
        extractor = load_extractor(f"onnx:{path}")
        extractor.prepare()
    except AudiotlError as error:
        return "", str(error)
    return f"{extractor.dim} values every {extractor.hop_s:g} s", ""
