"""The clips of a page: what was said of each, which are worth hearing, where their sound is."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from audiotl_cli.audio.types import AudioSource
from audiotl_cli.evaluation.literal import literal
from audiotl_cli.evaluation.report.media import excerpts
from audiotl_cli.storage.paths import AnyPath, join

N_AUDIO, N_PICTURES = 32, 96
"""Clips that have their sound, and their spectrogram, inside a page: at most."""

N_SUSPECTS = 20
"""Likely label errors, and near-duplicates, that are shown: at most."""

MOST_BYTES = 8_000_000
"""Of sound inside a page."""

N_SCORES = 3
NOT_AT_HAND = "the recording is not at hand"


Place = tuple[str, float | None, float | None]
"""What tells a clip: its recording's path, where it starts and where it ends, in seconds."""


@dataclass(frozen=True)
class PageClips:
    """All clips a page speaks of; the predictions come first, in their order.

    Parameters
    ----------
    records : list of dict
        One a clip, as the page's script takes it: `name`, and as far as known `true`,
        `predicted`, `scores`, `link`, `audio`, `picture`, `note`.
    numbers : dict
        Position of a clip in `records`, by its place.
    """

    records: list[dict[str, Any]]
    numbers: dict[Place, int] = field(default_factory=dict)

    @property
    def n_embedded(self) -> int:
        """Clips whose sound is inside the page."""
        return sum("audio" in record for record in self.records)


def gather(result: Mapping[str, Any], root: AnyPath | None, folder: Path) -> PageClips:
    """Collect the clips of a result and embed those most worth hearing.

    Parameters
    ----------
    result : mapping
        What ``report.json`` holds.
    root : Path, RemotePath or None
        The folder that paths are relative to; None where there are no recordings.
    folder : Path
        Where the page will lie; links are relative to it.
    """
    told: Sequence[Mapping[str, Any]] = result.get("predictions", ())
    found = [dict(one) for one in told]
    numbers: dict[Place, int] = {}
    for number, one in enumerate(found):
        numbers.setdefault(place_of(one), number)
    for other in _suspects(result):
        if other not in numbers:
            numbers[other] = len(found)
            found.append(dict(zip(("path", "start_s", "end_s"), other, strict=True)))
    records = [_record(one) for one in found]
    sources = [_source(one, root) for one in found]
    for record, source in zip(records, sources, strict=True):
        if source is None:
            record["note"] = NOT_AT_HAND
        elif isinstance(source.path, Path):  # browsers do not know object storage
            record["link"] = _link(source.path, source, folder)
    _embed(records, sources, _worth_hearing(result, found, numbers))
    return PageClips(records, numbers)


def place_of(one: Mapping[str, Any]) -> Place:
    """Return the place of a clip in an entry of a result."""
    return one["path"], one.get("start_s"), one.get("end_s")


def other_place(pair: Mapping[str, Any]) -> Place:
    """Return the place of the second clip of a pair."""
    return pair["other"], pair.get("other_start_s"), pair.get("other_end_s")


def name_of(place: Place) -> str:
    """Return what to call a clip: its path, and which stretch it is."""
    path, start, end = place
    if start is None and end is None:
        return path
    return f"{path} ({start or 0:g} s to {'its end' if end is None else f'{end:g} s'})"


def order(predictions: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return positions: the surest mistakes first, then what is right, the least sure first."""

    def place(number: int) -> tuple[bool, float, int]:
        one = predictions[number]
        right = one["label"] == one["predicted"]
        sureness = _sureness(one)
        return right, sureness if right else -sureness, number

    return sorted(range(len(predictions)), key=place)


def _suspects(result: Mapping[str, Any]) -> list[Place]:
    errors = [place_of(one) for one in result.get("label_errors", ())[:N_SUSPECTS]]
    twins = result.get("duplicates", ())[:N_SUSPECTS]
    return [*errors, *(place for one in twins for place in (place_of(one), other_place(one)))]


def _worth_hearing(
    result: Mapping[str, Any], found: Sequence[Mapping[str, Any]], numbers: Mapping[Place, int]
) -> list[int]:
    told = found[: len(result.get("predictions", ()))]
    ordered = order(told)
    n_wrong = sum(one["label"] != one["predicted"] for one in told)
    first = [numbers[place] for place in _suspects(result)]
    mistakes, right = ordered[:n_wrong], ordered[n_wrong:]
    chosen = list(dict.fromkeys([*first, *mistakes]))[:N_PICTURES]
    return list(dict.fromkeys([*chosen, *right]))[: max(len(chosen), N_AUDIO)]


def _embed(
    records: list[dict[str, Any]], sources: Sequence[AudioSource | None], chosen: Sequence[int]
) -> None:
    there = [(number, source) for number in chosen if (source := sources[number])]
    made = excerpts([source for _, source in there], N_AUDIO)
    n_bytes = 0
    for (number, _), excerpt in zip(there, made, strict=True):
        record = records[number]
        if excerpt.problem:
            record["note"] = literal(excerpt.problem)
            continue
        record["picture"] = excerpt.picture
        n_bytes += len(excerpt.audio)
        if excerpt.audio and n_bytes <= MOST_BYTES:
            record["audio"] = excerpt.audio


def _record(one: Mapping[str, Any]) -> dict[str, Any]:
    record: dict[str, Any] = {"name": literal(name_of(place_of(one)))}
    if "predicted" in one:
        best = sorted(one.get("scores", {}).items(), key=lambda pair: (-pair[1], pair[0]))
        if one.get("rejected"):
            record["rejected"] = True
        record["true"], record["predicted"] = literal(one["label"]), literal(one["predicted"])
        record["scores"] = [[literal(k), round(v, 3)] for k, v in best[:N_SCORES]]
    return record


def _sureness(one: Mapping[str, Any]) -> float:
    return float(one.get("scores", {}).get(one["predicted"], 0.0))


def _source(one: Mapping[str, Any], root: AnyPath | None) -> AudioSource | None:
    if root is None:
        return None
    found = join(root, one["path"])
    if not isinstance(found, Path):
        return AudioSource(found, one.get("start_s"), one.get("end_s"))
    path = Path(os.path.abspath(found))  # noqa: PTH100  (links stay as they are)
    try:
        there = path.is_file()
    except (OSError, ValueError):  # a name no file can have
        return None
    return AudioSource(path, one.get("start_s"), one.get("end_s")) if there else None


def _link(path: Path, source: AudioSource, folder: Path) -> str:
    """Return a recording's address as seen from a page in `folder`."""
    try:
        relative = os.path.relpath(path, os.path.abspath(folder))  # noqa: PTH100
        address = quote(os.fsencode(relative.replace(os.sep, "/")))
    except ValueError:  # another drive
        address = path.as_uri()
    if source.start_s is None and source.end_s is None:
        return address
    end = "" if source.end_s is None else f",{source.end_s:g}"
    return f"{address}#t={source.start_s or 0:g}{end}"
