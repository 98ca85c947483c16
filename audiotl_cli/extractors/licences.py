"""Licences that users have to accept before the first use of a network.

That a licence was accepted is noted in the folder of the weights, in the cache.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from audiotl_cli.errors import LicenceError, WeightsError
from audiotl_cli.extractors.cache import read_note, write_note

NOTE = "licence"


class Licensed(Protocol):
    """Weights with a licence; see `packages.WeightPackage`."""

    @property
    def name(self) -> str: ...
    @property
    def licence(self) -> str: ...
    @property
    def terms(self) -> str: ...
    @property
    def folder(self) -> Path: ...


def accept(source: Licensed) -> None:
    """Note that the user accepts the licence of weights, if that is needed.

    Raises
    ------
    WeightsError
        The cache cannot be written.
    """
    if not source.terms or _is_accepted(source):
        return
    try:
        source.folder.mkdir(parents=True, exist_ok=True)
        write_note(source.folder / NOTE, accepted=source.licence)
    except OSError as error:
        raise WeightsError(
            f"cannot write to {source.folder} ({error.strerror or error}); "
            "set AUDIOTL_CACHE to a folder that can be written"
        ) from error


def check_accepted(source: Licensed) -> None:
    """Raise `LicenceError` for weights whose licence has to be accepted and was not."""
    if source.terms and not _is_accepted(source):
        raise LicenceError(
            f"{source.name} is licensed under {source.licence}: {source.terms}. If you accept "
            f"the licence, type once: audiotl models fetch {source.name} --accept-licence",
            source.name,
        )


def _is_accepted(source: Licensed) -> bool:
    return read_note(source.folder / NOTE).get("accepted") == source.licence
