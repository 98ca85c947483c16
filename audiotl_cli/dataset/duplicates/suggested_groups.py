"""Groups that the names of recordings suggest where an index has none.

A suggestion needs evidence: a scheme that is known, folders, a part of the names that looks like
the name, code or number of a source and recurs, or one that other parts depend on, as the age in a
name does on the patient. What leaves a label in one source alone is the label, or of no use.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from audiotl_cli.dataset.duplicates.name_parts import (
    MOSTLY,
    Part,
    folder_parts,
    matched,
    name_parts,
    names_before_takes,
    pairs_of_parts,
    recording_days,
)
from audiotl_cli.dataset.duplicates.name_schemes import KNOWN_SCHEMES
from audiotl_cli.dataset.index import Clip
from audiotl_cli.dataset.split import deal
from audiotl_cli.labels import split_labels

TRAIN_AND_TEST = (0.75, 0.25)
"""Shares of the usual split, on which a suggestion is tried."""

MOST_UNEVEN = 10
"""A value that so many times more recordings have than others is a name for all of the rest."""

FEW_GROUPS = 5
"""With fewer, a part further right that divides the recordings more finely is preferred."""

FEW_NAMES = 4
"""Words that never recur with another label may be kinds of it, unless a label has as many."""

WORDS_OF_LABELS = 0.1
"""Share of recordings from which a part that is a word of their labels is no source."""

FEW_NUMBERED, FEW_TITLES = 3, 5
"""Likewise for names before takes, those that end in a number and others."""


@dataclass(frozen=True)
class SuggestedGroups:
    """Groups that the names of recordings suggest.

    Parameters
    ----------
    expression : str
        For ``--group-regex``.
    n_groups, n_clips : int
        How many groups the expression finds, and in how many clips.
    n_divided : int
        Groups with clips in several splits or folds.
    example : str
        One of the groups.
    """

    expression: str
    n_groups: int
    n_clips: int
    n_divided: int
    example: str

    @property
    def option(self) -> str:
        """The option of ``audiotl index`` that keeps each group together."""
        return f"--group-regex {shlex.quote(self.expression)}"

    @property
    def doubt(self) -> str:
        """What it means for a score."""
        divided = f"{self.n_divided} of them are both trained on and tested, so the score may be"
        if not self.n_divided:
            divided = "any split may divide them, so that scores become"
        return (
            f"file names suggest {self.n_groups} sources (speakers, patients, sites, ...), such as "
            f"{self.example!r}, and {divided} too good; to keep them apart: audiotl index ... "
            f"{self.option}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON, with what it means for a score."""
        return asdict(self) | {"warning": self.doubt}


def suggest_groups(
    clips: Sequence[Clip], parts: Sequence[str] | None = None
) -> SuggestedGroups | None:
    """Return groups that names suggest, if no others are known and none are kept apart already.

    Parameters
    ----------
    clips : sequence of Clip
    parts : sequence of str, optional
        What each clip is in, such as its round of a cross-validation; by default its split and
        its fold. Where all clips are in one part, every later split may divide the groups.
    """
    if 2 * sum(bool(clip.group) for clip in clips) > len(clips):
        return None
    labels: dict[str, str] = {}
    for clip in clips:
        labels.setdefault(clip.path, clip.label)
    part = _find_part(list(labels), list(labels.values()))
    if part is None or not _can_be_split(part, list(labels.values())):
        return None
    parts = parts or [f"{clip.split}/{clip.fold}" for clip in clips]
    group_of = {path: value for path, value in zip(labels, part.values, strict=True) if value}
    held: dict[str, set[str]] = defaultdict(set)
    for clip, where in zip(clips, parts, strict=True):
        if clip.path in group_of:
            held[group_of[clip.path]].add(where)
    n_divided = sum(len(found) > 1 for found in held.values())
    if not n_divided and len(set(parts)) > 1:
        return None
    n_clips = sum(clip.path in group_of for clip in clips)
    example = max(part.members, key=lambda value: len(part.members[value]))
    return SuggestedGroups(part.expression, len(held), n_clips, n_divided, example)


def warn_without_groups(suggested: SuggestedGroups | None, n_clips: int) -> str:
    """Return what to do if names suggest groups; else nothing."""
    if suggested is None:
        return ""
    return (
        f"no groups are known, but {suggested.n_clips} of {n_clips} file names suggest "
        f"{suggested.n_groups} sources (speakers, patients, sites, recordings), such as "
        f"{suggested.example!r}. If clips of one source are on both sides of a split, scores are "
        f"too good; keep them together with: {suggested.option}"
    )


