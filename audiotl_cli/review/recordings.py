"""The recordings that were searched: how long each is, when it began, and at which site."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePath

from audiotl_cli.audio.isolated import Decoders
from audiotl_cli.audio.length import length_s
from audiotl_cli.audio.wav_notes import WavNotes, read_wav_notes
from audiotl_cli.errors import AudioError, UsageError
from audiotl_cli.review.recording_times import (
    Zones,
    before_time,
    began,
    device_in_notes,
)
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.text import counted

_DATE = re.compile(r"(?<!\d)(?:19|20)\d\d[-_.]?(?:0[1-9]|1[0-2])(?:[-_.]?[0-3]\d)?(?!\d)")


@dataclass(frozen=True)
class Recording:
    """A recording that was searched for events.

    Parameters
    ----------
    path : str
    site : str
        Empty where nothing tells sites apart.
    when : datetime or None
        When it began, as it is shown; without a zone where none is known. None where nothing
        says so.
    source : str
        Where the time comes from; empty without one.
    disagrees : bool
        Whether its name and its metadata state different times.
    duration_s : float
        ``nan`` if it is not known.
    missing : str
        Why it could not be opened; else empty.
    """

    path: str
    site: str
    when: datetime | None
    source: str
    disagrees: bool
    duration_s: float
    missing: str


@dataclass(frozen=True)
class Recordings:
    """All recordings that were searched.

    Parameters
    ----------
    by_path : dict of Recording
    sites_from : str
        What tells sites apart, in words.
    """

    by_path: dict[str, Recording]
    sites_from: str


def describe_recordings(
    paths: Mapping[str, AnyPath],
    zones: Zones,
    site_regex: str | None = None,
    on_recording: Callable[[int, int], None] = lambda done, total: None,
) -> Recordings:
    """Find length, time and site of recordings, by their names and headers; none is decoded.

    Parameters
    ----------
    paths : mapping
        Where each recording lies, by the path that it is called by.
    zones : Zones
    site_regex : str or None
        Searched in each path; its first group is the site.
    on_recording : callable
        Called with the number of recordings that are done, and of how many.

    Raises
    ------
    UsageError
        The regular expression is not valid, or fits no recording.
    """
    pattern = compile_site(site_regex)
    found: dict[str, Recording] = {}
    devices: dict[str, str] = {}
    with Decoders() as decoders:
        for n, (name, path) in enumerate(paths.items(), start=1):
            notes = read_wav_notes(path)
            devices[name] = device_in_notes(notes)
            found[name] = _describe(name, path, notes, zones, decoders)
            on_recording(n, len(paths))
    sites, sites_from = _sites(list(paths), devices, pattern)
    return Recordings(
        {name: replace(recording, site=sites[name]) for name, recording in found.items()},
        sites_from,
    )


def _describe(
    name: str, path: AnyPath, notes: WavNotes, zones: Zones, decoders: Decoders
) -> Recording:
    """Return what is known of a recording but its site."""
    duration_s, missing = math.nan, ""
    try:
        duration_s = length_s(path, decoders)
    except AudioError as error:
        missing = str(error)
    start = began(path, duration_s, notes)
    if start is None:
        return Recording(name, "", None, "", False, duration_s, missing)
    when = zones.local(start).when
    return Recording(name, "", when, start.source, start.disagrees, duration_s, missing)


def compile_site(expression: str | None) -> re.Pattern[str] | None:
    """Return the regular expression of sites compiled, or raise `UsageError`."""
    if expression is None:
        return None
    try:
        pattern = re.compile(expression)
    except re.error as error:
        raise UsageError(f"--site-regex {expression!r} is not valid: {error}") from error
    if pattern.groups < 1:
        raise UsageError(f"--site-regex {expression!r} has no group; put the site in (...)")
    return pattern


def _sites(
    paths: Sequence[str], devices: Mapping[str, str], pattern: re.Pattern[str] | None
) -> tuple[dict[str, str], str]:
    """Return the site of every recording, and what tells sites apart.

    Without a regular expression it is the first of these that every recording has and that
    differs: what precedes the time in names, folders, and serial numbers of recorders.
    """
    if pattern is not None:
        return _matched(paths, pattern), "--site-regex"
    candidates = {
        "names": {path: before_time(PurePath(path).name) for path in paths},
        "folders": _folders(paths),
        "recorders": devices,
    }
    for source, sites in candidates.items():
        if all(sites.values()) and len(set(sites.values())) > 1:
            return dict(sites), source
    return dict.fromkeys(paths, ""), ""


def _matched(paths: Sequence[str], pattern: re.Pattern[str]) -> dict[str, str]:
    matches = {path: pattern.search(PurePath(path).as_posix()) for path in paths}
    sites = {path: (match[1] or "") if match else "" for path, match in matches.items()}
    if paths and not any(sites.values()):
        raise UsageError(
            f"--site-regex {pattern.pattern!r} fits none of "
            f"{counted(len(paths), 'recording')}, such as {paths[0]}"
        )
    return sites


def _folders(paths: Sequence[str]) -> dict[str, str]:
    """Return the names of the uppermost folders that tell paths apart and hold no date."""
    parents = {path: PurePath(path).parent for path in paths}
    try:
        common = os.path.commonpath(list(parents.values())) if parents else ""
    except ValueError:  # some are relative, or on other drives
        return dict.fromkeys(paths, "")
    below = {path: parent.relative_to(common).parts for path, parent in parents.items()}
    for level in range(min(map(len, below.values()), default=0)):
        names = {path: parts[level] for path, parts in below.items()}
        if len(set(names.values())) > 1 and not any(map(_DATE.search, names.values())):
            return names
    return dict.fromkeys(paths, "")
