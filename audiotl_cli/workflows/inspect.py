"""Show what a model file is and holds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiotl_cli.classifiers.model_file import read_model, read_packed
from audiotl_cli.errors import ArtifactError
from audiotl_cli.extractors.trusted import Program, list_programs


@dataclass(frozen=True)
class Inspection:
    """What a model file is.

    Parameters
    ----------
    path : str
    size : int
        Bytes.
    sha256 : str
    allowed : bool
        Whether it is a model that can be loaded.
    problem : str
        Why it is none; empty if it is one.
    card : dict or None
        How it was made, as it says itself, without the marks of its clips; None if it is none.
    programs : list of Program
        What its extractors, where they are not audiotl's own, would load and run.
    """

    path: str
    size: int
    sha256: str
    allowed: bool
    problem: str
    card: dict[str, Any] | None
    programs: list[Program]


def inspect_model(path: Path) -> Inspection:
    """Return what a model file is; nothing in a file runs when it is read.

    Raises
    ------
    DataError
        There is no such file.
    ArtifactError
        It is far too large for a model.
    """
    packed = read_packed(path)
    card: dict[str, Any] | None = None
    programs: list[Program] = []
    problem = ""
    try:
        read = read_model(path, packed)[1]
        programs = list_programs([spec.name for spec in read.extractors if not spec.imported])
        card = read.to_dict()
        del card["trained_on"]
    except ArtifactError as error:
        problem = str(error)
    digest = hashlib.sha256(packed).hexdigest()
    return Inspection(str(path), len(packed), digest, not problem, problem, card, programs)
