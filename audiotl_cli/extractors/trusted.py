"""Extractors that run programs of other people, and which of these the user trusts.

``tflite:FILE``, ``savedmodel:FOLDER`` and the names of plug-ins make audiotl load and run code of
other people. A name that the user typed is accepted. A name from a file, such as the card of a
model or the description of a feature store, is accepted only if the user trusts the program: see
docs/adr/0011-what-is-trusted.md. ``onnx:FILE`` is data: its operators are ONNX Runtime's own.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shlex
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from audiotl_cli.errors import ArtifactError, AudiotlError, WeightsError
from audiotl_cli.extractor_config import ExtractorConfig
from audiotl_cli.extractors.base import Extractor
from audiotl_cli.extractors.registry import find_plugin, load_extractor, model_file
from audiotl_cli.files import state_folder, write_whole
from audiotl_cli.text import printable

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Program:
    """The program that an extractor from outside audiotl loads and runs.

    Parameters
    ----------
    name : str
        Name of the extractor.
    source : str
        The file or folder, or the package and the class of a plug-in.
    sha256 : str
        64 hexadecimal digits: of the file, of the files of a SavedModel, or of the name, package
        and class of a plug-in (without its version). Empty if there is a problem.
    trusted : bool
        Whether the user used this program in ``audiotl extract`` by typing its name.
    problem : str
        Why the program cannot be found; empty if it was found.
    """

    name: str
    source: str
    sha256: str
    trusted: bool
    problem: str = ""


def find_program(name: str) -> Program | None:
    """Return the program of an extractor, without running it.

    None is returned where there is none: for audiotl's own extractors, and for ONNX files.

    Raises
    ------
    WeightsError
        There is no such file, or it cannot be read.
    UsageError
        There is no such extractor.
    """
    if found := model_file(name):
        kind, path = found
        if not kind.runs_code:
            return None
        try:
            sha256, source = kind.digest_of(path), str(path)
        except OSError as error:
            shown = printable(path)[:200]
            raise WeightsError(f"{shown} cannot be read ({error.strerror})") from error
    elif (plugin := find_plugin(name)) is not None:
        source = f"{plugin.value} of the package {plugin.dist.name if plugin.dist else '?'}"
        sha256 = hashlib.sha256(f"plugin {name} = {source}".encode()).hexdigest()
    else:
        return None
    return Program(name, source, sha256, trusted=_record_of(sha256).is_file())


def list_programs(names: Collection[str]) -> list[Program]:
    """Return the programs of extractors for a report; a missing program has a `problem`."""
    found = []
    for name in dict.fromkeys(names):
        try:
            program = find_program(name)
        except AudiotlError as error:
            program = Program(name, "", "", trusted=False, problem=str(error))
        if program is not None:
            found.append(program)
    return found


def load_named(
    config: ExtractorConfig,
    holder: str,
    *,
    trust: Collection[str] = (),
    typed: Collection[str] = (),
) -> Extractor:
    """Load an extractor whose name comes from a file.

    Parameters
    ----------
    config : ExtractorConfig
    holder : str
        The file; used in messages.
    trust : collection of str
        SHA-256 of programs that the user trusts in this run.
    typed : collection of str
        Names that the user typed in this run.

    Raises
    ------
    ArtifactError
        The extractor runs a program that the user neither typed nor trusts.
    """
    name = config.name
    program = None if name in typed else find_program(name)
    if program is not None and not (program.trusted or program.sha256 in trust):
        raise ArtifactError(
            f"{holder} names the extractor {name}, which would load and run {program.source} "
            f"(SHA-256 {program.sha256}): you have not trusted it on this machine. If you trust "
            f"its maker, add --trust sha256:{program.sha256}, or use it once yourself with: "
            f"audiotl extract --extractor {shlex.quote(name)}"
        )
    return load_extractor(config)


def remember(name: str) -> None:
    """Record that the user trusts the program of an extractor on this machine."""
    program = find_program(name)
    if program is None or program.trusted:
        return
    record = _record_of(program.sha256)
    content = {"extractor": name, "source": program.source, "sha256": program.sha256}
    try:
        record.parent.mkdir(parents=True, exist_ok=True)
        write_whole(record, (json.dumps(content, indent=2) + "\n").encode())
    except OSError as error:
        logger.warning(
            "%s cannot be written (%s): a model that uses %s will need --trust; AUDIOTL_STATE "
            "names another folder",
            record,
            error.strerror or error,
            name,
        )


def _record_of(sha256: str) -> Path:
    """Return the file whose existence means that a program is trusted."""
    return state_folder() / "trusted" / f"sha256-{sha256}.json"