def _find_part(paths: Sequence[str], labels: Sequence[str]) -> Part | None:
    """Return the part of the paths that tells their sources, if there is evidence for one."""
    few = paths[:: max(1, len(paths) // 100)]
    likely = [it for it in KNOWN_SCHEMES if 2 * len(_found(it, few)) > len(few)]
    known = (matched(expression, paths) for expression in likely)
    if found := next((part for part in known if _recurs(part, labels, known=True)), None):
        return found
    if folders := [part for part in folder_parts(paths) if _recurs(part, labels)]:
        return folders[0]
    parts = name_parts(paths)
    if not parts:
        return None
    recurring = [
        part for part in parts if _recurs(part, labels) and not _are_counters(part, paths, labels)
    ]
    if found := _most_determining(recurring, parts, labels):
        return found
    pairs = [pair for pair in pairs_of_parts(paths, parts) if _recurs(pair, labels)]
    if found := _most_determining(pairs, parts, labels):
        return found
    if named := [part for part in recurring if _names_sources(part, labels)]:
        many = [part for part in named if len(part.members) >= FEW_GROUPS]
        return many[0] if many else max(named, key=lambda part: len(part.members))
    if found := _before_takes(paths, recurring, labels):
        return found
    days = recording_days(paths)
    return days if _recurs(days, labels) else None


def _found(expression: str, paths: Sequence[str]) -> list[str]:
    return [path for path in paths if re.search(expression, path)]


def _most_determining(
    candidates: Sequence[Part], parts: Sequence[Part], labels: Sequence[str]
) -> Part | None:
    """Return the part on which most parts that follow it depend."""
    best, most = None, 0
    for candidate in candidates:
        after = (part for part in parts if part.place > candidate.place)
        n = sum(candidate.determines(part, labels) for part in after)
        if n > most:
            best, most = candidate, n
    return best


def _before_takes(
    paths: Sequence[str], recurring: Sequence[Part], labels: Sequence[str]
) -> Part | None:
    """Return names before numbers of takes, if they look like sources.

    What combines a label with something that comes with every label is no source, unless that is
    a number right before the take, which may be a speaker's.
    """
    for part in names_before_takes(paths):
        if not _recurs(part, labels):
            continue
        if _is_shared(part, labels):
            return part if part.tells_sources(labels) else None
        shared = [other for other in recurring if _is_shared(other, labels)]
        if crossed := [other for other in shared if part.determines(other, labels)]:
            last = crossed[-1]
            is_number = all(value.isdecimal() for value in last.members)
            is_last = all(map(str.endswith, part.values, last.values))
            return last if is_number and is_last else None
        has_numbers = 2 * sum(value[-1].isdecimal() for value in part.members) > len(part.members)
        least = FEW_NUMBERED if has_numbers else FEW_TITLES
        if len(part.members) >= least * len(set(labels)):
            return part
    return None


def _recurs(part: Part, labels: Sequence[str], *, known: bool = False) -> bool:
    """Return whether recordings share the values of a part, and labels have several of them."""
    n, sizes = len(labels), [len(members) for members in part.members.values()]
    shared = [size for size in sizes if size > 1]
    if sum(sizes) < MOSTLY * n or len(sizes) < 2 or not shared:
        return False
    if not known:
        is_few = 2 * max(shared) > n or len(shared) < 3 or 2 * sum(shared) < n
        is_few |= max(shared) > MOST_UNEVEN * median(sizes)
        if is_few or 2 * len(sizes) > n or _are_of_labels(part, labels):
            return False
    held: dict[str, set[str]] = defaultdict(set)
    for i, text in enumerate(labels):
        held[text].add(part.values[i] or f"/{i}")
    sources: dict[str, set[str]] = defaultdict(set)
    n_of: Counter[str] = Counter()
    for text, n in Counter(labels).items():
        for label in split_labels(text):
            sources[label] |= held[text]
            n_of[label] += n
    return all(len(sources[label]) > 1 for label, n in n_of.items() if n > 1)


def _are_counters(part: Part, paths: Sequence[str], labels: Sequence[str]) -> bool:
    """Return whether names are numbers that start anew in each folder, and not with each label."""
    folders: dict[str, list[int]] = defaultdict(list)
    for path, value in zip(paths, part.values, strict=True):
        folder, _, name = path.rpartition("/")
        if not value.isdecimal() or name.rpartition(".")[0] != value:
            return False
        folders[folder].append(int(value))
    run = (len(found) >= 0.8 * (max(found) - min(found) + 1) for found in folders.values())
    return all(run) and not _is_shared(part, labels)


def _are_of_labels(part: Part, labels: Sequence[str]) -> bool:
    """Return whether values are words of the labels, as if labels had several."""
    n = sum(
        sum(value.casefold() in labels[i].casefold() for i in members)
        for value, members in part.members.items()
        if len(value) > 1 and value.isalpha()
    )
    return n >= WORDS_OF_LABELS * len(labels)


def _can_be_split(part: Part, labels: Sequence[str]) -> bool:
    """Return whether a split by these groups tests every label of several clips."""
    groups = [value or f"/{i}" for i, value in enumerate(part.values)]
    held: dict[str, set[int]] = defaultdict(set)
    for text, where in zip(labels, deal(labels, groups, TRAIN_AND_TEST, 0), strict=True):
        for label in split_labels(text):
            held[label].add(where)
    n_of = Counter(label for text in labels for label in split_labels(text))
    return all(len(held[label]) > 1 for label, n in n_of.items() if n > 1)


def _names_sources(part: Part, labels: Sequence[str]) -> bool:
    """Return whether values look like sources; words must recur with labels, or be many."""
    if not part.tells_sources(labels):
        return False
    are_words = all(value.isalpha() for value in part.members)
    if are_words and not any(labels):  # they may be the labels
        return False
    return (
        not are_words
        or _is_shared(part, labels)
        or (len(part.members) >= FEW_NAMES * len(set(labels)))
    )


def _is_shared(part: Part, labels: Sequence[str]) -> bool:
    """Return whether most values come with several labels."""
    several = [len({labels[i] for i in members}) > 1 for members in part.members.values()]
    return 2 * sum(several) >= len(several)
