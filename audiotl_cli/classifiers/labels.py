"""Encode labels as numbers: one label per clip, or several joined by ``;``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from audiotl_cli.errors import DataError
from audiotl_cli.labels import SEPARATOR, THRESHOLD, split_labels


def label_names(labels: Sequence[str], *, multi_label: bool) -> list[str]:
    """Return the different labels, sorted.

    Raises
    ------
    DataError
        There is only one.
    """
    found = {label for text in labels for label in (split_labels(text) if multi_label else [text])}
    if len(found) < 2:
        raise DataError(
            f"all {len(labels)} training clips have the same label, {min(found)!r}; a "
            "classifier needs at least two labels"
        )
    return sorted(found)


def label_numbers(
    labels: Sequence[str], names: Sequence[str], *, multi_label: bool
) -> npt.NDArray[np.int64]:
    """Return the number of every clip's label; or (n_clips, n_labels) of 0 and 1."""
    number = {name: i for i, name in enumerate(names)}
    if not multi_label:
        return np.array([number[label] for label in labels], np.int64)
    has = np.zeros((len(labels), len(names)), np.int64)
    for i, text in enumerate(labels):
        has[i, [number[label] for label in split_labels(text)]] = 1
    return has


def predicted_labels(
    scores: npt.NDArray[np.float64],
    names: Sequence[str],
    *,
    multi_label: bool,
    threshold: float = THRESHOLD,
) -> str:
    """Return the label with the highest score, the first of equals.

    For multi-label clips: all labels with a score of at least `threshold`, joined by ``;``, or
    none.
    """
    if not multi_label:
        return names[int(scores.argmax())]
    found = [name for name, score in zip(names, scores, strict=True) if score >= threshold]
    return SEPARATOR.join(found)


def resample(y: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.int64]:
    """Return positions that contain every label as often as the most common one.

    Every clip is included; clips of rarer labels are drawn again.
    """
    rng = np.random.default_rng(seed)
    _, counts = np.unique(y, return_counts=True)
    drawn = [np.arange(len(y))]
    for label, count in enumerate(counts):
        drawn.append(rng.choice(np.flatnonzero(y == label), counts.max() - count))
    return np.concatenate(drawn)


def unbalanced(labels: Sequence[str]) -> str:
    """Return a warning if one label has ten times the clips of another; else an empty text."""
    counts = Counter(label for text in labels for label in split_labels(text))
    if not counts:
        return ""
    (most, n_most), (least, n_least) = counts.most_common()[0], counts.most_common()[-1]
    if n_most < 10 * n_least:
        return ""
    return (
        f"Labels are unbalanced: {most!r} has {n_most} clips, but {least!r} only {n_least}; "
        "audiotl train decides by cross-validation whether to balance them (--balance)"
    )
