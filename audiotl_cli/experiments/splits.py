"""Which clips are trained on, and which are tested."""

from __future__ import annotations

from audiotl_cli.dataset.index import Index
from audiotl_cli.errors import DataError
from audiotl_cli.experiments.features import LabelledFeatures
from audiotl_cli.spelling import did_you_mean

TRAIN, TEST = "train", "test"


def rows_to_train_on(data: LabelledFeatures, split: str) -> list[int]:
    """Return the positions of a split's clips; of all, where there are no splits at all.

    Raises
    ------
    DataError
        There are none.
    """
    splits = {clip.split for clip in data.clips}
    rows = [i for i, clip in enumerate(data.clips) if clip.split == split or splits == {""}]
    if not rows:
        raise DataError(
            f"no clip with features is in the split {split!r}; the index has "
            f"{', '.join(sorted(splits - {''}))}{did_you_mean(split, splits - {''})}"
        )
    return rows


def rows_to_test_on(data: LabelledFeatures, split: str, index: Index) -> list[int]:
    """Return the positions of a split's clips.

    Raises
    ------
    DataError
        There are none.
    """
    rows = [i for i, clip in enumerate(data.clips) if clip.split == split]
    if not rows:
        found = ", ".join(sorted({clip.split for clip in data.clips} - {""})) or "no splits"
        raise DataError(
            f"no clip with features is in the split {split!r} of {index.path} (it has {found}); "
            "choose one with --split, or evaluate with --cv"
            f"{did_you_mean(split, {clip.split for clip in data.clips} - {''})}"
        )
    return rows
