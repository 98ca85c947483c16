"""Tell what a model file is, without loading it."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from audiotl_cli.classify.allowed import NAMES
from audiotl_cli.classify.artifact import read_card
from audiotl_cli.classify.loading import outline_of, read_packed, say, unusual_in
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
        Whether it holds nothing but what the models that are made here hold.
    problem : str
        What else it holds, or why it is none; empty if it is allowed.
    names : list of dict
        ``name`` and ``allowed`` of all that loading it would look up.
    card : dict or None
        How it was made, as it says itself, without the marks of its clips; None if it says
        nothing that can be read.
    programs : list of Program
        What its extractors, where they are not audiotl's own, would load and run.
    """

    path: str
    size: int
    sha256: str
    allowed: bool
    problem: str
    names: list[dict[str, Any]]
    card: dict[str, Any] | None
    programs: list[Program]


def inspect_model(path: Path) -> Inspection:
    """Tell what a model file is; nothing in it runs.

    Raises
    ------
    DataError
        There is no such file.
    ArtifactError
        It is far too large for a model.
    """
    packed = read_packed(path)
    found = outline_of(path, packed)
    problem = unusual_in(found)
    card = None
    programs: list[Program] = []
    try:
        if not problem:
            read = read_card(found.content["card"])
            programs = list_programs([one.name for one in read.extractors if not one.imported])
            card = asdict(read)
            del card["trained_on"]
    except Exception as error:  # whatever is missing in it
        problem = f"no card that can be read ({error!r})"
    names = [{"name": say(name), "allowed": name in NAMES} for name in sorted(found.names)]
    digest = hashlib.sha256(packed).hexdigest()
    return Inspection(str(path), len(packed), digest, not problem, problem, names, card, programs)
