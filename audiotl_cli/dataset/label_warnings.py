"""What to know of the labels of an index before anything is extracted for it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from pathlib import Path
from shlex import quote

from audiotl_cli.dataset.audit import is_readable
from audiotl_cli.dataset.index import Clip, Index, clip_labels
from audiotl_cli.dataset.similar_labels import describe_similar
from audiotl_cli.labels import SEPARATOR
from audiotl_cli.storage.paths import AnyPath
from audiotl_cli.text import counted

MOST_NAMED = 5
TABLES = {".csv", ".tsv", ".jsonl", ".parquet"}


def warn_of_labels(index: Index, had: Collection[str]) -> list[str]:
    """Return warnings about labels that are missing, too rare, or spelt in several ways.

    Parameters
    ----------
    index : Index
    had : collection of str
        The labels of what was found, also of what was left out.
    """
    labels = index.labels()
    readable = {label for clip in index.clips if is_readable(clip) for label in clip_labels(clip)}
    return [
        *_lost(set(had).difference(labels), "no clip left"),
        *_lost(set(labels) - readable, "no clip that can be read"),
        *_warn_of_present(index, labels),
    ]


def _lost(labels: Collection[str], what: str) -> list[str]:
    names = ", ".join(sorted(labels))
    have = f"the labels {names} have" if len(labels) > 1 else f"the label {names} has"
    return [f"{have} {what}"] if labels else []


def _warn_of_present(index: Index, labels: Sequence[str]) -> list[str]:
    if not labels:
        return [
            "no clip has a label, so nothing can be learnt from this index yet; give labels with "
            "folders, --metadata or --labels-from, or with audiotl label",
            *_tables_beside(index.audio_root),
        ]
    if len(labels) == 1:
        return [f"all clips with a label have the same, {labels[0]!r}; training needs two at least"]
    counts = Counter(label for clip in index.clips for label in set(clip_labels(clip)))
    missing = _missing(index, labels)
    single = sorted(label for label, n in counts.items() if n == 1)
    warnings = [*missing, *_too_few_for_folds(index.clips, counts)]
    splits = {clip.split for clip in index.clips}
    if "train" in splits and "test" not in splits and min(counts.values()) > 1:
        warnings.append(
            "no clip is in the test split, so audiotl evaluate needs --cv, or a split with "
            "clips after --split"
        )
    if single and not missing:
        warnings.append(
            f"{_named(single)} {'has' if len(single) == 1 else 'each have'} a single clip, which "
            "cannot be both trained on and tested"
        )
    return [*warnings, *describe_similar(_as_given(index.clips))]


def _tables_beside(folder: AnyPath) -> list[str]:
    """Return a hint at tables among the recordings, which may hold the labels."""
    if not isinstance(folder, Path):
        return []
    tables = sorted(path for path in folder.glob("*") if path.suffix.lower() in TABLES)
    if not tables:
        return []
    names = _listed([path.name for path in tables])
    return [f"{names} beside the recordings may hold labels: --metadata {quote(str(tables[0]))}"]


def _missing(index: Index, labels: Sequence[str]) -> list[str]:
    """Return a warning for each of the training and the test split that lacks labels."""
    warnings = []
    for split in ("train", "test"):
        clips = [clip for clip in index.clips if clip.split == split]
        present = {label for clip in clips for label in clip_labels(clip)}
        missing = [label for label in labels if label not in present]
        if clips and missing:
            warnings.append(
                f"{len(missing)} of {len(labels)} labels have no clip in the {split} split: "
                f"{_listed(missing)}"
            )
    return warnings


def _too_few_for_folds(clips: Sequence[Clip], counts: Counter[str]) -> list[str]:
    """Return a warning of labels that some folds cannot test; folds that are groups need not."""
    folds = {clip.fold for clip in clips} - {""}
    if len(folds) < 2 or all(clip.fold == clip.group for clip in clips):
        return []
    held: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        for label in clip_labels(clip):
            held[label].add(clip.fold)
    few = sorted(label for label in counts if len(held[label] - {""}) < len(folds))
    are = "is" if len(few) == 1 else "are"
    return [f"{_named(few)} {are} in some but not all of the {len(folds)} folds"] if few else []


def _as_given(clips: Sequence[Clip]) -> Counter[str]:
    """Return how many clips have each label, with the blanks around it."""
    counts: Counter[str] = Counter()
    for clip in clips:
        counts.update(clip_labels(clip) if SEPARATOR in clip.label else [clip.label])
    del counts[""]
    return counts


def _named(labels: Sequence[str]) -> str:
    return f"{counted(len(labels), 'label')} ({_listed(labels)})"


def _listed(labels: Sequence[str]) -> str:
    return ", ".join(labels[:MOST_NAMED]) + (", ..." if len(labels) > MOST_NAMED else "")
