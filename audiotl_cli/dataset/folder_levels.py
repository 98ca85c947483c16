"""What the levels of folders above recordings are: splits, folds, labels or sources."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from audiotl_cli.dataset.columns import SPLIT_NAMES

Parts = tuple[str, ...]
"""The folders above a recording, the outermost first."""

_ADDITIONS = {"set", "sets", "data", "audio", "split", "wav", "wavs", "files", "clips", "sounds"}
_NO_LETTERS = re.compile(r"[\W\d_]+")
_FOLD = re.compile(r"(?:cv[-_ ]?)?folds?[-_ ]?(\d+)", re.IGNORECASE)
_DATE = re.compile(r"\D*\d{4}[-_.]?\d{2}[-_.]?\d{2}\D*")
_NUMBERED = re.compile(r"(.*?[a-z])[-_. ]*(?:\d+|(?<=[-_. ])[a-z])", re.IGNORECASE)
_LABEL_WORDS = {"class", "label", "category", "type", "species", "genre", "emotion", "word"}
_SOURCES = re.compile(
    r"(?:site|station|location|loc|plot|transect|speaker|spk|subject|subj|patient|participant|"
    r"user|person|device|recorder|logger|mic|session|day|night|batch|room|camera)[-_. ]?\w{1,3}",
    re.IGNORECASE,
)
_STAGES = {
    "original", "originals", "orig", "raw", "full", "unsegmented", "segmented", "segments",
    "processed", "preprocessed", "augmented", "augmentation", "denoised", "filtered", "clean",
    "cleaned", "noisy", "trimmed", "normalized", "normalised", "resampled", "cut",
}  # fmt: skip
"""Folders of the same recordings in several forms."""


@dataclass(frozen=True)
class FolderLevels:
    """Which level of folders is what, counted from 0.

    Parameters
    ----------
    label : int
    split, fold : int or None
    above : tuple of str
        Folders that all recordings are in.
    notes : tuple of str
        What was found, for the user.
    doubt : str
        What else the labels could be, and the option for it; or empty.
    """

    label: int = 0
    split: int | None = None
    fold: int | None = None
    above: Parts = ()
    notes: tuple[str, ...] = ()
    doubt: str = ""

    def label_of(self, parts: Parts) -> str:
        """Return the label of a recording in these folders; empty if it lies above them."""
        return _at(parts, self.label)

    def split_of(self, parts: Parts) -> str:
        """Return the split; empty where folders are no splits, or this one is none."""
        return split_name(_at(parts, self.split))

    def fold_of(self, parts: Parts) -> str:
        """Return the fold; empty where folders are no folds, or this one is none."""
        return _fold_number(_at(parts, self.fold))

    def is_left_out(self, parts: Parts) -> bool:
        """Return whether a recording lies beside the folders of splits or folds."""
        if self.split is not None:
            return not self.split_of(parts)
        return self.fold is not None and not self.fold_of(parts)


def split_name(folder: str) -> str:
    """Return the split that the name of a folder means: ``train``, ``valid``, ``test`` or none."""
    words = [word for word in _words(folder) if word not in _ADDITIONS]
    return SPLIT_NAMES.get(words[0], "") if len(words) == 1 else ""


def find_levels(folders: Sequence[Parts], label_level: int | None = None) -> FolderLevels:
    """Decide by the folders of all recordings which level is what.

    Parameters
    ----------
    folders : sequence of tuple of str
        Of each recording.
    label_level : int or None
        The level of the labels, counted from 1, where the user has named it.
    """
    levels = FolderLevels()
    last = len(max(folders, key=len, default=())) if label_level is None else label_level - 1
    for level in range(last):
        inside = [parts for parts in folders if not levels.is_left_out(parts)]
        tops = Counter(_at(parts, level) for parts in inside)
        if levels.split is None and _are_splits(inside, tops, level):
            levels = replace(levels, split=level, label=level + 1)
        elif levels.fold is None and _are_folds(tops):
            levels = replace(levels, fold=level, label=level + 1)
        elif label_level is None and (top := _around_all(inside, level)):
            levels = replace(levels, above=(*levels.above, top), label=level + 1)
        elif label_level is None:
            break
    if label_level is not None:
        levels = replace(levels, label=label_level - 1)
    inside = [parts for parts in folders if not levels.is_left_out(parts)]
    if levels.split is None and _are_inner(inside, levels.label, split_name):
        levels = replace(levels, split=levels.label + 1)
    elif levels.fold is None and _are_inner(inside, levels.label, _fold_number):
        levels = replace(levels, fold=levels.label + 1)
    elif label_level is None:
        levels = _compare_levels(levels, inside)
    return replace(levels, notes=(*_describe(levels, folders), *levels.notes))


def _are_splits(folders: Sequence[Parts], tops: Counter[str], level: int) -> bool:
    """Return whether folders of one level are splits, though others may lie beside them."""
    splits = {top: name for top in tops if (name := split_name(top))}
    others = [top for top in tops if top not in splits]
    if not splits or not others:
        return bool(splits)
    if 2 * sum(tops[top] for top in splits) < sum(tops.values()):
        return False
    if len(set(splits.values())) > 1:
        return True
    below = _below(folders, level)
    labels = set().union(*(below[top] for top in splits))
    return len(labels) > 1 and all(not below[top] or below[top] & labels for top in others)


def _are_folds(tops: Counter[str]) -> bool:
    folds = [top for top in tops if _fold_number(top)]
    return len(folds) > 1 and 2 * sum(tops[top] for top in folds) >= sum(tops.values())


def _around_all(folders: Sequence[Parts], level: int) -> str:
    """Return the only folder of a level, if most recordings lie in several folders below it."""
    for next_level in range(level, len(max(folders, key=len, default=()))):
        names = {_at(parts, next_level) for parts in folders} - {""}
        if 2 * sum(len(parts) > next_level for parts in folders) <= len(folders):
            return ""
        if len(names) > 1:
            return _at(max(folders, key=len), level) if next_level > level else ""
    return ""


def _are_inner(folders: Sequence[Parts], level: int, role: Callable[[str], str]) -> bool:
    """Return whether the folders in the labels are splits or folds."""
    inner = [parts[level + 1] for parts in folders if len(parts) > level + 1]
    found = [value for name in inner if (value := role(name))]
    return len(_below(folders, level)) > 1 < len(set(found)) and 2 * len(found) >= len(folders)


def _compare_levels(levels: FolderLevels, folders: Sequence[Parts]) -> FolderLevels:
    """Look at the next level: the same folders in several ones above may be the labels."""
    level = levels.label
    below = _below(folders, level)
    outer = sorted(top for top in below if below[top])
    parents = Counter(name for names in below.values() for name in names)
    again = sorted(name for name, n in parents.items() if n > 1)
    n_again = sum(_at(parts, level + 1) in again for parts in folders)
    if len(outer) < 2 or not again or 2 * n_again < len(folders) or _are_sources(again):
        return levels
    if _are_sources(outer):
        note = (
            f"the folders {_some(again)} recur in {_some(outer)}, so they are the labels, as with "
            f"--label-level {level + 2}; --label-level {level + 1} takes {_some(outer)}"
        )
        levels = replace(levels, label=level + 1, notes=(*levels.notes, note))
        return _compare_levels(levels, folders)
    if len(again) < 2:
        return levels
    doubt = (
        f"labels are {_some(outer)}, but {_some(again)} recur in them: labels could be the "
        f"{_ordinal(level + 2)} level of folders: --label-level {level + 2}"
    )
    return replace(levels, doubt=doubt)


def _are_sources(names: Sequence[str]) -> bool:
    """Return whether names look like sites, speakers, days or stages rather than labels."""
    if len(names) < 2:
        return False
    if any(all(kind.fullmatch(name) for name in names) for kind in (_DATE, _SOURCES)):
        return True
    if all(_STAGES.intersection(_words(name)) for name in names):
        return True
    numbered = [_NUMBERED.fullmatch(name) for name in names]
    stems = Counter(match[1].lower() for match in numbered if match)
    stem, n = stems.most_common(1)[0] if stems else ("", 0)
    return 2 * n > len(names) and stem.strip("-_. ") not in _LABEL_WORDS


def _describe(levels: FolderLevels, folders: Sequence[Parts]) -> list[str]:
    notes = []
    if levels.above:
        first = levels.label + 1
        notes.append(
            f"all recordings are in {'/'.join(levels.above)}, so labels are the {_ordinal(first)} "
            f"level of folders, as with --label-level {first}"
        )
    for level, are, role in (
        (levels.split, "splits", split_name),
        (levels.fold, "folds", _fold_number),
    ):
        if level is not None:
            found = sorted({name for parts in folders if role(name := _at(parts, level))})
            deeper = any(len(parts) > levels.label for parts in folders)
            where = "in them" if level < levels.label else "around them"
            labels = f"; labels are the folders {where}" if deeper else ""
            the = f"folders {_some(found)} are {are}"
            if len(found) == 1:
                the, labels = f"folder {found[0]} is a {are[:-1]}", labels.replace("them", "it")
            notes.append(f"the {the}{labels}")
    return notes


def _below(folders: Sequence[Parts], level: int) -> dict[str, set[str]]:
    """Return the folders in each folder of a level."""
    below: dict[str, set[str]] = defaultdict(set)
    for parts in folders:
        if len(parts) > level:
            below[parts[level]].update(parts[level + 1 : level + 2])
    return below


def _words(name: str) -> list[str]:
    return [word for word in _NO_LETTERS.split(name.casefold()) if word]


def _fold_number(folder: str) -> str:
    found = _FOLD.fullmatch(folder)
    return found[1].lstrip("0") or "0" if found else ""


def _at(parts: Parts, level: int | None) -> str:
    return parts[level] if level is not None and len(parts) > level else ""


def _some(names: Sequence[str], n_most: int = 4) -> str:
    more = [f"... ({len(names)} folders)"] if len(names) > n_most else []
    return ", ".join([*names[:n_most], *more])


def _ordinal(n: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(n, f"{n}th")
